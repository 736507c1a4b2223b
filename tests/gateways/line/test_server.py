"""The line server on real sockets: netcat asks, many ask at once, and nobody gets what is not meant for them."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sereno.access.actor import NOBODY, Actor
from sereno.access.insecure import LOOPBACK_ONLY, Insecure, Peers, network
from sereno.client import Client, DeviceStatus, GroupSpec, HistoryRequest, Series
from sereno.gateways.line.protocol import MAX_LINE
from sereno.gateways.line.server import LineServer
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.model import (
    Access,
    Clock,
    LinkState,
    NotFoundError,
    ObjectSample,
    OperationalState,
    Quality,
    RefusedError,
    RowIndex,
    Setpoint,
    SystemClock,
    TagHandle,
    TagSpec,
    ValueType,
    seal,
)
from sereno.store.audit import AuditLog
from sereno.store.engine import Store

DEVICE = "lab/ps/1"
SPECS = (
    TagSpec(path=f"{DEVICE}/label", type=ValueType.STRING, access=Access.READ_WRITE),
    TagSpec(path=f"{DEVICE}/mode", type=ValueType.ENUM, labels=("off", "on")),
    TagSpec(path=f"{DEVICE}/on", type=ValueType.BOOL),
    TagSpec(path=f"{DEVICE}/stuck"),
    TagSpec(path=f"{DEVICE}/voltage", unit="V", access=Access.READ_WRITE, setpoint=Setpoint(high=30.0, timeout=2.0)),
)
ROWS = [handle for handle, spec in enumerate(SPECS) if spec.is_row]


class Devices:
    """One device, and what it is told."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.seq = 0
        self.values: dict[str, Any] = {"label": "Bench", "mode": 1.0, "on": 1.0, "stuck": np.nan, "voltage": 12.5}
        index = RowIndex(ROWS)
        hub.register_tags(SPECS)
        self.index, self.group = index, hub.register_group(GroupSpec("default", DEVICE, 0.1, 60.0, index, (0,)))
        self.publish()

    def publish(self) -> None:
        rows = np.array([self.values[SPECS[handle].name] for handle in ROWS])
        quality = np.array([Quality.SENSOR_FAILURE if np.isnan(v) else 0 for v in rows], np.uint16)
        label = ObjectSample(TagHandle(0), self.values["label"], self.hub.clock.wall_ns(), 0)
        self.seq += 1
        self.hub.publish(
            seal(self.group, self.seq, self.index, rows, self.hub.clock.wall_ns(), quality, objects=(label,))
        )

    async def devices(self, actor: Actor) -> list[DeviceStatus]:
        return [DeviceStatus(DEVICE, "x", "", OperationalState.ENABLED, LinkState.UP, "", 0, 1.0, ())]

    def trace(self, device: str, actor: Actor) -> Any:
        raise NotFoundError("no trace")

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        if value == 13.0:
            raise RefusedError("not thirteen")
        self.values[path.rpartition("/")[2]] = value
        asyncio.get_running_loop().call_soon(self.publish)

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        raise NotFoundError("no commands")


class NoHistory:
    async def query(self, request: HistoryRequest, actor: Actor) -> list[Series]:
        raise NotFoundError("no history")


