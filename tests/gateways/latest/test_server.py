"""The latest server on real sockets, fed by a hub."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from sereno.access.actor import NOBODY
from sereno.access.insecure import Insecure, Peers, network
from sereno.client import Client, GroupSpec
from sereno.gateways.latest import server as module
from sereno.gateways.latest.protocol import parse_sample
from sereno.gateways.latest.server import LatestServer
from sereno.hub.hub import Hub
from sereno.hub.router import CommandRouter
from sereno.model import RowIndex, SystemClock, TagSpec, ValueType, seal

TAGS = ("lab/s/level", "lab/s/steps", "lab/s/steps_received", "lab/s/count")
SERVED = ("lab/s/level", "lab/s/steps", "lab/s/count")


class NoRecord:
    """Keeps nothing."""

    async def record(self, *_: Any, **__: Any) -> None:
        return


class Nothing:
    """Ports that these tests do not use."""


class Site:
    def __init__(self, **keys: Any) -> None:
        self.clock = SystemClock()
        self.hub = Hub(self.clock)
        whole = {"lab/s/count": ValueType.INT32, "lab/s/steps_received": ValueType.INT64}
        specs = [TagSpec(path=path, type=whole.get(path, ValueType.FLOAT64)) for path in TAGS]
        self.index = RowIndex(self.hub.register_tags(specs))
        self.group = self.hub.register_group(GroupSpec("default", "lab/s", 1.0, 60.0, self.index))
        nothing: Any = Nothing()
        client = Client(self.hub, CommandRouter(self.hub, self.clock), nothing, nothing, NOBODY, clock=self.clock)
        allow = keys.pop("allow", ("127.0.0.0/8",))
        door = Insecure(name="gateway/latest", allow=tuple(network(one) for one in allow))
        self.server = LatestServer(client, self.hub, Peers(door, NoRecord(), self.clock), SERVED, port=0, **keys)
        self.seq = 0

    async def tell(self, level: float, steps: float = 1.0, received: int = 0, *, t: int = 0, quality: int = 0) -> None:
        """One batch, and wait until the server has it."""
        self.seq += 1
        before = self.server.board.samples
        values = np.array([level, steps, float(received), 7.0])
        self.hub.publish(seal(self.group, self.seq, self.index, values, t or self.clock.wall_ns(), quality))
        while self.server.board.samples == before:
            await asyncio.sleep(0)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.server.port)

    async def ask(self, data: bytes) -> bytes:
        """A connection of its own: what is answered until our end of it is closed."""
        reader, writer = await self.connect()
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


@asynccontextmanager
async def site(**keys: Any) -> AsyncIterator[Site]:
    here = Site(**keys)
    await here.server.start()
    while not here.hub.statistics()["subscriptions"]:
        await asyncio.sleep(0)
    try:
        yield here
    finally:
        await here.server.stop()
        here.hub.close()


async def test_n_is_answered_with_the_number_and_nothing_else() -> None:
    async with site() as here:
        assert await here.ask(b"n") == b"nan"
        await here.tell(0.1 + 0.2)
        assert await here.ask(b"n") == str(0.1 + 0.2).encode()
        reader, writer = await here.connect()
        for level in (-1.0, 0.5):
            await here.tell(level)
            writer.write(b"n")
            assert await reader.read(64) == str(level).encode()
        writer.close()
        await writer.wait_closed()


async def test_a_tag_that_is_declared_otherwise_is_followed_on() -> None:
    async with site() as here:
        await here.tell(1.0)
        handle = here.index.handles[0]
        here.hub.withdraw_tags([int(handle)])
        again = RowIndex(here.hub.register_tags([TagSpec(path=TAGS[0], type=ValueType.FLOAT32)]))
        group = here.hub.register_group(GroupSpec("again", "lab/s", 1.0, 60.0, again))
        async with asyncio.timeout(60):
            while await here.ask(b"n") != b"5.0":
                here.seq += 1
                here.hub.publish(seal(group, here.seq, again, np.array([5.0]), here.clock.wall_ns(), 0))
                await asyncio.sleep(0)


async def test_a_peer_that_has_gone_already_is_not_kept() -> None:
    async with site() as here:
        for _ in range(30):
            peer = socket.create_connection(("127.0.0.1", here.server.port))
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
        async with asyncio.timeout(60):
            assert await here.ask(b"n") == b"nan"  # those before it have been taken by then
            while here.server.open:
                await asyncio.sleep(0.01)
        assert await here.ask(b"n") == b"nan"


async def test_the_latest_value_is_answered_whatever_became_of_its_sensor() -> None:
    async with site() as here:
        await here.tell(0.5, t=1000)
        await here.tell(0.5, t=1000, quality=0x8031)
        assert await here.ask(b"n") == b"0.5"
        assert await here.ask(b"get\n") == b"0.5 1000 bad\n"


async def test_lines_ask_by_name() -> None:
    async with site() as here:
        for n in range(20):
            await here.tell(0.5, 2.0, n, t=10**12 + n * 10**8)
        assert await here.ask(b"list\n") == b"level steps count\n"
        assert await here.ask(b"get steps\nget lab/s/steps\n") == b"2.0 1001900000000 good\n" * 2
        assert await here.ask(b"get count\n") == b"7 1000000000000 good\n"
        assert await here.ask(b"rate steps\nrate count\n") == b"10\n0\n"
        assert (await here.ask(b"get stairs\n")).startswith(b"! no 'stairs' here; there is level, steps, count")
        assert (await here.ask(b"hello\n")).startswith(b"! 'hello' is no question")


async def test_every_sample_is_told_also_the_same_again() -> None:
    async with site() as here:
        await here.tell(0.0)
        reader, writer = await here.connect()
        writer.write(b"every steps\n")
        while not any(here.server.board._sinks.values()):
            await asyncio.sleep(0)
        for n in range(1, 51):
            await here.tell(0.0, 5.0, n, t=n)
        lines = [parse_sample(await reader.readline()) for _ in range(50)]
        assert lines == [(5.0, n, True) for n in range(1, 51)]
        writer.close()
        await writer.wait_closed()


async def test_who_takes_nothing_is_hung_up_on_and_costs_nobody_else(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "MOST_UNSENT", 2000)
    async with site() as here:
        await here.tell(0.0)
        _, writer = await here.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        (connection,) = here.server.open
        connection._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        writer.write(b"every\n")
        while not any(here.server.board._sinks.values()):
            await asyncio.sleep(0)
        n = 0
        while not here.server.counters["too_slow"]:
            n += 1
            await here.tell(float(n))
        assert await here.ask(b"n") == f"{float(n)}".encode()
        assert not any(here.server.board._sinks.values())
        writer.close()


async def test_strangers_and_one_too_many_get_nothing() -> None:
    async with site(allow=("10.0.0.0/8",)) as here:
        reader, writer = await here.connect()
        assert await _end(reader) == b""
        writer.close()
        assert here.server.figures()["peers_refused"] == 1
    async with site(most=1) as here:
        _, first = await here.connect()
        reader, second = await here.connect()
        assert await _end(reader) == b""
        first.close()
        second.close()
        assert here.server.counters["too_many"] == 1


async def test_a_hundred_readers_at_once() -> None:
    async with site() as here:
        await here.tell(0.25)
        assert set(await asyncio.gather(*(here.ask(b"n") for _ in range(100)))) == {b"0.25"}
        assert here.server.counters["asked"] == 100


async def _end(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
