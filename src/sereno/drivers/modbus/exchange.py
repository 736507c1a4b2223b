"""Requests compiled once, and one run of them over a link: what is sent, what must come back, where it goes."""

from __future__ import annotations

import asyncio
import struct
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from sereno.device import Link
from sereno.model import DeliveryError, NoAnswerError, NotConnectedError

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

    __slots__ = ("_frames", "_heads", "count", "size", "start", "stop", "unpack")

    def __init__(self, steps: Sequence[Step]) -> None:
        self.count = len(steps)
        self._frames = _Numbered([step.tail for step in steps])
        self._heads = _Numbered([step.head for step in steps])
        layout = "".join(f"{2 + len(step.head)}s{step.stop - step.start}s" for step in steps)
        self.unpack = struct.Struct(layout).unpack
        self.size = sum(step.size for step in steps)
        self.start, self.stop = steps[0].start, steps[-1].stop

    def frames(self, first_id: int) -> bytes:
        """All requests, numbered from `first_id` on."""
        return self._frames.numbered(first_id)

    def data(self, replies: bytes, first_id: int) -> bytes | None:
        """What belongs to `start:stop` of the payload; None unless these are exactly the replies, in order."""
        parts = self.unpack(replies)
        if b"".join(parts[::2]) != self._heads.numbered(first_id):
            return None
        return b"".join(parts[1::2])


class _Numbered:
    """Byte strings, each behind a 16-bit number that counts up."""

    __slots__ = ("_mask", "_size", "_template")

    def __init__(self, tails: Sequence[bytes]) -> None:
        template = b"".join(i.to_bytes(2, "big") + tail for i, tail in enumerate(tails))
        self._size = len(template)
        self._template = int.from_bytes(template, "big")
        self._mask = int.from_bytes(b"".join(b"\0\1" + bytes(len(tail)) for tail in tails), "big")

    def numbered(self, first: int) -> bytes:
        return (self._template + first * self._mask).to_bytes(self._size, "big")


class Requests:
    """Steps compiled once and run many times."""

    __slots__ = ("_groups", "steps")

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)
        self._groups: dict[tuple[int, int], Group] = {}

    def group(self, first: int, count: int) -> Group:
        """The group of `count` steps from `first` on."""
        found = self._groups.get((first, count))
        if found is None:
            found = self._groups[first, count] = Group(self.steps[first : first + count])
        return found


class Exchange:
    """One run of `requests`: replies land in `payload`, refusals in `exceptions` (step -> code).

    At most `depth` requests of it are on the way at once; each reply must come within `timeout` seconds of the
    one before. An urgent exchange goes before those that wait.
    """

    __slots__ = ("depth", "exceptions", "future", "left", "payload", "requests", "sent", "timeout", "urgent")

    def __init__(
        self, requests: Requests, payload: bytearray, timeout: float, depth: int = 1, *, urgent: bool = False
    ) -> None:
        self.requests = requests
        self.payload = payload
        self.depth = depth
        self.timeout = timeout
        self.urgent = urgent
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
        error: DeliveryError = NoAnswerError(text) if self.sent else NotConnectedError(f"not sent: {text}")
        if self.future is not None and not self.future.done():
            self.future.set_exception(error)

    def abandon(self) -> None:
        """Nobody waits any more: replies that still come go nowhere."""
        self.payload = bytearray(len(self.payload))


class ModbusLink(Link):
    """A line to one or more Modbus units."""

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter."""
        self.counters[name] = self.counters.get(name, 0) + n

    @abstractmethod
    async def run(self, exchange: Exchange) -> None:
        """Send it and wait for every reply. Raises NotConnectedError (nothing was sent), NoAnswerError."""

    async def request(self, unit: int, request: Request, timeout: float) -> Reply:
        """One request, ahead of waiting scans. Raises ValueError, NotConnectedError, NoAnswerError."""
        step = compile_step(unit, request)
        exchange = Exchange(Requests((step,)), bytearray(step.stop), timeout, urgent=True)
        await self.run(exchange)
        if exchange.exceptions:
            return ExceptionReply(request.function, exchange.exceptions[0])
        if step.stop:
            return DataReply(request.function, bytes(exchange.payload))
        return decode_reply(step.head[5:])
