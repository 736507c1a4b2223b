"""One Modbus/TCP connection: transaction ids of our own, several requests in flight, no second chances.

After a time-out, an id that nobody waits for, or bytes that are no answer, the connection is dropped: a late reply
can then never be taken for the answer to a later request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from sereno.model import Timer

from .exchange import DATA_AT, Exchange, Group, ModbusLink
from .pipelining import Pipelining
from .protocol import MAX_PDU
from .words import frame_text, request_text

log = structlog.get_logger(__name__)

_EXCEPTION_SIZE = 9

_Sent = tuple[bytes, int, int, int, Exchange, int]
"""A request on its way: what the reply must begin with, its size, its place in the payload, whose step it is."""


class Connection(asyncio.Protocol):
    """One connection from its first byte to its end; never used again after a doubt.

    `on_end` is called once when it ends by itself. A write of several requests into an idle connection is a group,
    whose replies are usually checked and stored as a whole; as soon as anything is unusual it is taken apart.
    """

    def __init__(self, link: ModbusLink, on_end: Callable[[Connection, str], None]) -> None:
        self.open = True
        self._link = link
        self._clock = link.environment.clock
        self._counters = link.counters
        self._on_end = on_end
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Exchange] = deque()
        self._group: Group | None = None
        self._owner: Exchange | None = None
        self._number = 0
        self._in_flight: deque[_Sent] = deque()
        self._rest = b""
        self._last_id = 0
        self._together = 0
        self._overtaker = ""
        self._timer: Timer | None = None
        self._fires = 0.0
        self._deadline = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport  # type: ignore[assignment]
        self._last_id = self._link.environment.random.randrange(0x10000)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._drop(f"connection lost: {exc}" if exc else "the device closed the connection")

    async def run(self, exchange: Exchange) -> None:
        """Put it into the queue and wait for the last reply."""
        exchange.future = asyncio.get_running_loop().create_future()
        if exchange.urgent:
            self._waiting.appendleft(exchange)
        else:
            self._waiting.append(exchange)
        idle = self._group is None and not self._in_flight
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

    # sending

    def _fill(self) -> None:
        """Send as many requests as the first exchange in the queue allows."""
        while self._waiting:
            exchange = self._waiting[0]
            flying = len(self._in_flight) if self._group is None else self._group.count
            room, first = exchange.depth - flying, exchange.sent
            if room <= 0:
                return
            if exchange.urgent and exchange.withheld(self._clock):
                self._waiting.popleft()
                continue
            left = exchange.requests.count - first
            if room >= left:
                room = left
                self._waiting.popleft()
            exchange.sent = first + room
            self._together = max(self._together, flying + room) if flying else room
            self._send(exchange, exchange.requests.group(first, room), idle=flying == 0)

    def _send(self, exchange: Exchange, group: Group, *, idle: bool) -> None:
        assert self._transport is not None
        number = self._last_id + 1
        if number + group.count > 0x10000:
            number = 0
        self._last_id = number + group.count - 1
        data = group.frames(number)
        counters = self._counters
        counters["requests"] += group.count
        counters["bytes_out"] += len(data)
        if idle and not self._link.taps:
            self._group, self._owner, self._number = group, exchange, number
        else:
            self._take_apart()
            self._in_flight.extend(_singles(exchange, group, number))
            if self._link.taps:
                self._trace_requests(data, group)
        self._transport.write(data)

    def _take_apart(self) -> None:
        """What is in flight as a group goes on as single requests."""
        if self._group is not None and self._owner is not None:
            self._in_flight.extend(_singles(self._owner, self._group, self._number))
            self._group = self._owner = None

    def _trace_requests(self, data: bytes, group: Group) -> None:
        for step in group.steps:
            frame, data = data[: 2 + len(step.tail)], data[2 + len(step.tail) :]
            self._link.trace("tx", frame, frame_text(frame, request=True))

    # time

    def _due(self) -> tuple[Exchange, int] | None:
        """The step whose reply is due next."""
        if self._group is not None and self._owner is not None:
            return self._owner, self._group.first
        return self._in_flight[0][4:] if self._in_flight else None

    def _watch(self) -> None:
        """One timer for all requests: moving the deadline is cheap, it is armed again only to ring earlier."""
        owner = self._owner or (self._in_flight[0][4] if self._in_flight else None)
        if owner is None:
            return
        self._deadline = self._clock.monotonic() + owner.timeout
        if self._timer is None or self._deadline < self._fires:
            if self._timer is not None:
                self._timer.cancel()
            self._fires = self._deadline
            self._timer = self._clock.call_later(owner.timeout, self._ring)

    def _ring(self) -> None:
        self._timer = None
        due = self._due()
        if due is None:
            return
        wait = self._deadline - self._clock.monotonic()
        if wait > 1e-6:
            self._fires = self._deadline
            self._timer = self._clock.call_later(wait, self._ring)
            return
        self._counters["timeouts"] += 1
        self._drop(f"no answer within {due[0].timeout:g} s to {_asked(*due)}")

    # receiving

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. Usually all replies of a group."""
        group, owner = self._group, self._owner
        found = None if group is None else group.data(data, self._number)
        if found is None or group is None or owner is None:
            if self.open:
                self._counters["bytes_in"] += len(data)
                self._take_apart()
                self._one_by_one(self._rest + data)
            return
        owner.payload[group.start : group.stop] = found
        owner.answered(group.count)
        self._group = self._owner = None
        self._counters["bytes_in"] += group.size
        self._go_on(group.count)

    def _one_by_one(self, data: bytes) -> None:
        in_flight, taps = self._in_flight, self._link.taps
        at, total, before = 0, len(data), len(in_flight)
        first = in_flight[0] if in_flight else None
        while in_flight and at < total:
            prefix, size, start, stop, exchange, _ = in_flight[0]
            end = at + size
            if end <= total and data.startswith(prefix, at):
                if stop:
                    exchange.payload[start:stop] = data[at + DATA_AT : end]
                in_flight.popleft()
                exchange.answered(1)
                if self._overtaker:
                    self._disordered(f"the reply to {self._overtaker} overtook that to an earlier request")
                    self._overtaker = ""
            else:
                end = self._unusual(data, at)
                if end <= at:
                    break
            if taps:
                self._link.trace("rx", data[at:end], frame_text(data[at:end], request=False))
            at = end
        if not self.open:
            return
        self._rest = data[at:]
        if self._rest and not in_flight:
            self._repeated("more came than was asked for, as when a reply comes twice")
            self._give_up(self._rest, "bytes that nobody asked for")
        elif at:
            overtaken = bool(in_flight) and in_flight[0] is first
            self._go_on(before - len(in_flight), overtaken=overtaken)

    def _go_on(self, answered: int, *, overtaken: bool = False) -> None:
        """Send what may go now. The deadline moves unless the first request is still unanswered (`overtaken`)."""
        self._counters["replies"] += answered
        if self._waiting:
            self._fill()
        if not overtaken:
            self._watch()

    def _unusual(self, data: bytes, at: int) -> int:
        """A reply that is cut, out of order or an exception: its end; `at` while it is cut; -1 if it is none."""
        if len(data) - at < _EXCEPTION_SIZE:
            return at
        protocol, length = int.from_bytes(data[at + 2 : at + 4], "big"), int.from_bytes(data[at + 4 : at + 6], "big")
        if protocol != 0 or not 2 <= length <= MAX_PDU + 1:
            return self._give_up(data[at:], "no Modbus/TCP frame")
        position = next((i for i, sent in enumerate(self._in_flight) if data.startswith(sent[0][:2], at)), None)
        if position is None:
            self._repeated("a reply with an id that nobody waits for came, as when one comes twice")
            return self._give_up(data[at:], "a transaction id that nobody waits for")
        prefix, size, start, stop, exchange, index = self._in_flight[position]
        if _is_exception(data, at, prefix):
            exchange.exceptions[index] = data[at + 8]
            self._counters["exceptions"] += 1
            size = _EXCEPTION_SIZE
        elif not data.startswith(prefix[: len(data) - at], at):
            return self._give_up(data[at:], f"no answer to {_asked(exchange, index)}")
        elif at + size > len(data):
            return at
        elif stop:
            exchange.payload[start:stop] = data[at + DATA_AT : at + size]
        if position > 0:
            self._counters["reordered"] += 1
            self._overtaker = self._overtaker or _asked(exchange, index)
        del self._in_flight[position]
        exchange.answered(1)
        return at + size

    # the end

    def _give_up(self, data: bytes, text: str) -> int:
        if self._link.taps:
            self._link.trace("rx", data, frame_text(data, request=False))
        self._drop(f"the device sent {text} ({frame_text(data, request=False)})")
        return -1

    def _repeated(self, text: str) -> None:
        if self._together > 1:
            self._disordered(text)

    def _disordered(self, text: str) -> None:
        found = self._link.pipelining
        if found is not None and found.disordered(text):
            self._tell(found)

    def _drop(self, text: str) -> None:
        if not self.open:
            return
        found = self._link.pipelining
        if found is not None:
            together = self._together if self._group or self._in_flight else 0
            if found.lost(self._clock.monotonic(), together, text):
                self._tell(found)
        self.shut(text)
        self._on_end(self, text)

    def _tell(self, found: Pipelining) -> None:
        log.warning("fewer requests at once from now on", link=self._link.key, reason=found.reason)

    def shut(self, text: str) -> None:
        """End the connection; whoever waits gets an error."""
        self.open = False
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._take_apart()
        exchanges = [*(sent[4] for sent in self._in_flight), *self._waiting]
        self._in_flight.clear()
        self._waiting.clear()
        for exchange in exchanges:
            exchange.fail(text)


def _singles(exchange: Exchange, group: Group, number: int) -> list[_Sent]:
    return [
        ((number + i).to_bytes(2, "big") + step.head, step.size, step.start, step.stop, exchange, group.first + i)
        for i, step in enumerate(group.steps)
    ]


def _is_exception(data: bytes, at: int, prefix: bytes) -> bool:
    return data[at + 4 : at + 6] == b"\0\3" and data[at + 6] == prefix[6] and data[at + 7] == prefix[7] | 0x80


def _asked(exchange: Exchange, index: int) -> str:
    step = exchange.requests.steps[index]
    return f"{request_text(step.request)}, unit {step.unit}"
