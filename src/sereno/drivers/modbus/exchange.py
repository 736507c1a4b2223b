"""Requests compiled once, and one run of them over a link: what is sent, what must come back, where it goes."""

from __future__ import annotations

import asyncio
import struct
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sereno.device import Link
from sereno.model import Clock, ExpiredError, NoAnswerError, NotConnectedError, RefusedError, SerenoError

from .pipelining import Pipelining
from .protocol import (
    HEADER_SIZE,
    DataReply,
    ExceptionReply,
    Read,
    ReadWrite,
    Reply,
    Request,
    decode_reply,
    reply_size,
)

DATA_AT = HEADER_SIZE + 2
"""Where the registers begin in a reply frame: transaction, protocol, length, unit, function, byte count."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request. `tail` follows the transaction id when it is sent; `head` must follow the id of the reply,
    `size` bytes in all; the data behind the head go to `start:stop` of the payload.
    """

    unit: int
    request: Request
    tail: bytes
    head: bytes
    size: int
    start: int
    stop: int


def compile_step(unit: int, request: Request, start: int = 0) -> Step:
    """The bytes of `request`. Raises ValueError outside the limits of the specification."""
    pdu = request.encode()
    answer = reply_size(request)
    if isinstance(request, Read | ReadWrite):
        head, data = bytes((request.function, answer - 2)), answer - 2
    else:
        head, data = pdu[:answer], 0
    size = HEADER_SIZE + answer
    return Step(unit, request, _header(unit, len(pdu)) + pdu, _header(unit, answer) + head, size, start, start + data)


def _header(unit: int, pdu_size: int) -> bytes:
    return struct.pack(">HHB", 0, pdu_size + 1, unit)


class Group:
    """Neighbouring steps that go out in one write and, where the device is as quick, come back in one read.

    A run of transaction ids is put into all frames by one addition of large integers: the template holds the ids
    0, 1, 2 ..., and `mask` a 1 where each id stands.
    """

    __slots__ = ("_frames", "_heads", "_unpack", "count", "first", "size", "start", "steps", "stop")

    def __init__(self, steps: Sequence[Step], first: int) -> None:
        self.steps = steps
        self.first = first
        self.count = len(steps)
        self.size = sum(step.size for step in steps)
        self.start, self.stop = steps[0].start, steps[-1].stop
        layout = "".join(f"{2 + len(step.head)}s{step.stop - step.start}s" for step in steps)
        self._unpack = struct.Struct(layout).unpack
        self._frames = _template([step.tail for step in steps])
        self._heads = _template([step.head for step in steps])

    def frames(self, first_id: int) -> bytes:
        """All requests, numbered from `first_id` on."""
        template, mask, size = self._frames
        return (template + first_id * mask).to_bytes(size, "big")

    def data(self, replies: bytes, first_id: int) -> bytes | None:
        """What belongs to `start:stop` of the payload; None unless these are exactly the replies, in order."""
        if len(replies) != self.size:
            return None
        parts = self._unpack(replies)
        template, mask, size = self._heads
        if b"".join(parts[::2]) != (template + first_id * mask).to_bytes(size, "big"):
            return None
        return b"".join(parts[1::2])


def _template(tails: Sequence[bytes]) -> tuple[int, int, int]:
    """Byte strings behind 16-bit numbers 0, 1, 2 ... as one integer; the mask; the size in bytes."""
    numbered = b"".join(i.to_bytes(2, "big") + tail for i, tail in enumerate(tails))
    mask = b"".join(b"\0\1" + bytes(len(tail)) for tail in tails)
    return int.from_bytes(numbered, "big"), int.from_bytes(mask, "big"), len(numbered)


class Requests:
    """Steps compiled once and run many times."""

    __slots__ = ("_groups", "count", "steps")

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        self.count = len(self.steps)
        self._groups: dict[tuple[int, int], Group] = {}

    def group(self, first: int, count: int) -> Group:
        """The group of `count` steps from `first` on."""
        found = self._groups.get((first, count))
        if found is None:
            found = self._groups[first, count] = Group(self.steps[first : first + count], first)
        return found


def _nothing() -> None:
    """For what nobody checks."""


class Exchange:
    """One run of `requests`: replies land in `payload`, refusals in `exceptions` (step -> code).

    At most `depth` requests of it are on the way at once; each reply must come within `timeout` seconds of the
    one before. An urgent exchange goes before those that wait; one that still waits at `deadline` is not sent. `check`
    is called when it has waited; what it raises keeps it from being sent.
    """

    __slots__ = (
        "check",
        "deadline",
        "depth",
        "exceptions",
        "future",
        "left",
        "payload",
        "requests",
        "sent",
        "timeout",
        "urgent",
    )

    def __init__(
        self,
        requests: Requests,
        payload: bytearray,
        timeout: float,
        depth: int = 1,
        *,
        urgent: bool = False,
        deadline: float | None = None,
        check: Callable[[], None] = _nothing,
    ) -> None:
        self.check = check
        self.requests = requests
        self.payload = payload
        self.depth = depth
        self.timeout = timeout
        self.urgent = urgent
        self.deadline = deadline
        self.sent = 0
        self.left = len(requests.steps)
        self.exceptions: dict[int, int] = {}
        self.future: asyncio.Future[None] | None = None

    def answered(self, count: int) -> None:
        """So many more steps were answered; the last one ends the wait."""
        self.left -= count
        if self.left == 0 and self.future is not None and not self.future.done():
            self.future.set_result(None)

    def fail(self, text: str) -> None:
        """The connection is gone, with the reason in words."""
        self._end(NoAnswerError(text) if self.sent else NotConnectedError(f"not sent: {text}"))

    def withheld(self, clock: Clock) -> bool:
        """True if it may not be sent any more; who waits for it is told."""
        if self.sent:
            return False
        try:
            self.begin(clock)
        except (ExpiredError, RefusedError) as error:
            self._end(error)
            return True
        return False

    def begin(self, clock: Clock) -> None:
        """Right before the first request. Raises ExpiredError, RefusedError where it may not be sent any more."""
        if self.deadline is not None and clock.monotonic() >= self.deadline:
            raise ExpiredError("its time was over while it waited for the line")
        self.check()

    def _end(self, error: SerenoError) -> None:
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)

    def abandon(self) -> None:
        """Nobody waits any more: replies that still come go nowhere."""
        self.payload = bytearray(len(self.payload))


class ModbusLink(Link):
    """A line to one or more Modbus units. `pipelining` is there where a device asks to find out what it takes."""

    pipelining: Pipelining | None = None

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter."""
        self.counters[name] = self.counters.get(name, 0) + n

    @abstractmethod
    async def run(self, exchange: Exchange) -> None:
        """Send it and wait for every reply. Raises NotConnectedError (nothing was sent), NoAnswerError."""

    async def request(
        self,
        unit: int,
        request: Request,
        timeout: float,
        deadline: float | None = None,
        check: Callable[[], None] = _nothing,
    ) -> Reply:
        """One request, ahead of waiting scans. Raises ValueError, NotConnectedError, ExpiredError, NoAnswerError, and
        what `check` raises (RefusedError) when the line is free.
        """
        step = compile_step(unit, request)
        room = bytearray(step.stop)
        exchange = Exchange(Requests((step,)), room, timeout, urgent=True, deadline=deadline, check=check)
        await self.run(exchange)
        if exchange.exceptions:
            return ExceptionReply(request.function, exchange.exceptions[0])
        if step.stop:
            return DataReply(request.function, bytes(exchange.payload))
        return decode_reply(step.head[5:])
