"""A running node is given other [[agent]] tables: rights shrink at once, what a person has stopped stays stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.app.apart.driver import ApartDriver
from sereno.app.configuration.moving import Moving
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import ChangePlan, Client, ConfigurationPort, connect
from sereno.device import Environment
from sereno.model import AckState, NotFoundError, OperationError, RefusedError

ADMIN = Actor("ines", (ROLES["admin"],))
MODULE = '''
"""A lamp with a lock, and who keeps it on."""
from sereno import Device, command, scan, setting, tag

class Lamp(Device):
    """A lamp."""
    on: bool = tag(write=True, default=False)
    locked: bool = tag(write=True, default=False)

class Keeper(Device):
    """Tries to keep it on, with the client that it was given first."""
    wanted: bool = setting(True)
    said: str = tag(scan="look")
    pace: float = tag(write=True, memorised=True, default=1.0)
    starts = 0
    mine = None

    def startup(self) -> None:
        type(self).starts += 1
        self.mine = None

    @scan(period="50ms")
    async def look(self) -> None:
        try:
            self.mine = self.mine or self.client
            ack = await self.mine.write("lab/lamp/on", self.wanted)
            self.said = f"{ack.state}: {ack.reason}"
        except Exception as error:
            self.said = f"{type(error).__name__}: {error}"
'''
LAMP = '[[device]]\nname = "lab/lamp"\nclass = "kept_lamps.py:Lamp"\n'
KEEPER = '[[device]]\nname = "lab/keeper"\nclass = "kept_lamps.py:Keeper"\n'
AGENT = '[[agent]]\ndevice = "lab/keeper"\nwrites = ["lab/lamp/on"]\n'
WATCH = "lab/keeper/supervision"


@dataclass
class House:
    """A node with a lamp and its keeper."""

    folder: Path
    node: Node
    client: Client

    @property
    def port(self) -> ConfigurationPort:
        return self.client.configuration

    async def plan(self, text: str) -> ChangePlan:
        (self.folder / "plant.toml").write_text(LAMP + text, encoding="utf-8")
        return await self.port.plan(self.client.actor)

    async def apply(self, text: str = "", *, back: bool = False) -> ChangePlan:
        if not back:
            found = await self.plan(text)
            assert not found.faults, found.faults
        return await self.port.apply(self.client.actor, back=back)

    async def value(self, path: str, wanted: Callable[[Any], bool]) -> Any:
        reading = None
        for _ in range(6000):
            try:
                reading = await self.client.get(path)
            except NotFoundError:
                reading = None
            if reading is not None and not reading.reason and wanted(reading.value):
                return reading.value
            await asyncio.sleep(0.01)
        pytest.fail(f"never: {path} is {reading}")

    async def write(self, path: str, value: Any) -> None:
        """Write it, again where a busy machine made the device miss its scans meanwhile."""
        for _ in range(600):
            ack = await self.client.write(path, value)
            if ack.state is AckState.DONE:
                return
            await asyncio.sleep(0.1)
        pytest.fail(f"never written: {path}, {ack}")

    @property
    def keeper(self) -> Any:
        """The device's own object."""
        return self.node.parts.devices.handlers["lab/keeper"].config.config.device  # type: ignore[attr-defined]


