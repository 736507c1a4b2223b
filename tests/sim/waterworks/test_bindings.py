"""The plant file of the demo and the simulator agree on every tag."""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

import sereno.app
from sereno.app.plant.expand import expand
from sereno.model import ValueType
from sereno.sim.registers import BIT_TABLES, Binding
from sereno.sim.waterworks.bindings import WORDS, river_bindings, town_bindings
from sereno.sim.waterworks.plc_river import COMMANDS as RIVER_COMMANDS
from sereno.sim.waterworks.plc_river import SETTINGS as RIVER_SETTINGS
from sereno.sim.waterworks.plc_river import SWITCHES as RIVER_SWITCHES
from sereno.sim.waterworks.plc_town import COMMANDS as TOWN_COMMANDS
from sereno.sim.waterworks.plc_town import SETTINGS as TOWN_SETTINGS
from sereno.sim.waterworks.plc_town import SWITCHES as TOWN_SWITCHES

TEMPLATES = Path(sereno.app.__file__).parent / "templates"
PLCS = {
    "river/plc1": (river_bindings(), RIVER_SETTINGS, RIVER_SWITCHES, RIVER_COMMANDS),
    "town/plc2": (town_bindings(), TOWN_SETTINGS, TOWN_SWITCHES, TOWN_COMMANDS),
}


def _declared() -> dict[str, dict[str, dict]]:
    faults: list = []
    plant = expand(TEMPLATES / "plant" / "plant.toml", faults)
    assert not faults
    plcs = [d for d in plant.devices if d.table.data["driver"] == "modbus"]
    return {d.table.data["name"]: {tag.data["name"]: tag.data for tag in d.tags} for d in plcs}


DECLARED = _declared()
EVERY_TAG = [(device, name) for device, tags in DECLARED.items() for name in tags]


def _as_binding(tag: dict) -> Binding:
    table, number, bit = re.fullmatch(r"(coil|discrete|input|holding):(\d+)(?:\.(\d+))?", tag["address"]).groups()
    return Binding(
        name=tag["name"],
        table=table,
        address=int(number),
        type=ValueType(tag["type"]),
        scale=float(tag.get("scale", 1.0)),
        bit=None if bit is None else int(bit),
        length=int(tag.get("length", 0)),
        count=int(tag.get("count", 1)),
        word_order=tag.get("word_order", "big"),
    )


def test_the_two_lists_have_the_same_tags():
    assert {device: set(tags) for device, tags in DECLARED.items()} == {d: set(p[0]) for d, p in PLCS.items()}
    assert 200 <= len(EVERY_TAG) <= 250


@pytest.mark.parametrize(("device", "name"), EVERY_TAG)
def test_a_tag_of_the_plant_file_is_where_the_simulator_has_it(device, name):
    assert _as_binding(DECLARED[device][name]) == PLCS[device][0][name]


@pytest.mark.parametrize("device", list(PLCS))
def test_only_set_points_switches_and_commands_are_writable(device):
    _, settings, switches, commands = PLCS[device]
    access = {name: tag.get("access", "read") for name, tag in DECLARED[device].items()}
    both = {name for name, how in access.items() if how == "read_write"}
    assert both - {"recipe"} == {*settings, *switches}
    assert {name for name, how in access.items() if how == "write"} == set(commands)


@pytest.mark.parametrize("device", list(PLCS))
def test_the_limits_of_a_set_point_in_the_file_are_those_of_the_plc(device):
    for name, setting in PLCS[device][1].items():
        if name == "mode":
            continue
        declared = DECLARED[device][name]["setpoint"]
        assert (float(declared["low"]), float(declared["high"])) == (setting.low, setting.high), name
        assert setting.low <= setting.first <= setting.high


@pytest.mark.parametrize("device", list(PLCS))
def test_places_do_not_overlap_but_for_bits_of_a_word(device):
    bindings = sorted((b for b in PLCS[device][0].values() if b.bit is None), key=lambda b: (b.table, b.address))
    for first, second in pairwise(bindings):
        assert first.table != second.table or first.address + first.width <= second.address, (first, second)
    assert all(b.address + b.width <= WORDS for b in bindings)
    words = {(b.table, b.address) for b in bindings}
    assert all((b.table, b.address) in words for b in PLCS[device][0].values() if b.bit is not None)


def test_every_kind_of_tag_is_there():
    tags = [tag for tags in DECLARED.values() for tag in tags.values()]
    kinds = {"bool", "uint16", "int16", "uint32", "int64", "uint64", "float32", "enum", "string"}
    assert {t["type"] for t in tags} == kinds
    assert {t["address"].split(":")[0] for t in tags} == {"input", "holding", *BIT_TABLES}
    readbacks = [t["setpoint"].get("readback", "self") for t in tags if "setpoint" in t]
    paths = {f"{device}/{name}" for device, name in EVERY_TAG}
    assert "self" in readbacks
    assert {r for r in readbacks if r != "self"} <= paths
    assert sum("interlock" in t.get("setpoint", {}) for t in tags) >= 2


def test_interlocks_name_tags_that_exist():
    paths = {f"{device}/{name}" for device, name in EVERY_TAG}
    for tags in DECLARED.values():
        for tag in tags.values():
            named = re.findall(r"[a-z][a-z0-9_]*/[a-z0-9_/]+", tag.get("setpoint", {}).get("interlock", ""))
            assert set(named) <= paths


def test_the_smallest_plant_is_ten_lines_of_toml():
    text = (TEMPLATES / "minimal" / "plant.toml").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 10
    assert tomllib.loads(text)["device"][0]["tag"][0]["type"] == "float32"
