"""Modbus/TCP over one connection: transaction ids of our own, several requests in flight, no second chances.

After a time-out, an id that nobody waits for, or bytes that are no answer, the connection is dropped: a late reply
can then never be taken for the answer to a later request.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque

from sereno.device import Environment
from sereno.model import LinkState, NotConnectedError, Timer

from .endpoint import TcpEndpoint
from .exchange import DATA_AT, Exchange, ModbusLink
from .protocol import MAX_PDU
from .words import frame_text, request_text

CONNECT_TIMEOUT = 3.0
_EXCEPTION_SIZE = 9

_Sent = tuple[bytes, int, int, int, Exchange, int]
"""A request on its way: what the reply must begin with, its size, its place in the payload, whose it is."""


class TcpLink(ModbusLink):
    """A connection to a Modbus/TCP server, shared by all units behind it."""

    def __init__(self, endpoint: TcpEndpoint, environment: Environment) -> None:
        super().__init__(str(endpoint), environment)
        self.endpoint = endpoint
        self.counters.update(dict.fromkeys(("requests", "replies", "timeouts", "exceptions"), 0))
        self.counters.update(dict.fromkeys(("bytes_in", "bytes_out", "connects", "drops", "reordered"), 0))
        self.last_id = environment.random.randrange(0x10000)
        self._connection: _Connection | None = None

    async def connect(self) -> None:
        """See Link. Raises NotConnectedError with the reason in one line."""
        self.state = LinkState.CONNECTING
        connection = _Connection(self)
        transports, clock = self.environment.transports, self.environment.clock
        try:
            async with clock.timeout(CONNECT_TIMEOUT):
                await transports.connect(lambda: connection, self.endpoint.host, self.endpoint.port)
        except (OSError, TimeoutError) as error:
            self.state = LinkState.DOWN
            raise NotConnectedError(f"cannot connect to {self.key}: {_words(error, self.endpoint.host)}") from error
        if not connection.open:
            self.state = LinkState.DOWN
            raise NotConnectedError(f"{self.key} accepted the connection and closed it at once")
        self._connection = connection
        self.state = LinkState.UP
        self.count("connects")

    async def close(self) -> None:
        """See Link."""
        connection, self._connection = self._connection, None
        self.state = LinkState.DOWN
        if connection is not None:
            connection.shut("closed by this node")

    async def run(self, exchange: Exchange) -> None:
        """See ModbusLink."""
        connection = self._connection
        if connection is None:
            raise NotConnectedError(f"not sent: no connection to {self.key}")
        await connection.run(exchange)

    def dropped(self, connection: _Connection, text: str) -> None:
        """A connection ended by itself or was given up."""
        self.count("drops")
        if self._connection is connection:
            self._connection = None
            self.lost(text)


class _Connection(asyncio.Protocol):
    """One connection from its first byte to its end; never used again after a doubt."""

    def __init__(self, link: TcpLink) -> None:
        self._link = link
        self._clock = link.environment.clock
        self._counters = link.counters
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Exchange] = deque()
        self._in_flight: deque[_Sent] = deque()
        self._rest = b""
        self._timer: Timer | None = None
        self._fires = 0.0
        self._deadline = 0.0
        self.open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop(f"connection lost: {exc}" if exc else "the device closed the connection")

    async def run(self, exchange: Exchange) -> None:
        """Put it into the queue and wait for the last reply."""
        if not exchange.steps:
            return
        exchange.future = asyncio.get_running_loop().create_future()
        if exchange.urgent:
            self._waiting.appendleft(exchange)
        else:
            self._waiting.append(exchange)
        idle = not self._in_flight
        self._fill()
        if idle:
            self._watch()
        try:
            await exchange.future
        except asyncio.CancelledError:
            exchange.abandon()
            if exchange in self._waiting:
                self._waiting.remove(exchange)
            raise

    def _fill(self) -> None:
        """Send as many requests as the first exchange in the queue allows."""
        in_flight, waiting = self._in_flight, self._waiting
        number = self._link.last_id
        out: list[bytes] = []
        while waiting:
            exchange = waiting[0]
            steps, sent = exchange.steps, exchange.sent
            last = min(len(steps), sent + exchange.depth - len(in_flight))
            for index in range(sent, last):
                step = steps[index]
                number = (number + 1) & 0xFFFF
                key = number.to_bytes(2, "big")
                out.append(key + step.tail)
                in_flight.append((key + step.head, step.size, step.start, step.stop, exchange, index))
            exchange.sent = max(sent, last)
            if exchange.sent < len(steps):
                break
            waiting.popleft()
        if out:
            self._link.last_id = number
            self._send(out)

    def _send(self, frames: list[bytes]) -> None:
        assert self._transport is not None
        data = b"".join(frames)
        self._counters["requests"] += len(frames)
        self._counters["bytes_out"] += len(data)
        if self._link.taps:
            for frame in frames:
                self._link.trace("tx", frame, frame_text(frame, request=True))
        self._transport.write(data)

    def _watch(self) -> None:
        """One timer for all requests: moving the deadline is cheap, it is armed again only to ring earlier."""
        timeout = self._in_flight[0][4].timeout
        self._deadline = self._clock.monotonic() + timeout
        if self._timer is None or self._deadline < self._fires:
            if self._timer is not None:
                self._timer.cancel()
            self._fires = self._deadline
            self._timer = self._clock.call_later(timeout, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if not self._in_flight:
            return
        wait = self._deadline - self._clock.monotonic()
        if wait > 1e-6:
            self._fires = self._deadline
            self._timer = self._clock.call_later(wait, self._ring)
            return
        _, _, _, _, exchange, index = self._in_flight[0]
        self._counters["timeouts"] += 1
        self._drop(f"no answer within {exchange.timeout:g} s to {_asked(exchange, index)}")

    def data_received(self, data: bytes) -> None:
        """Replies, usually whole and in order; everything else takes the slow way."""
        if not self.open:
            return
        counters, in_flight, taps = self._counters, self._in_flight, self._link.taps
        counters["bytes_in"] += len(data)
        if self._rest:
            data = self._rest + data
        at, total, before = 0, len(data), len(in_flight)
        while in_flight and at < total:
            prefix, size, start, stop, exchange, _ = in_flight[0]
            end = at + size
            if end > total or not data.startswith(prefix, at):
                end = self._slow(data, at)
                if end <= at:
                    break
            else:
                if stop:
                    exchange.payload[start:stop] = data[at + DATA_AT : end]
                in_flight.popleft()
                exchange.left -= 1
                if not exchange.left:
                    exchange.finish()
            if taps:
                self._link.trace("rx", data[at:end], frame_text(data[at:end], request=False))
            at = end
        self._settle(data[at:], before - len(in_flight))

    def _settle(self, rest: bytes, answered: int) -> None:
        """After the replies of one read: keep what is cut, refuse what nobody asked for, send more."""
        if not self.open:
            return
        self._rest = rest
        if rest and not self._in_flight:
            self._give_up(rest, "bytes that nobody asked for")
            return
        if answered:
            self._counters["replies"] += answered
            self._fill()
            if self._in_flight:
                self._watch()

    def _slow(self, data: bytes, at: int) -> int:
        """A reply that is cut, out of order or an exception: its end; `at` while it is cut; -1 if it is none."""
        if len(data) - at < _EXCEPTION_SIZE:
            return at
        protocol, length = int.from_bytes(data[at + 2 : at + 4], "big"), int.from_bytes(data[at + 4 : at + 6], "big")
        if protocol != 0 or not 2 <= length <= MAX_PDU + 1:
            return self._give_up(data[at:], "no Modbus/TCP frame")
        position = next((i for i, sent in enumerate(self._in_flight) if data.startswith(sent[0][:2], at)), None)
        if position is None:
            return self._give_up(data[at:], "a transaction id that nobody waits for")
        prefix, size, start, stop, exchange, index = self._in_flight[position]
        if self._is_exception(data, at, prefix):
            exchange.exceptions[index] = data[at + 8]
            self._counters["exceptions"] += 1
            size = _EXCEPTION_SIZE
        elif not data.startswith(prefix[: len(data) - at], at):
            return self._give_up(data[at:], f"no answer to {_asked(exchange, index)}")
        elif at + size > len(data):
            return at
        elif stop:
            exchange.payload[start:stop] = data[at + DATA_AT : at + size]
        self._answered(position)
        return at + size

    @staticmethod
    def _is_exception(data: bytes, at: int, prefix: bytes) -> bool:
        same_unit = data[at + 6] == prefix[6]
        return same_unit and data[at + 7] == prefix[7] | 0x80 and data[at + 4 : at + 6] == b"\0\3"

    def _answered(self, position: int) -> None:
        exchange = self._in_flight[position][4]
        if position:
            self._counters["reordered"] += 1
        del self._in_flight[position]
        exchange.left -= 1
        if not exchange.left:
            exchange.finish()

    def _give_up(self, data: bytes, text: str) -> int:
        if self._link.taps:
            self._link.trace("rx", data, frame_text(data, request=False))
        self._drop(f"the device sent {text} ({frame_text(data, request=False)})")
        return -1

    def _drop(self, text: str) -> None:
        if self.open:
            self.shut(text)
            self._link.dropped(self, text)

    def shut(self, text: str) -> None:
        """End the connection; whoever waits gets an error."""
        self.open = False
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        for exchange in {id(e): e for e in [*(s[4] for s in self._in_flight), *self._waiting]}.values():
            exchange.fail(text)
        self._in_flight.clear()
        self._waiting.clear()


def _asked(exchange: Exchange, index: int) -> str:
    step = exchange.steps[index]
    return f"{request_text(step.request)}, unit {step.unit}"


def _words(error: OSError, host: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"unknown host {host!r}"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_TIMEOUT:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused (is the server running on that port?)"
    return (error.strerror or str(error)).lower()
