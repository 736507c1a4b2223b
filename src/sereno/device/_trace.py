"""Traces of a link: a tap with a bounded queue, there only while somebody looks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from sereno.client import TraceLine

from ._driver import Link

TRACE_LIMIT = 1000
"""Lines that may wait for a slow reader."""


async def trace_link(link: Link, *, limit: int = TRACE_LIMIT) -> AsyncIterator[TraceLine]:
    """Frames of `link` from the first request for one on; the tap goes when the iterator is closed.

    For a slow reader the newest lines are left out, and a "note" says how many.
    """
    lines: deque[TraceLine] = deque()
    news = asyncio.Event()
    dropped = 0

    def tap(line: TraceLine) -> None:
        nonlocal dropped
        if len(lines) < limit:
            lines.append(line)
        else:
            dropped += 1
        news.set()

    link.taps.add(tap)
    try:
        while True:
            while lines:
                yield lines.popleft()
            if dropped:
                count, dropped = dropped, 0
                now = link.environment.clock.wall_ns()
                yield TraceLine(now, link.key, "note", b"", f"{count} frames left out, the reader is too slow")
                continue
            news.clear()
            await news.wait()
    finally:
        link.taps.discard(tap)
