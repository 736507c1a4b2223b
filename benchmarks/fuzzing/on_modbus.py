"""Modbus: frames, requests, replies, addresses, and both ends of a connection fed with whatever comes."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

from sereno.device import Environment
from sereno.drivers.modbus.address import parse_address
from sereno.drivers.modbus.connection import Connection
from sereno.drivers.modbus.endpoint import TcpEndpoint, parse_url
from sereno.drivers.modbus.exchange import DATA_AT, Exchange, Requests, compile_step
from sereno.drivers.modbus.link import TcpLink
from sereno.drivers.modbus.protocol import (
    FrameSplitter,
    ProtocolError,
    Read,
    WriteRegister,
    check_reply,
    decode_reply,
    decode_request,
    encode_frame,
)
from sereno.model import Timer
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory

from .targets import Taker, target

_READ = bytes.fromhex("000100000006010300000003")
_READ_REPLY = bytes.fromhex("000100000009010306000100020003")


class FrozenClock:
    """Time stands still, timers never ring."""

    class _Never:
        def cancel(self) -> None:
            pass

    def wall_ns(self) -> int:
        return 0

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    def timeout(self, seconds: float) -> Any:
        raise NotImplementedError

    def call_later(self, seconds: float, callback: Any) -> Timer:  # noqa: ARG002 - Clock's signature
        return self._Never()


class Wire(asyncio.Transport):
    """Keeps what is written; closing is all that it does."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def writelines(self, pieces: Any) -> None:
        self.written += b"".join(map(bytes, pieces))

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


@target("modbus-frames", raises=(ProtocolError,), seeds=[_READ, _READ + _READ_REPLY[:9]])
def frames(data: bytes) -> None:
    """The splitter of a byte stream: however it is cut, the frames are the same."""
    taker = Taker(data)
    cut = taker.number(256)
    stream = taker.rest()
    whole: list[Any] = []
    splitter, pieces = FrameSplitter(), []
    with suppress(ProtocolError):
        whole.extend(FrameSplitter().feed(stream))
    with suppress(ProtocolError):
        for piece in (stream[:cut], stream[cut:]):
            pieces.extend(splitter.feed(piece))
    assert pieces == whole
    joined = b"".join(encode_frame(*frame) for frame in whole)
    assert stream.startswith(joined)


@target("modbus-request", raises=(ProtocolError,), seeds=[_READ[7:], bytes.fromhex("10000100020400010002")])
def request(data: bytes) -> None:
    """A request PDU: what is taken, and lies within the addresses that there are, is encoded to the same request."""
    found = decode_request(data)
    with suppress(ValueError):
        assert decode_request(found.encode()) == found


@target("modbus-reply", raises=(ProtocolError,), seeds=[b"\x00" + _READ_REPLY[7:], b"\x01\x83\x02"])
def reply(data: bytes) -> None:
    """A reply PDU, and whether it may answer a request."""
    asked = (Read(3, 0, 3), Read(1, 0, 20), WriteRegister(1, 2))[data[0] % 3 if data else 0]
    found = decode_reply(data[1:])
    assert found.encode() == data[1:]
    check_reply(asked, found)


@target("modbus-address", raises=(ValueError, UnicodeDecodeError), seeds=[b"holding:100.3-7", b"coil:0x10", b"40101"])
def address(data: bytes) -> None:
    """The address of a tag as text."""
    parse_address(data.decode())


@target(
    "modbus-url", raises=(ValueError, UnicodeDecodeError), seeds=[b"tcp://[::1]:502", b"rtu:///dev/ttyS0?baud=9600"]
)
def url(data: bytes) -> None:
    """The url of a device: what it means is written so that it means the same."""
    found = parse_url(data.decode())
    assert parse_url(str(found)) == found


_STEPS = [(3, 0, 3), (3, 100, 2), (1, 0, 20), (4, 7, 1)]


def _registers(requests: Requests) -> bytes:
    """What an honest device answers to the steps: registers that tell their step."""
    return b"".join(bytes([i]) * (step.stop - step.start) for i, step in enumerate(requests.steps))


