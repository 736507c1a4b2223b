"""Agents of a plant file: checked when it is read, acting in their own names, and ordered from the terminal."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import sereno.agents.supervised
from sereno.access.actor import ROLES, Actor
from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import Client
from sereno.device import Environment
from sereno.model import ConfigurationError

MODULE = '''
"""A lamp, and who keeps it on."""
import asyncio

from sereno import Device, scan, tag

class Lamp(Device):
    """A lamp."""
    on: bool = tag(write=True, default=False)
    locked: bool = tag(write=True, default=False)

class Keeper(Device):
    """Keeps it on."""
    said: str = tag(scan="look")
    refused: str = tag(scan="look")

    @scan(period="50ms")
    async def look(self) -> None:
        self.refused = (await self.client.write("lab/lamp/locked", True)).reason
        if not (await self.client.get("lab/lamp/on")).value:
            self.said = str((await self.client.write("lab/lamp/on", True)).state)
        else:
            self.said = "it is on"

class Stubborn(Device):
    """Keeps it on, and does not end before it may."""
    said: str = tag(default="")
    rounds: int = tag(scan="look")
    may_end = False

    @scan(period="50ms")
    async def look(self) -> None:
        while True:
            try:
                await asyncio.sleep(0.02)
                ack = await self.client.write("lab/lamp/on", True)
                self.said = f"{ack.state} {ack.reason}"
            except asyncio.CancelledError:
                pass
            if Stubborn.may_end:
                raise asyncio.CancelledError
'''
PLANT = """
[[device]]
name = "lab/lamp"
class = "lamps.py:Lamp"
[[device]]
name = "lab/keeper"
class = "lamps.py:Keeper"
[[agent]]
device = "lab/keeper"
writes = ["lab/lamp/on"]
"""


def written(folder: Path, text: str = PLANT) -> Path:
    (folder / "lamps.py").write_text(MODULE, encoding="utf-8")
    (folder / "plant.toml").write_text(text, encoding="utf-8")
    return folder / "plant.toml"


async def test_an_agent_acts_in_its_own_name_and_may_do_what_is_declared(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", str(tmp_path / "data")]

    async def cli(*words: str) -> tuple[int, str, str]:
        code = await asyncio.to_thread(run_cli, [*words, *data])
        return (code, *capfd.readouterr())

    async with Node(load_plant(written(tmp_path)), DataFolder(tmp_path / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        client = node.parts.supervisor
        assert [rule.device for rule in client.rules] == ["lab/keeper"]

        async def value(path: str) -> Any:
            return json.loads((await cli("get", path, "--json"))[1])["value"]

        async with asyncio.timeout(60):
            while await value("lab/keeper/said") != "it is on":
                await asyncio.sleep(0.02)
        assert "agent/lab/keeper" in await value("lab/keeper/refused")
        assert (await cli("agent", "stop", "lab/keeper"))[:2] == (0, "lab/keeper: done\n")
        assert (await cli("put", "lab/lamp/on", "false"))[0] == 0
        listed = json.loads((await cli("agent", "list", "--json"))[1])
        assert (listed["agent"], listed["state"]) == ("lab/keeper", "stopped")
        assert listed["why"].startswith("stopped by admin:this machine's console at 20")
        assert await value("lab/lamp/on") is False
        code, told, _ = await cli("agent", "start", "lab/keeper", "--json")
        expected = {"agent": "lab/keeper", "command": "start", "state": "done", "reason": ""}
        assert (code, json.loads(told)) == (0, expected)
        async with asyncio.timeout(60):
            while not await value("lab/lamp/on"):
                await asyncio.sleep(0.02)
        heads, told = (await cli("agent", "list"))[1].splitlines()
        assert (told.split()[0], "timers" in heads, "look 0.05 s" in told) == ("lab/keeper", True, True)
        assert json.loads((await cli("agent", "list", "--json"))[1])["timers"] == {"look": 0.05}
        node.parts.agent_logs.take({"event": "hello", "device": "lab/keeper", "level": "info", "to": "all"})
        assert json.loads((await cli("agent", "log", "lab/keeper", "--json"))[1])["fields"] == {"to": "all"}
        assert "info      hello  to=all" in (await cli("agent", "log", "lab/keeper"))[1]
        code, _, error = await cli("agent", "log", "lab/nobody")
        assert (code, "lab/nobody" in error) == (1, True)
        code, _, error = await cli("agent", "restart", "lab/lamp")
        assert (code, "there are: lab/keeper" in error, "supervision" in error) == (1, True, False)
        assert (await cli("agent", "stop", "lab"))[0] == 1  # only what is named, or a glob
        assert (await cli("agent", "restart", "*"))[0] == 0
        assert (await cli("agent", "start", "*"))[:2] == (0, "")  # it runs already, as all were to
        assert (await cli("agent", "start", "lab/keeper"))[0] == 1
        audit = (await cli("audit", "list", "--json"))[1]
        assert "agent/lab/keeper" in audit


async def test_who_was_stopped_by_a_person_stays_stopped_over_a_restart(tmp_path: Path) -> None:
    plant, admin = load_plant(written(tmp_path)), Actor("ines", (ROLES["admin"],))

    def client_of(node: Node) -> Client:
        assert node.parts.seats.plant is not None
        return node.parts.seats.plant.as_actor(admin)

    async def state(client: Client) -> tuple[str, str]:
        (status,) = [one for one in await client.devices() if one.path == "lab/keeper/supervision"]
        return str((await client.get("lab/keeper/supervision/state")).value), status.status

    async with Node(plant, DataFolder(tmp_path / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        await client_of(node).call("lab/keeper/supervision", "stop")
        stopped, why = await state(client_of(node))
        assert (stopped, why[:19]) == ("stopped", "stopped by ines at ")
    for _ in range(2):
        async with Node(plant, DataFolder(tmp_path / "data"), Environment()) as node:
            await node.start("127.0.0.1", 0)
            await asyncio.sleep(0.3)
            client = client_of(node)
            assert await state(client) == ("stopped", why)
            assert (await client.get("lab/keeper/said")).value in ("", None)
    async with Node(plant, DataFolder(tmp_path / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        client = client_of(node)
        assert (await client.call("lab/keeper/supervision", "start")).state == "done"
        async with asyncio.timeout(60):
            while not (await client.get("lab/lamp/on")).value:
                await asyncio.sleep(0.02)
    async with Node(plant, DataFolder(tmp_path / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        async with asyncio.timeout(60):
            while (await client_of(node).get("lab/keeper/said")).value != "it is on":
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('device = "lab/keeper"', 'device = "lab/keepr"', "lab/keeper"),
        ('device = "lab/keeper"', 'device = "lab/keeper"\nsilnet = "5s"', "silent"),
        ('writes = ["lab/lamp/on"]', 'writes = ["lab/lamp/on"]\n[[agent]]\ndevice = "lab/keeper"', "duplicate"),
        (
            '[[agent]]\ndevice = "lab/keeper"',
            '[[device]]\nname = "a/b"\ndriver = "derived"\n[[agent]]\ndevice = "a/b"',
            "driver's",
        ),
    ],
)
def test_faults_are_told_with_their_place(tmp_path: Path, old: str, new: str, found: str) -> None:
    with pytest.raises(ConfigurationError, match=r"plant\.toml:\d+.*") as raised:
        load_plant(written(tmp_path, PLANT.replace(old, new)))
    assert found in str(raised.value)


async def test_an_agent_that_was_stopped_and_does_not_end_has_no_rights_until_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sereno.agents.supervised, "_STOP_TIMEOUT", 0.3)
    plant = load_plant(written(tmp_path, PLANT.replace("lamps.py:Keeper", "lamps.py:Stubborn")))
    async with Node(plant, DataFolder(tmp_path / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        assert node.parts.seats.plant is not None
        client = node.parts.seats.plant.as_actor(Actor("admin", (ROLES["admin"],)))
        cls: Any = next(d.written.cls for d in plant.devices if d.written and d.table.name == "lab/keeper")

        async def until(path: str, value: object) -> None:
            async with asyncio.timeout(60):
                while (await client.get(path)).value != value:
                    await asyncio.sleep(0.02)

        try:
            await until("lab/lamp/on", True)
            ack = await client.call("lab/keeper/supervision", "stop")
            assert "does not end" in ack.reason
            await until("lab/keeper/supervision/state", "stopping")
            await client.write("lab/lamp/on", False)
            await asyncio.sleep(0.3)
            assert (await client.get("lab/lamp/on")).value is False
        finally:
            cls.may_end = True
        await until("lab/keeper/supervision/state", "stopped")
        cls.may_end = False
        assert (await client.call("lab/keeper/supervision", "start")).state == "done"
        await until("lab/lamp/on", True)
        cls.may_end = True
