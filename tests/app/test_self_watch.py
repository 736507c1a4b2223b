"""The node as a device: its tags, and alarms when acts or samples cannot be put on record."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.platform import HostClock
from sereno.app.self_watch import DEVICE, SPECS
from sereno.client import AlarmState, Client, connect
from sereno.device import Environment
from sereno.hub.hub import Hub

READER = Actor("reader", (ROLES["viewer"],))
PLANT = """
[[device]]
name = "lab/plc"
driver = "modbus"
url = "tcp://127.0.0.1:1"
tag = [{ name = "x", address = "holding:0", type = "int16" }]
"""


@asynccontextmanager
async def running(folder: Path, text: str = PLANT) -> AsyncIterator[tuple[Node, Client]]:
    path = folder / "plant.toml"
    path.write_text(text)
    async with Node(load_plant(path), DataFolder(folder / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        async with connect(data=folder / "data") as client:
            yield node, client


async def test_the_node_is_a_device_with_tags_that_are_recorded(tmp_path: Path) -> None:
    async with running(tmp_path) as (node, client):
        node.parts.itself.publish(0.004, 5e9, 123e6)
        found = {reading.tag.name: reading.value for reading in await client.read(f"{DEVICE}/*")}
        assert found.keys() == {spec.name for spec in SPECS}
        assert (found["audit"], found["history"], found["loop_lag"], found["disk_free"]) == (True, True, 4.0, 5.0)
        assert found["memory"] == 123
        (status,) = [one for one in await client.devices() if one.path == DEVICE]
        assert (status.driver, status.last_error) == ("self", "")
        assert node.parts.historian is not None
        await node.parts.historian.durable()
        (series,) = await client.query(f"{DEVICE}/disk_free", start="now-1min")
        assert 5.0 in series.value.tolist()


async def test_the_clock_is_a_tag_for_interlocks_and_agents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[bool | None] = [None]
    monkeypatch.setattr("sereno.app.host_clock.host_clock", lambda: HostClock(said[0], 0.1))
    monkeypatch.setattr("sereno.app.self_watch.LOOK_PERIOD", 0.0)
    guarded = PLANT.replace(
        'type = "int16"',
        'type = "int16", access = "write", setpoint = { interlock = "sereno/node/clock == \'synchronised\'" }',
    )
    async with running(tmp_path, guarded) as (_, client):
        subscription = await client.subscribe(f"{DEVICE}/clock")
        expected = ["unknown", "unsynchronised", "synchronised"]
        async with asyncio.timeout(60):
            async for _update in subscription:
                value = (await client.get(f"{DEVICE}/clock")).value
                if value == expected[0]:
                    ack = await client.write("lab/plc/x", 1)
                    assert ("interlock" in ack.reason) is (value != "synchronised"), ack.reason
                    said[0] = {"unknown": False, "unsynchronised": True}.get(str(value))
                    expected.pop(0)
                if not expected:
                    break
        await subscription.close()


async def test_what_cannot_be_put_on_record_raises_an_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(tmp_path) as (node, client):
        itself = node.parts.itself
        monkeypatch.setattr(itself, "_problems", lambda: ("no space left on device", "", "the oldest is deleted"))
        itself.publish(0.0, math.nan, 1e8)
        audit = await client.get(f"{DEVICE}/audit")
        assert audit.value is False
        (free,) = await client.read(f"{DEVICE}/disk_free")
        assert free.value is None
        states = {one.spec.id: one.state for one in await client.alarms()}
        assert states[f"{DEVICE}/audit_failing"] is AlarmState.UNACKNOWLEDGED
        assert states[f"{DEVICE}/history_failing"] is AlarmState.NORMAL
        assert states[f"{DEVICE}/history_room_failing"] is AlarmState.UNACKNOWLEDGED
        monkeypatch.setattr(itself, "_problems", lambda: ("", "", ""))
        itself.publish(0.0, 1e9, 1e8)
        states = {one.spec.id: one.state for one in await client.alarms()}
        assert states[f"{DEVICE}/audit_failing"] is AlarmState.RETURNED


async def test_a_guard_that_gets_nowhere_raises_an_alarm(tmp_path: Path) -> None:
    async with running(tmp_path) as (node, client):
        itself = node.parts.itself
        itself.guards = lambda: "guard close: not done 4 times, refused: the interlock"
        itself.publish(0.0, 1e9, 1e8)
        assert (await client.get(f"{DEVICE}/guards")).value is False
        (status,) = [one for one in await client.devices() if one.path == DEVICE]
        assert "not done 4 times" in status.last_error
        states = {one.spec.id: one.state for one in await client.alarms()}
        assert states[f"{DEVICE}/guards_failing"] is AlarmState.UNACKNOWLEDGED


async def test_a_task_that_a_defect_has_ended_is_a_reason_not_to_be_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Hub) -> None:
        raise ArithmeticError("a defect")

    monkeypatch.setattr(Hub, "run_freshness", broken)
    path = tmp_path / "plant.toml"
    path.write_text(PLANT)
    node = Node(load_plant(path), DataFolder(tmp_path / "data"), Environment())
    await node.start("127.0.0.1", 0)
    async with connect(data=tmp_path / "data") as client:
        reasons, _ = await client.complaints()
        assert reasons == ["freshness has ended by a defect (a defect); start the node again"]
    with pytest.raises(ArithmeticError):
        await node.stop()