@target("modbus-client", seeds=[b"\x03\x01\x00\x01\x00", b"\x00" + _READ_REPLY, b"\x03" + b"\x02\x00" * 8])
def client(data: bytes) -> None:
    """A connection with requests in flight: replies in any order, cut, changed, repeated, or plain rubbish.

    A step that counts as answered must hold what its own reply said.
    """
    taker = Taker(data)
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_client(taker, depth=1 + taker.number(4), traced=bool(taker.number(2))))
    finally:
        loop.close()


async def _client(taker: Taker, *, depth: int, traced: bool) -> None:
    link = TcpLink(TcpEndpoint("fuzz", 502), Environment(FrozenClock(), None, random.Random(1)))  # type: ignore[arg-type]
    if traced:
        link.taps.add(lambda _: None)
    ended: list[str] = []
    connection, wire = Connection(link, lambda _, text: ended.append(text)), Wire()
    connection.connection_made(wire)
    places, at = [], 0
    for function, start, count in _STEPS:
        places.append(compile_step(1, Read(function, start, count), at))
        at = places[-1].stop
    exchange = Exchange(Requests(places), bytearray(b"\xee" * at), 1.0, depth)
    running = asyncio.ensure_future(connection.run(exchange))
    try:
        await _talk(taker, connection, wire, running)
    except BaseException:
        running.cancel()
        raise
    if connection.open:
        connection.connection_lost(None)
    failed = (await asyncio.gather(running, return_exceptions=True))[0]
    assert wire.closed or ended or failed is None
    if failed is None:
        assert len(exchange.payload) == at
    elif not isinstance(failed, Exception) or type(failed).__module__.startswith("builtins"):
        raise AssertionError(f"ended with {failed!r}")


async def _talk(taker: Taker, connection: Connection, wire: Wire, running: asyncio.Future[None]) -> None:
    waiting: list[bytes] = []
    await asyncio.sleep(0)
    while taker and connection.open and not running.done():
        waiting += [_honest(frame) for frame in FrameSplitter().feed(bytes(wire.written))]
        wire.written.clear()
        connection.data_received(_said(taker, waiting))
        await asyncio.sleep(0)


def _honest(frame: Any) -> bytes:
    asked = decode_request(frame.pdu)
    assert isinstance(asked, Read)
    size = (asked.count + 7) // 8 if asked.function <= 2 else 2 * asked.count
    return encode_frame(frame.transaction, frame.unit, bytes((asked.function, size)) + bytes(size))


def _said(taker: Taker, waiting: list[bytes]) -> bytes:
    """The next thing that the other side says."""
    kind = taker.number(8)
    if kind == 0 or not waiting:
        return taker.piece() or b"\0"
    chosen = waiting[taker.number(len(waiting))]
    if kind == 1:
        return chosen[: 1 + taker.number(len(chosen))]
    if kind == 2:
        at = taker.number(len(chosen))
        return chosen[:at] + taker.take(1) + chosen[at + 1 :]
    if kind == 3:
        return b"".join(waiting)
    if kind == 4:
        return chosen + chosen
    waiting.remove(chosen)
    return chosen[:7] + bytes((chosen[7] | 0x80, 2)) if kind == 5 else chosen


@target("modbus-server", seeds=[_READ, _READ + b"\x00\x02\x00\x00\x00\x02\x01\x08", _READ[:5]])
def server(data: bytes) -> None:
    """A connection of the simulated server: the bytes of a client, in two pieces."""
    taker = Taker(data)
    cut = taker.number(256)
    stream = taker.rest()
    connections: list[Any] = []

    class Door:
        async def listen(self, factory: Any, host: str, port: int) -> Any:  # noqa: ARG002 - Transports' signature
            connections.append(factory())
            return type("Listening", (), {"port": 502})()

    device = ModbusServer({1: RegisterMemory()}, transports=Door(), clock=FrozenClock())  # type: ignore[arg-type]
    with suppress(StopIteration):
        device.start().send(None)
    (connection,), wire = connections, Wire()
    connection.connection_made(wire)
    for piece in (stream[:cut], stream[cut:]):
        if not wire.closed:
            connection.data_received(piece)
    for frame in FrameSplitter().feed(bytes(wire.written)):
        assert frame.pdu[0] & 0x80 or decode_reply(frame.pdu)
    connection.connection_lost(None)


assert len(_READ_REPLY) == DATA_AT + 6
