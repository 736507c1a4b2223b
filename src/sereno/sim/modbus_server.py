"""A Modbus/TCP server: several units behind one port, faults on demand, counters of what it really received."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import cast

import structlog

from sereno.device import Listener, SocketTransports, Transports
from sereno.drivers.modbus.protocol import Frame, FrameSplitter, ProtocolError, encode_frame
from sereno.model import Clock, SystemClock

from .faults import FaultKind, FaultPlan, ServerFault
from .modbus_answers import GATEWAY_NO_ANSWER, answer, exception, is_write, plain_reads
from .registers import RegisterMemory

log = structlog.get_logger(__name__)


class ModbusServer:
    """Serves `units` (unit id -> memory); any other unit is answered with exception 11, as a gateway does.

    `counters`: connections (so far), requests, writes (requests received that would change something),
    exceptions (sent), faults (requests that met one), broken (connections dropped for bytes that are no Modbus).
    """

    def __init__(
        self,
        units: Mapping[int, RegisterMemory],
        *,
        transports: Transports | None = None,
        clock: Clock | None = None,
        noise: random.Random | None = None,
    ) -> None:
        self.units = dict(units)
        self.clock: Clock = clock or SystemClock()
        self.faults = FaultPlan(self.clock)
        self.noise = noise or random.Random()  # noqa: S311 - garbage on a wire, no secret
        self.counters = dict.fromkeys(("connections", "requests", "writes", "exceptions", "faults", "broken"), 0)
        self.connections: set[_Connection] = set()
        self._transports: Transports = transports or SocketTransports()
        self._listener: Listener | None = None
        self._address = ("127.0.0.1", 0)
        self._restart: asyncio.Task[None] | None = None
        self._come_back = asyncio.Event()

    @property
    def host(self) -> str:
        """Where it listens."""
        return self._address[0]

    @property
    def port(self) -> int:
        """The port that it got; it keeps it over a restart."""
        return self._address[1]

    @property
    def listening(self) -> bool:
        """False before `start`, after `close` and during a restart."""
        return self._listener is not None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._listener = await self._transports.listen(lambda: _Connection(self), host, port)
        self._address = (host, self._listener.port)

    async def close(self) -> None:
        """Drop the connections and stop listening."""
        if self._restart is not None:
            self._restart.cancel()
            await asyncio.gather(self._restart, return_exceptions=True)
            self._restart = None
        await self._stop()

    def inject(self, fault: ServerFault, *, duration: float | None = None, requests: int | None = None) -> None:
        """Let `fault` happen, see FaultPlan.set; a restart begins now and takes its own `seconds`."""
        if fault.kind is not FaultKind.RESTART:
            self.faults.set(fault, duration=duration, requests=requests)
        elif self._restart is None or self._restart.done():
            self._come_back.clear()
            self._restart = asyncio.create_task(self._restarting(fault.seconds), name=f"restart of port {self.port}")

    def clear(self) -> None:
        """No fault any more; a restart under way ends now."""
        self.faults.clear()
        self._come_back.set()

    async def _restarting(self, seconds: float) -> None:
        await self._stop()
        with suppress(TimeoutError):
            async with self.clock.timeout(seconds):
                await self._come_back.wait()
        try:
            await self.start(*self._address)
        except OSError as error:
            log.warning("simulator did not come back", task="restart", port=self.port, error=str(error))

    async def _stop(self) -> None:
        listener, self._listener = self._listener, None
        for connection in list(self.connections):
            connection.abort()
        if listener is not None:
            await listener.close()

    def fault_of(self, frame: Frame) -> ServerFault | None:  # noqa: ARG002 - for servers that choose by it
        """The fault that meets this request."""
        return self.faults.take()

    def reply(self, frame: Frame) -> bytes:
        """Execute one request and return its answer as a frame."""
        memory = self.units.get(frame.unit)
        pdu = exception(frame.pdu[0], GATEWAY_NO_ANSWER) if memory is None else answer(memory, frame.pdu)
        if pdu[0] & 0x80:
            self.counters["exceptions"] += 1
        return encode_frame(frame.transaction, frame.unit, pdu)


class _Connection(asyncio.Protocol):
    """One master. Requests are answered in the order in which they came, whatever each has to wait."""

    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._counters = server.counters
        self._splitter = FrameSplitter()
        self._transport: asyncio.Transport | None = None
        self._delayed: deque[bytes] = deque()
        self._due = 0.0
        self.paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's do not inherit from it
        self._server.connections.add(self)
        self._counters["connections"] += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._transport = None
        self._delayed.clear()
        self._server.connections.discard(self)

    def pause_writing(self) -> None:
        self.paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self.paused = False
        if self._transport is not None:
            self._transport.resume_reading()

    def abort(self) -> None:
        """Drop the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        replies: list[bytes | memoryview] = []
        if not (self._delayed or self._splitter.pending or self._server.faults.current()):
            requests, taken = plain_reads(self._server.units, data, replies)
            self._counters["requests"] += requests
            data = data[taken:]
        if data and not self._answer_all(data, replies):
            return
        if replies and self._transport is not None:
            self._transport.write(b"".join(replies))

    def _answer_all(self, data: bytes, replies: list[bytes | memoryview]) -> bool:
        """Answer frame by frame; False when the connection ends with it."""
        try:
            for frame in self._splitter.feed(data):
                self._counters["requests"] += 1
                self._counters["writes"] += is_write(frame.pdu)
                fault = self._server.fault_of(frame)
                if fault is None and not self._delayed:
                    replies.append(self._server.reply(frame))
                elif not self._disturbed(frame, fault, replies):
                    return False
        except ProtocolError:
            self._counters["broken"] += 1
            self._hang_up(replies)
            return False
        return True

    def _disturbed(self, frame: Frame, fault: ServerFault | None, replies: list[bytes | memoryview]) -> bool:
        """Answer as the fault wants; False when the connection ends with it."""
        server = self._server
        kind = None if fault is None else fault.kind
        self._counters["faults"] += fault is not None
        if kind is FaultKind.SILENT:
            return True
        if fault is not None and kind is FaultKind.EXCEPTION:
            self._counters["exceptions"] += 1
            reply = encode_frame(frame.transaction, frame.unit, exception(frame.pdu[0], fault.code))
        else:
            reply = server.reply(frame)
        if kind is FaultKind.GARBAGE:
            reply = server.noise.randbytes(len(reply))
        if kind is FaultKind.CUT:
            self._hang_up([*replies, reply[: len(reply) // 2]])
            return False
        self._send(reply, fault.seconds if fault is not None and kind is FaultKind.SLOW else 0.0, replies)
        return True

    def _hang_up(self, last: list[bytes | memoryview]) -> None:
        if self._transport is not None:
            self._transport.write(b"".join(last))
            self._transport.close()

    def _send(self, reply: bytes, delay: float, replies: list[bytes | memoryview]) -> None:
        if delay <= 0.0 and not self._delayed:
            replies.append(reply)
            return
        now = self._server.clock.monotonic()
        self._due = max(self._due, now + delay)
        self._delayed.append(reply)
        self._server.clock.call_later(self._due - now, self._send_next)

    def _send_next(self) -> None:
        if self._transport is not None and self._delayed:
            self._transport.write(self._delayed.popleft())