@asynccontextmanager
async def house(folder: Path, text: str) -> AsyncIterator[House]:
    (folder / "kept_lamps.py").write_text(MODULE, encoding="utf-8")
    (folder / "plant.toml").write_text(LAMP + text, encoding="utf-8")
    async with Node(load_plant(folder / "plant.toml"), DataFolder(folder / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        async with connect(data=folder / "data") as client:
            yield House(folder, node, client)


async def test_rights_shrink_at_once_for_clients_that_an_agent_holds_and_nothing_restarts(tmp_path: Path) -> None:
    async with house(tmp_path, KEEPER + AGENT) as here:
        await here.value("lab/keeper/said", lambda said: said and said.startswith("done"))
        device, handle = here.keeper, here.node.parts.hub.table.handle(f"{WATCH}/state")
        plan = await here.plan(KEEPER + AGENT.replace('"lab/lamp/on"', '"lab/lamp/locked"') + 'silent = "7s"\n')
        (change,) = plan.changes
        assert (change.kind, change.name, change.change, dict(plan.interrupted)) == (
            "agent",
            "lab/keeper",
            "changed",
            {},
        )
        assert [(one.field, one.old, one.new) for one in change.fields] == [
            ("may write", "lab/lamp/on", "lab/lamp/locked"),
            ("may be silent for", "10 s", "7 s"),
        ]
        await here.port.apply(here.client.actor, token=plan.token)
        held = here.keeper.mine
        assert "may not write" in (await held.write("lab/lamp/on", True)).reason
        assert "may not write" not in (await held.write("lab/lamp/locked", True)).reason
        assert (here.keeper, here.keeper.starts) == (device, 1)
        assert here.node.parts.hub.table.handle(f"{WATCH}/state") == handle
        assert here.node.parts.supervisor.members[WATCH].machine.patience.silent == 7.0
        await here.apply(back=True)
        assert "may not write" in (await held.write("lab/lamp/locked", False)).reason
        assert "may not write" not in (await held.write("lab/lamp/on", True)).reason
        outcomes = [
            one.outcome for one in await here.node.parts.accounts.audit.entries() if one.action == "configuration.apply"
        ]
        assert sorted(outcomes) == ["accepted", "accepted", "done", "done"]


async def test_an_agent_comes_and_goes_with_its_supervision_its_alarm_and_its_rights(tmp_path: Path) -> None:
    async with house(tmp_path, KEEPER) as here:
        await here.value("lab/keeper/said", lambda said: said and "declare it: [[agent]]" in said)
        await here.apply(KEEPER + AGENT)
        await here.value(f"{WATCH}/state", lambda state: state == "running")
        await here.value("lab/lamp/on", bool)
        assert f"{WATCH}/given_up" in {one.spec.id for one in await here.client.alarms()}
        held = here.keeper.mine
        plan = await here.plan(KEEPER)
        assert plan.changes[0].fields[0].new == "goes on, and may neither read nor command the plant"
        await here.port.apply(here.client.actor, token=plan.token)
        ack = await held.write("lab/lamp/on", True)
        assert (ack.state, "agent/lab/keeper may not write" in ack.reason) == (AckState.REFUSED, True)
        assert f"{WATCH}/state" not in {tag.path for tag in await here.client.tags()}
        assert f"{WATCH}/given_up" not in {one.spec.id for one in await here.client.alarms()}
        assert (await here.client.call(WATCH, "stop")).state is AckState.REFUSED
        assert here.keeper.starts == 1


async def test_who_was_stopped_stays_so_whatever_changes_and_runs_again_as_an_ordinary_device(tmp_path: Path) -> None:
    async with house(tmp_path, KEEPER + AGENT) as here:
        await here.value("lab/lamp/on", bool)
        assert (await here.client.call(WATCH, "stop")).state is AckState.DONE
        assert (await here.client.write("lab/lamp/on", False)).state is AckState.DONE
        await here.apply(KEEPER + AGENT + "limit = 3\n")
        await here.apply(KEEPER + "wanted = true\n" + 'description = "again"\n' + AGENT)
        await here.apply(KEEPER + "wanted = false\n" + AGENT)
        await asyncio.sleep(0.3)
        assert str((await here.client.get(f"{WATCH}/state")).value) == "stopped"
        assert here.keeper.starts == 0
        await here.apply(KEEPER)
        await here.value("lab/keeper/said", lambda said: said and "no agent of a node" in said)
        await here.apply(KEEPER + AGENT)
        assert str((await here.client.get(f"{WATCH}/state")).value) == "stopped"
        starts = here.keeper.starts
        await asyncio.sleep(0.3)
        assert (here.keeper.starts, (await here.client.get("lab/lamp/on")).value) == (starts, False)
        assert (await here.client.call(WATCH, "start")).state is AckState.DONE
        await here.value("lab/lamp/on", bool)


async def test_a_device_that_was_to_rest_as_an_agent_goes_on_when_that_was_not_applied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry, failures = Moving.carry, iter([OperationError("memorised values are damaged")])

    async def failing(moving: Moving, coming: Any) -> None:
        if (error := next(failures, None)) is not None:
            raise error
        await carry(moving, coming)

    async with house(tmp_path, KEEPER + AGENT) as here:
        assert (await here.client.call(WATCH, "stop")).state is AckState.DONE
        await here.apply(KEEPER)
        await here.value("lab/keeper/said", lambda said: said and "no agent of a node" in said)
        starts = here.keeper.starts
        monkeypatch.setattr(Moving, "carry", failing)
        with pytest.raises(OperationError, match="memorised values are damaged"):
            await here.apply(KEEPER + AGENT)
        assert (await here.client.write("lab/keeper/pace", 4.0)).state is AckState.DONE
        assert here.keeper.starts == starts


async def test_a_setting_of_an_agent_and_an_agent_with_its_device(tmp_path: Path) -> None:
    async with house(tmp_path, KEEPER + AGENT) as here:
        await here.value("lab/lamp/on", bool)
        done = await here.apply(KEEPER + "wanted = false\n" + AGENT)
        assert dict(done.interrupted) == {"lab/keeper": "it starts anew"}
        await here.value("lab/lamp/on", lambda on: on is False)
        await here.value(f"{WATCH}/state", lambda state: state == "running")
        await here.apply("")
        assert not [tag.path for tag in await here.client.tags() if tag.path.startswith("lab/keeper")]
        await here.apply(KEEPER + AGENT)
        await here.value("lab/lamp/on", bool)
        await here.value(f"{WATCH}/state", lambda state: state == "running")


async def test_into_a_process_of_its_own_and_back_with_its_memory_and_other_rights(tmp_path: Path) -> None:
    apart = AGENT + "process = true\n"
    async with house(tmp_path, KEEPER + AGENT) as here:
        await here.value("lab/lamp/on", bool)
        await here.write("lab/keeper/pace", 2.5)
        done = await here.apply(KEEPER + apart)
        assert dict(done.interrupted) == {"lab/keeper": "it goes into a process of its own"}
        assert here.node.parts.devices.handlers["lab/keeper"].config.driver is ApartDriver
        await here.client.write("lab/lamp/on", False)
        await here.value("lab/lamp/on", bool)
        assert await here.value("lab/keeper/pace", lambda pace: pace == 2.5)
        await here.write("lab/keeper/pace", 3.5)
        process = here.node.parts.devices.handlers["lab/keeper"].status().remarks
        await here.apply(KEEPER + apart.replace("lab/lamp/on", "lab/lamp/locked"))
        await here.client.write("lab/lamp/on", False)
        await here.value("lab/keeper/said", lambda said: said and "agent/lab/keeper may not write" in said)
        assert (await here.client.get("lab/lamp/on")).value is False
        await here.apply(KEEPER + apart)
        await here.value("lab/lamp/on", bool)
        assert here.node.parts.devices.handlers["lab/keeper"].status().remarks == process
        done = await here.apply(KEEPER + AGENT)
        assert dict(done.interrupted) == {"lab/keeper": "it comes from a process of its own into the node"}
        assert await here.value("lab/keeper/pace", lambda pace: pace == 3.5)
        await here.value(f"{WATCH}/state", lambda state: state == "running")


async def test_nothing_is_applied_while_an_agent_that_goes_is_being_commanded(tmp_path: Path) -> None:
    async with house(tmp_path, KEEPER + AGENT) as here:
        await here.value("lab/lamp/on", bool)
        agent = here.node.parts.supervisor.members[WATCH]
        async with agent.busy:
            restart = asyncio.create_task(here.client.call(WATCH, "restart"))
            while not here.node.parts.router.statistics()["under_way"]:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            with pytest.raises(RefusedError, match=f"to {WATCH} is under way"):
                await here.apply(KEEPER)
        assert (await restart).state is AckState.DONE
