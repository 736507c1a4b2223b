"""A master in memory for the tests of the simulated servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from sereno.drivers.modbus.protocol import Frame, FrameSplitter, encode_frame
from sereno.testing import MemoryTransports


class Master(asyncio.Protocol):
    """Sends PDUs as written and collects what comes back, frame by frame."""

    def __init__(self) -> None:
        self.received = b""
        self.frames: list[Frame] = []
        self.lost = False
        self.transport: asyncio.Transport | None = None
        self._splitter = FrameSplitter()
        self._changed = asyncio.Event()
        self._transaction = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        with suppress(Exception):
            self.frames += self._splitter.feed(data)
        self._changed.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._changed.set()

    def send(self, *pdus: bytes, unit: int = 1) -> None:
        frames = []
        for pdu in pdus:
            self._transaction += 1
            frames.append(encode_frame(self._transaction, unit, pdu))
        self.transport.write(b"".join(frames))

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def ask(self, pdu: bytes, unit: int = 1) -> bytes:
        """One request, the PDU of its answer."""
        wanted = len(self.frames) + 1
        self.send(pdu, unit=unit)
        await self.until(lambda: len(self.frames) >= wanted or self.lost)
        return self.frames[wanted - 1].pdu


@pytest.fixture
def network() -> MemoryTransports:
    return MemoryTransports()


@pytest.fixture
def connect(network: MemoryTransports) -> Callable[[int], Awaitable[Master]]:
    async def connected(port: int) -> Master:
        _, master = await network.connect(Master, "127.0.0.1", port)
        return master

    return connected