@dataclass
class Site:
    server: LineServer
    devices: Devices

    async def ask(self, *lines: bytes) -> list[str]:
        """The answers to lines on a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(b"".join(line + b"\n" for line in lines))
        answers = [(await reader.readline()).decode().rstrip("\n") for _ in lines]
        writer.close()
        await writer.wait_closed()
        return answers


@asynccontextmanager
async def site(most: int = 100, **keys: Any) -> AsyncIterator[Site]:
    clock: Clock = SystemClock()
    hub = Hub(clock)
    devices = Devices(hub)
    router = CommandRouter(hub, clock, handlers={DEVICE: devices})
    store = Store.open("sqlite://")
    peers = Peers(Insecure(name="gateway/line", **keys), AuditLog(store, clock), clock)
    client = Client(hub, router, NoHistory(), devices, NOBODY, clock=clock)
    server = LineServer(client, peers, port=0, most=most)
    await server.start()
    try:
        yield Site(server, devices)
    finally:
        await server.stop()
        await router.close()
        hub.close()
        await store.close()


async def test_values_states_and_errors() -> None:
    async with site() as here:
        answers = await here.ask(
            b"lab/ps/1/voltage",
            b"lab/ps/1/mode",
            b"lab/ps/1/on\r",
            b"lab/ps/1/label",
            b"lab/ps/1/state",
            b"lab/ps/1/State",
        )
        assert answers == ["12.5", "on", "true", "Bench", "enabled", "enabled"]
        (wrong, stuck, odd) = await here.ask(b"lab/ps/1/voltag", b"lab/ps/1/stuck", b"= 1")
        assert wrong.startswith("DevFailed[ DevError[ desc = ")
        assert "lab/ps/1/voltage" in wrong
        assert wrong.endswith("origin = lab/ps/1/voltag reason = NotFound severity = ERR ] ]")
        assert "sensor failure" in stuck
        assert "reason = BadQuality" in stuck
        assert "reason = BadQuestion" in odd


async def test_nothing_is_written_unless_it_is_listed() -> None:
    async with site() as here:
        (refused,) = await here.ask(b"lab/ps/1/voltage = 5")
        assert "reason = Refused" in refused
        assert here.devices.values["voltage"] == 12.5


async def test_what_is_listed_is_written_by_the_command_path() -> None:
    async with site(writes=("lab/ps/1/*",)) as here:
        assert await here.ask(b"lab/ps/1/voltage = 5", b"lab/ps/1/voltage") == ["5.0", "5.0"]
        assert await here.ask(b"lab/ps/1/label = 5", b"lab/ps/1/label") == ["5", "5"]
        (beyond, refused) = await here.ask(b"lab/ps/1/voltage = 31", b"lab/ps/1/voltage = 13")
        assert "above the limit" in beyond
        assert "not thirteen" in refused


async def test_who_is_not_allowed_hears_nothing() -> None:
    async with site(allow=(network("10.0.0.0/8"),)) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.server.port)
        assert await _all(reader) == b""
        writer.close()
        assert here.server.figures()["peers_refused"] == 1
    assert LOOPBACK_ONLY[0] == network("127.0.0.0/8")


async def _all(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def test_questions_of_one_connection_are_answered_in_order_however_many() -> None:
    async with site() as here:
        lines = [b"lab/ps/1/voltage", b"lab/ps/1/mode"] * 2000
        assert await here.ask(*lines) == ["12.5", "on"] * 2000


async def test_who_takes_no_answers_is_asked_no_more_and_others_go_on() -> None:
    async with site() as here:
        _, greedy = await asyncio.open_connection("127.0.0.1", here.server.port)
        greedy.write(b"lab/ps/1/nothing_of_this_name_exists_here\n" * 100_000)
        for _ in range(5):
            assert await here.ask(b"lab/ps/1/voltage") == ["12.5"]
        assert here.server.counters["questions"] < 90_000
        greedy.transport.abort()


async def test_too_long_and_too_many() -> None:
    async with site(most=2) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.server.port)
        writer.write(b"x" * MAX_LINE)
        assert b"reason = BadQuestion" in await reader.read()
        writer.close()
        held = [await asyncio.open_connection("127.0.0.1", here.server.port) for _ in range(3)]
        assert b"reason = TooMany" in await held[-1][0].read()
        for _, one in held:
            one.close()
            await one.wait_closed()


async def test_netcat(require_program: Callable[[str, str], Path]) -> None:
    netcat = require_program("nc", "netcat-openbsd")
    async with site() as here:

        def ask() -> str:
            command = [netcat, "-N", "127.0.0.1", str(here.server.port)]
            return subprocess.run(
                command, input="lab/ps/1/voltage\nlab/ps/1/mode", text=True, capture_output=True, check=True, timeout=60
            ).stdout

        assert await asyncio.to_thread(ask) == "12.5\non\n"


async def test_a_thousand_connections_at_once_and_a_stop_with_all_of_them_open() -> None:
    async with site(most=2000) as here:
        peers = [await asyncio.open_connection("127.0.0.1", here.server.port) for _ in range(1000)]
        for _, writer in peers:
            writer.write(b"lab/ps/1/voltage\n")
        assert {await reader.readline() for reader, _ in peers} == {b"12.5\n"}
        await here.server.stop()
        assert not here.server.open
        for reader, writer in peers:
            assert await _all(reader) == b""
            writer.close()
