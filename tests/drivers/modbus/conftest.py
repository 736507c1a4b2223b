"""Tags, a clock that is set by hand, a scripted other end, and pymodbus' server as a foreign peer."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from sereno.device import DriverTag, Environment
from sereno.drivers.modbus.endpoint import TcpEndpoint
from sereno.drivers.modbus.link import TcpLink
from sereno.drivers.modbus.tags import ModbusConfig, ModbusTagConfig
from sereno.model import Access, TagSpec, ValueType
from tests.drivers.modbus.rig import Device, Other

SPEC_KEYS = ("low", "high", "labels")
URL = "tcp://127.0.0.1:5020"


def make_tag(name: str, kind: str, address: str, *, access: str = "read_write", **keys: Any) -> DriverTag:
    own = {k: keys.pop(k) for k in SPEC_KEYS if k in keys}
    config = ModbusTagConfig(address=address, **keys)
    spec = TagSpec(path=f"plc/{name}", type=ValueType(kind), access=Access(access), shape=config.shape, **own)
    return DriverTag(spec, config)


@pytest.fixture
def tag() -> Callable[..., DriverTag]:
    """tag(name, type, address, **keys of the tag) -> DriverTag."""
    return make_tag


@pytest.fixture
def config() -> Callable[..., ModbusConfig]:
    """config(**keys of the device) -> ModbusConfig."""
    return lambda **keys: ModbusConfig(**{"url": URL, **keys})


class HandTimer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class HandClock:
    """A clock that moves only by `advance`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, int, HandTimer, Callable[[], object]]] = []
        self._made = 0

    def wall_ns(self) -> int:
        return int(self.now * 1e9)

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self.call_later(seconds, lambda: None if future.done() else future.set_result(None))
        await future

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        return self._timeout(seconds)

    @asynccontextmanager
    async def _timeout(self, seconds: float) -> AsyncIterator[None]:
        async with asyncio.timeout(None) as inner:
            timer = self.call_later(seconds, lambda: inner.reschedule(asyncio.get_running_loop().time()))
            try:
                yield
            finally:
                timer.cancel()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> HandTimer:
        timer = HandTimer()
        self._made += 1
        heapq.heappush(self._timers, (self.now + seconds, self._made, timer, callback))
        return timer

    @property
    def armed(self) -> int:
        return sum(not timer.cancelled for _, _, timer, _ in self._timers)

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            at, _, timer, callback = heapq.heappop(self._timers)
            self.now = max(self.now, at)
            if not timer.cancelled:
                callback()
        self.now = end


class ScriptedTransport(asyncio.Transport):
    """What the connection writes is kept; `say` is the other end talking."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = bytearray()
        self.closed = False
        self.answer: Callable[[bytes], bytes] | None = None

    def write(self, data: Any) -> None:
        self.written += data
        if self.answer is not None:
            reply = self.answer(bytes(data))
            asyncio.get_running_loop().call_soon(self.say, reply)

    def take(self) -> bytes:
        data, self.written = bytes(self.written), bytearray()
        return data

    def say(self, data: bytes) -> None:
        if not self.closed:
            self.protocol.data_received(data)

    def abort(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    close = abort

    def hang_up(self, error: Exception | None = None) -> None:
        self.closed = True
        self.protocol.connection_lost(error)


class ScriptedTransports:
    """Connects to nowhere, or raises what it is told to."""

    def __init__(self) -> None:
        self.made: list[ScriptedTransport] = []
        self.error: BaseException | None = None
        self.answer: Callable[[bytes], bytes] | None = None

    async def connect(self, factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        if self.error is not None:
            raise self.error
        protocol = factory()
        transport = ScriptedTransport(protocol)
        transport.answer = self.answer
        self.made.append(transport)
        protocol.connection_made(transport)
        return transport, protocol

    async def listen(self, factory: Callable[[], Any], host: str, port: int) -> Any:
        raise NotImplementedError

    async def datagrams(self, factory: Callable[[], Any], host: str, port: int) -> Any:
        raise NotImplementedError


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def transports() -> ScriptedTransports:
    return ScriptedTransports()


@pytest.fixture
def environment(clock: HandClock, transports: ScriptedTransports) -> Environment:
    return Environment(clock=clock, transports=transports)


class ForeignServer:
    """pymodbus' TCP server with one device, unit 1; other units are answered with exception 11."""

    def __init__(self, server: ModbusTcpServer) -> None:
        self._server = server
        assert server.transport is not None
        self.port: int = server.transport.sockets[0].getsockname()[1]

    async def set(self, table: str, address: int, values: list[int] | list[bool]) -> None:
        await self._server.async_setValues(1, _CODES[table], address, values)

    async def get(self, table: str, address: int, count: int = 1) -> list[int] | list[bool]:
        return await self._server.async_getValues(1, _CODES[table], address, count)

    async def stop(self) -> None:
        await self._server.shutdown()


_CODES = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
Starter = Callable[..., Awaitable[ForeignServer]]


@pytest.fixture
async def foreign() -> AsyncIterator[Starter]:
    """await foreign(holding=[(first, count), ...], ...) -> a running ForeignServer; other addresses are refused."""
    running: list[ForeignServer] = []

    async def start(port: int = 0, **tables: list[tuple[int, int]]) -> ForeignServer:
        def blocks(table: str) -> list[SimData]:
            kind = DataType.BITS if table in ("coil", "discrete") else DataType.REGISTERS
            size = 16 if kind is DataType.BITS else 1
            return [
                SimData(first // size, values=[False] * count if size == 16 else [0] * count, datatype=kind)
                for first, count in tables.get(table, [(0, 1600)])
            ]

        device = SimDevice(1, tuple(blocks(t) for t in _CODES), use_bit_addressing=True)
        server = ModbusTcpServer(device, address=("127.0.0.1", port))
        await server.serve_forever(background=True)
        running.append(ForeignServer(server))
        return running[-1]

    yield start
    for server in running:
        await server.stop()


@pytest.fixture
async def other(environment: Environment, transports: Any) -> Other:
    link = TcpLink(TcpEndpoint("plc", 502), environment)
    await link.connect()
    return Other(link, transports.made[-1])


@pytest.fixture
def device(transports: Any) -> Device:
    transports.answer = Device()
    return transports.answer
