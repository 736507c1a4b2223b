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


class Exchange:
    """One run of `steps`: replies land in `payload`, refusals in `exceptions` (step -> code).

    At most `depth` requests of it are on the way at once; each reply must come within `timeout` seconds of the
    one before. An urgent exchange goes before those that wait.
    """

    __slots__ = ("depth", "exceptions", "future", "left", "payload", "sent", "steps", "timeout", "urgent")

    def __init__(
        self, steps: Sequence[Step], payload: bytearray, timeout: float, depth: int = 1, urgent: bool = False
    ) -> None:
        self.steps = steps
        self.payload = payload
        self.depth = depth
        self.timeout = timeout
        self.urgent = urgent
        self.sent = 0
        self.left = len(steps)
        self.exceptions: dict[int, int] = {}
        self.future: asyncio.Future[None] | None = None

    def finish(self) -> None:
        """Every step was answered."""
        if self.future is not None and not self.future.done():
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
        exchange = Exchange((step,), bytearray(step.stop), timeout, urgent=True)
        await self.run(exchange)
        if exchange.exceptions:
            return ExceptionReply(request.function, exchange.exceptions[0])
        if step.stop:
            return DataReply(request.function, bytes(exchange.payload))
        return decode_reply(step.head[5:])
