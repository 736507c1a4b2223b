"""What the tests of link and driver share: a scripted other end, a scripted device, a driver on a link."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sereno.device import DriverTag, Environment, ScanColumns
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.drivers.modbus.exchange import Exchange, Requests, compile_step
from sereno.drivers.modbus.link import TcpLink
from sereno.drivers.modbus.protocol import (
    DataReply,
    ExceptionReply,
    FrameSplitter,
    Read,
    WriteRegister,
    WriteReply,
    decode_request,
    encode_frame,
)
from sereno.drivers.modbus.tags import ModbusConfig


def registers(start: int, count: int) -> bytes:
    """What a well-behaved device holds: each register its own address."""
    return b"".join(i.to_bytes(2, "big") for i in range(start, start + count))


def reply_to(frame: Any, *, shift: int = 0) -> bytes:
    request = decode_request(frame.pdu)
    if isinstance(request, Read):
        return encode_frame(
            frame.transaction, frame.unit, DataReply(3, registers(request.address + shift, request.count)).encode()
        )
    assert isinstance(request, WriteRegister)
    return encode_frame(frame.transaction, frame.unit, WriteReply(6, request.address, request.value).encode())


def exchange_of(blocks: int, *, depth: int = 1, timeout: float = 1.0, size: int = 3) -> Exchange:
    steps, at = [], 0
    for i in range(blocks):
        steps.append(compile_step(1, Read(3, 100 * i, size), at))
        at = steps[-1].stop
    return Exchange(Requests(steps), bytearray(at), timeout, depth)


def whole(blocks: int, size: int = 3) -> bytes:
    return b"".join(registers(100 * i, size) for i in range(blocks))


class Other:
    """The other end of a link."""

    def __init__(self, link: TcpLink, transport: Any) -> None:
        self.link = link
        self.transport = transport
        self._splitter = FrameSplitter()

    def asked(self) -> list[Any]:
        """The requests since the last look."""
        return list(self._splitter.feed(self.transport.take()))

    def say(self, data: bytes) -> None:
        self.transport.say(data)


async def start(link: TcpLink, exchange: Exchange) -> asyncio.Task[None]:
    task = asyncio.create_task(link.run(exchange))
    await asyncio.sleep(0)
    return task


class Device:
    """A scripted device: registers hold their own address; `refuse(request)` gives an exception code or 0."""

    def __init__(self) -> None:
        self.refuse: Callable[[Any], int] = lambda request: 0
        self.asked: list[Any] = []

    def __call__(self, data: bytes) -> bytes:
        replies = b""
        for frame in FrameSplitter().feed(data):
            request = decode_request(frame.pdu)
            self.asked.append(request)
            code = self.refuse(request)
            if code:
                pdu = ExceptionReply(request.function, code).encode()
            elif isinstance(request, Read):
                registers = range(request.address, request.address + request.count)
                pdu = DataReply(request.function, struct.pack(f">{request.count}H", *registers)).encode()
            else:
                pdu = frame.pdu[:5] if request.function != 22 else frame.pdu
            replies += encode_frame(frame.transaction, frame.unit, pdu)
        return replies


def good(columns: ScanColumns) -> list[bool]:
    codes = columns.quality
    return [codes == 0] * len(columns.values) if isinstance(codes, int) else [bool(c == 0) for c in codes]


@asynccontextmanager
async def driving(
    device: ModbusConfig, environment: Environment | None = None
) -> AsyncIterator[tuple[ModbusDriver, TcpLink]]:
    environment = environment or Environment()
    link = ModbusDriver.open_link(device, environment)
    assert isinstance(link, TcpLink)
    await link.connect()
    try:
        yield ModbusDriver(device, link, environment), link
    finally:
        await link.close()


async def scan(driver: ModbusDriver, *tags: DriverTag) -> ScanColumns:
    rows = [t for t in tags if t.spec.is_row]
    return await driver.scan(driver.compile(rows, [t for t in tags if not t.spec.is_row]))
