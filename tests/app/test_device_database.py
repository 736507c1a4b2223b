from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from sereno.app.cli import run_cli
from sereno.app.device_database import DeviceDatabase, Registered, open_facts
from sereno.app.serve.registered import registered_devices
from sereno.app.serve.wanted import wanted_devices
from sereno.model import NotFoundError, SystemClock
from sereno.testing import JumpingClock, jumping


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


CLASS = "tests.device.authoring.devices:PowerSupply"


@jumping
async def test_devices_with_all_that_is_theirs(clock: JumpingClock, tmp_path: Path) -> None:
    database = DeviceDatabase(open_facts("", tmp_path, clock), clock, "olga")
    await database.add(Registered("lab/ps_1", CLASS, "lab"))
    await database.add(Registered("lab/ps_2", CLASS, ""))
    await database.set_property("lab/ps_1", "limit", 12)
    await database.set_alias("main", "lab/ps_1")
    for voltage in range(50):
        database.keep("lab/ps_1", "voltage", voltage)
    await clock.sleep(0.5)
    assert await database.devices("lab") == [Registered("lab/ps_1", CLASS, "lab")]
    assert await database.recall("lab/ps_1") == {"voltage": 49}
    assert await database.aliases() == {"main": "lab/ps_1"}
    await database.remove("lab/ps_1")
    assert [one.path for one in await database.devices()] == ["lab/ps_2"]
    assert (await database.recall("lab/ps_1"), await database.aliases()) == ({}, {})
    assert {change.new for change in await database.history("lab/ps_1", 3)} == {None}
    with pytest.raises(NotFoundError, match="no device 'lab/ps_1'"):
        await database.remove("lab/ps_1")
    with pytest.raises(ValueError, match="names no class"):
        await database.add(Registered("lab/x", "PowerSupply", ""))
    database.keep("lab/ps_2", "voltage", 3)
    await database.close()
    again = DeviceDatabase(open_facts("", tmp_path, clock), clock, "olga")
    assert await again.recall("lab/ps_2") == {"voltage": 3}
    await again.close()


def test_from_the_command_line_to_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path)]
    assert run_cli(["device", "db", "add", "lab/ps_1", CLASS, "--server", "lab", *data]) == 0
    assert run_cli(["device", "db", "set", "class:PowerSupply", "limit=20", *data]) == 0
    assert run_cli(["device", "db", "set", "lab/ps_1", "limit=12.5", *data]) == 0
    assert run_cli(["device", "db", "alias", "main", "lab/ps_1", *data]) == 0
    assert run_cli(["device", "db", "add", "LAB", CLASS, *data]) == 2
    assert run_cli(["device", "db", "remove", "lab/none", *data]) == 1
    capsys.readouterr()
    assert run_cli(["device", "db", "list", "--json", *data]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "path": "lab/ps_1",
        "cls": CLASS,
        "server": "lab",
        "aliases": ["main"],
        "properties": {"limit": 12.5},
    }
    assert run_cli(["device", "db", "history", "lab/ps_1", *data]) == 0
    assert "None -> 12.5" in capsys.readouterr().out

    clock = SystemClock()
    database = DeviceDatabase(open_facts("", tmp_path, clock), clock, "olga")
    tokens, kept = registered_devices(database, [], "lab")
    wanted = wanted_devices([*tokens, CLASS, "lab/other"], kept=kept, settings=["lab/other:limit=3"])
    assert [(w.path, w.settings) for w in wanted] == [("lab/ps_1", {"limit": 12.5}), ("lab/other", {"limit": 3})]
    asyncio.run(database.close())

    assert run_cli(["serve", "--server", "lab", "--for", "0", "--json", *data]) == 0
    assert json.loads(capsys.readouterr().out)["devices"] == [{"path": "lab/ps_1", "class": CLASS}]
    assert run_cli(["serve", "--server", "elsewhere", "--for", "0", *data]) == 2
    assert "no device is registered for it" in capsys.readouterr().err
