"""The configuration of the first watchdog becomes a plant that is checked, and works."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.app.cli import run_cli
from sereno.app.fleetimport.reading import FleetConfig, Request, read_fleet
from sereno.app.fleetimport.writing import plant_text, tag_name
from sereno.app.plant.load import Plant, load_plant
from sereno.model import ConfigurationError

ORIGINAL = Path(__file__).parents[1] / "original" / "watchdog.json"
STEPS = ["Call", "Connections", "Check", "Read", "WriteBack", "Disconnect"]
URL = "http://10.0.0.1/inventory"


def loaded(folder: Path, found: FleetConfig) -> Plant:
    file = folder / "plant.toml"
    file.write_text(plant_text(found, "watchdog.json"), encoding="utf-8")
    return load_plant(file)


def test_the_original(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["import", "fleet", str(ORIGINAL), str(tmp_path / "mill"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [note.partition(":")[0] for note in said["notes"]] == ["log", "host", "colour"]
    plant = load_plant(tmp_path / "mill" / "plant.toml")
    (device,) = plant.devices
    assert device.config.members == {"press": "10.0.0.7", "oven": "10.0.0.8:8000"}
    assert device.config.calls["disconnect"].path == "/deconnection"
    tags = {tag.spec.name: tag for tag in device.tags}
    assert {"temperature", "energie_kwh", "connected_asked", "marbles", "total"} <= tags.keys()
    assert (tags["temperature"].driver_tag.config.get, tags["temperature"].spec.limits.hi) == ("/temperature", 500)
    assert tags["energie_kwh"].spec.limits is None
    assert tags["total"].driver_tag.config.total == "marbles"
    assert (plant.web.port, plant.web.host, plant.log.level) == (8050, "127.0.0.1", "warning")
    (job,) = plant.jobs
    assert [type(step).__name__ for step in job.steps] == STEPS
    assert (job.schedule.every, job.schedule.again) == (300.0, 1.0)
    (pipeline,) = plant.notices.pipelines
    assert pipeline.alarms == ("fleet/gateways/temperature.hi",)
    assert set(pipeline.alarms) < {alarm.id for alarm in plant.alarms}


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plant.toml").write_text("mine", encoding="utf-8")
    assert run_cli(["import", "fleet", str(ORIGINAL), str(tmp_path)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "plant.toml").read_text() == "mine"


def test_people_are_told_what_is_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["import", "fleet", str(ORIGINAL), str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert '  colour: left out, "blue" has no meaning here' in out
    assert f"next: sereno check {tmp_path}" in out


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("{", "no JSON"),
        ("[1]", "not an object"),
        ("{}", "neither requests nor an inventory"),
        ('{"requests": [{"name": "a/../b c"}]}', r"requests\[0\]: 'a/../b c' cannot be a path"),
        ('{"requests": [{"name": "a", "threshold": "much"}]}', "is no number"),
        ('{"fleet": {"a": {"RASP_catch": "10.0.0.1"}, "b": {"RASP_catch": "no host"}}}', "fleet.b: 'no host'"),
        ('{"fleet": {"a": {"RASP_catch": "10.0.0.1"}, "b": 7}}', "fleet.b"),
    ],
)
def test_faults_say_where(data: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_fleet(data, "config.json")


@pytest.mark.parametrize(
    ("data", "every"),
    [({"every": 2}, 120.0), ({"interval_seconds": 30}, 30.0), ({"job": {"minutes": 1}}, 60.0), ({}, 300.0)],
)
def test_how_often(data: dict[str, Any], every: float) -> None:
    found = read_fleet(json.dumps({"inventory_url": URL, **data}), "config.json")
    assert (found.every, found.inventory) == (every, URL)
    assert bool(found.notes) is (data == {})


def test_names_of_tags() -> None:
    names = [tag_name(one) for one in ("temperature", "Energie-kWh", "4th", "connected", "...")]
    assert names == ["temperature", "energie_kwh", "of_4th", "connected_asked", "value"]


TEXT = st.text(max_size=20)
LEAF = st.none() | st.booleans() | st.integers(-9, 9999) | st.floats(allow_nan=False) | TEXT
ANY = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=10
)


@settings(max_examples=20, deadline=None)
@given(
    st.dictionaries(TEXT, ANY, max_size=5),
    st.lists(st.from_regex(r"[A-Za-z0-9._~-]{1,12}", fullmatch=True), max_size=4),
)
def test_whatever_it_says_it_is_a_plant_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any], names: list[str]
) -> None:
    requests = [{"name": name, "sum": True, "threshold": 5, "sound": "x"} for name in names]
    try:
        found = read_fleet(json.dumps({"inventory": URL, **data, "requests": requests}), "config.json")
    except ConfigurationError:
        return
    assert loaded(tmp_path_factory.mktemp("plant"), found).jobs


def test_a_name_that_is_there_twice_is_asked_once(tmp_path: Path) -> None:
    found = FleetConfig(inventory=URL, every=60.0, requests=[Request("a-b"), Request("a_b", sum=True, threshold=1.0)])
    tags = [tag.spec.name for tag in loaded(tmp_path, found).devices[0].tags]
    assert tags.count("a_b") == 1
    assert "a_b_2" in tags


PRESS = {"press": {"RASP_catch": "10.0.0.7"}}


def test_a_page_is_no_inventory_where_the_members_are_listed(tmp_path: Path) -> None:
    for data in ({"page": URL, "inventory": PRESS}, {"inventory": PRESS, "page": URL}):
        found = read_fleet(json.dumps(data), "config.json")
        assert loaded(tmp_path, found).devices[0].config.members == {"press": "10.0.0.7"}
        assert any(note.startswith(f"{URL} is left out") for note in found.notes)
    found = read_fleet(json.dumps({"page": URL}), "config.json")
    assert "page: taken for the address of the inventory" in found.notes


@pytest.mark.parametrize(
    ("data", "every", "said"),
    [({"period_ms": 500}, 0.5, "0.5"), ({"every_milliseconds": 2500}, 2.5, "2.5"), ({"every_days": 1}, 86400.0, "1 d"),
     ({"every_heures": 2}, 7200.0, "2 h"), ({"every_seconds": 1234567}, 1234567.0, "1.23457e+06 s")],
)  # fmt: skip
def test_units_of_time(tmp_path: Path, data: dict[str, Any], every: float, said: str) -> None:
    found = read_fleet(json.dumps({"inventory": PRESS, **data}), "config.json")
    (job,) = loaded(tmp_path, found).jobs
    assert (found.every, job.schedule.every) == (every, every)
    assert said in job.when


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"requests": [{"name": "a", "sum": True, "threshold": float("nan")}]}, "is no number"),
        ({"requests": [{"name": "a", "sum": True, "threshold": float("inf")}]}, "is no number"),
        ({"requests": [{"name": "a", "sum": True, "threshold": 10**400}]}, "is no number"),
        ({"every_seconds": 0.01}, "every 0.01 s"),
        ({"more": {"a\ud800": {"RASP_catch": "10.0.0.1"}}}, "cannot be the name"),
        ({"more": {"a\x7f": {"RASP_catch": "10.0.0.1"}}}, "cannot be the name"),
    ],
)
def test_what_would_never_ring_or_run_is_a_fault(data: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_fleet(json.dumps({"inventory": PRESS, **data}), "config.json")


def test_keys_that_no_terminal_shows_are_told_of(tmp_path: Path) -> None:
    found = read_fleet(json.dumps({"inventory": PRESS, "a\ud800\x1b[2J": "http://h/\x7f", "b\x1b": URL}), "config.json")
    assert all(note.isprintable() for note in found.notes)
    assert loaded(tmp_path, found).jobs
