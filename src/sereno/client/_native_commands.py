"""Commands over one connection: orders in one frame, acks as they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from sereno.model import Ack, NoAnswerError
from sereno.wire.messages import ack_in, read_acks
from sereno.wire.native import Flag, Kind, Received

from ._native_wire import Wire, checked


def follow(wire: Wire, body: bytes) -> AsyncIterator[tuple[int, Ack]]:
    """Send orders; their acks with the orders' positions, until there are no more.

    Raises NotConnectedError when they are not sent, the server's error, NoAnswerError when the connection is lost.
    """
    waiting: deque[Received | None] = deque()
    news = asyncio.Event()

    def take(frame: Received | None) -> None:
        waiting.append(frame)
        news.set()

    number = wire.follow(Kind.COMMAND, body, take)
    return _acks(wire, number, waiting, news)


async def _acks(
    wire: Wire, number: int, waiting: deque[Received | None], news: asyncio.Event
) -> AsyncIterator[tuple[int, Ack]]:
    try:
        while True:
            await news.wait()
            news.clear()
            while waiting:
                frame = waiting.popleft()
                if frame is None:
                    raise NoAnswerError(f"sent, and no conclusive reply: {wire.lost}")
                for one in read_acks(checked(frame).body):
                    yield one.position, ack_in(one)
                if frame.flags & Flag.LAST:
                    return
    finally:
        wire.unfollow(number)
