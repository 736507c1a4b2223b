"""Instruments in a plant file: a driver with a class for each kind."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from sereno.app.datafolder import DataFolder
from sereno.app.device_configs import device_configs_of
from sereno.app.node import Node
from sereno.app.plant import devices
from sereno.app.plant.load import Plant, load_plant
from sereno.client import connect
from sereno.device import Environment, NoMemory
from sereno.device.instruments import InstrumentFamily
from sereno.model import ConfigurationError
from tests.device.instruments.fakes import FAMILY

TELESCOPE = '[[device]]\nname = "site/telescope"\ndriver = "fake"\nkind = "telescope"\n'


class _Entry:
    name = "fake"
    value = "tests:FAMILY"

    def load(self) -> InstrumentFamily:
        return FAMILY


@pytest.fixture(autouse=True)
def fake_family(tiny_driver: None, monkeypatch: pytest.MonkeyPatch) -> None:
    entries: dict[str, EntryPoint] = {"fake": _Entry()}  # type: ignore[dict-item]
    monkeypatch.setattr(devices, "driver_entries", lambda: entries)


def plant(folder: Path, text: str) -> Plant:
    (folder / "plant.toml").write_text(text, encoding="utf-8")
    return load_plant(folder / "plant.toml")


def test_tags_come_by_themselves_and_may_be_refined(tmp_path: Path) -> None:
    loaded = plant(
        tmp_path,
        TELESCOPE
        + 'scan = "5s"\n[[device.tag]]\nname = "altitude"\ndeadband = 0.5\n'
        + 'alarm = { lo = 20, priority = 2, response = "Stop it" }\n',
    )
    specs = {tag.spec.path: tag.spec for tag in loaded.devices[0].tags}
    assert {"site/telescope/state", "site/telescope/altitude"} <= set(specs)
    assert specs["site/telescope/state"].labels == ("parked", "idle", "slewing", "tracking", "error")
    assert specs["site/telescope/altitude"].deadband == 0.5
    assert len(loaded.alarms) == 1
    config = device_configs_of(loaded.devices, NoMemory())[0]
    assert config.groups["look"].period == 5.0
    assert config.driver_name == "fake"


def test_every_fault_is_told_with_its_line(tmp_path: Path) -> None:
    text = (
        TELESCOPE.replace("telescope", "telescop") + TELESCOPE.replace("kind", "knd") + TELESCOPE + 'foldr = "x"\n'
        "groups = { a = 1 }\n"
        + TELESCOPE.replace('kind = "telescope"', 'kind = "camera"')
        + "readout = 0.1\n"
        + TELESCOPE
        + '[[device.tag]]\nname = "statte"\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        plant(tmp_path, text)
    told = str(caught.value)
    for words in (
        "plant.toml:4: unknown kind 'telescop' in device 'site/telescop'; expected what the instrument is. "
        "Did you mean 'telescope'?",
        "plant.toml:5: device 'site/telescope' has no 'kind'",
        "plant.toml:13: unknown key 'foldr' in device 'site/telescope'",
        "plant.toml:14: device 'site/telescope' is an instrument and has 'groups'",
        "plant.toml:19: readout = 0.1",
        "plant.toml:25: tag 'statte' of 'site/telescope' is not in its class. Did you mean 'state'?",
    ):
        assert words in told, told


def test_another_kind_is_another_class(tmp_path: Path) -> None:
    codes = {
        kind: plant(tmp_path, TELESCOPE.replace('kind = "telescope"', f'kind = "{kind}"')).devices[0].written
        for kind in ("telescope", "filterwheel")
    }
    assert len({found.code for found in codes.values() if found}) == 2


async def test_a_node_runs_it(tmp_path: Path) -> None:
    loaded = plant(tmp_path, TELESCOPE + "[history]\nenabled = false\n")
    async with Node(loaded, DataFolder(tmp_path / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        async with connect(data=tmp_path / "data") as client:
            while (await client.get("site/telescope/state")).value != "idle":
                await client.clock.sleep(0.005)
            assert str((await client.call("site/telescope", "slew", 1.0, 2.0)).state) == "done"
            while (await client.get("site/telescope/state")).value != "slewing":
                await client.clock.sleep(0.005)
