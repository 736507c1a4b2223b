"""JumpingClock: virtual time that only the jumping loop moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from sereno.model import Timer

EPOCH_NS = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z, where a jumping clock starts unless told otherwise."""


class JumpingClock:
    """A Clock for `run_jumping`: monotonic time starts at 0 and jumps to the next timer when all wait.

    The wall clock follows it, and may be stepped apart from it. Waiting raises RuntimeError on any other loop.
    """

    def __init__(self, *, epoch_ns: int = EPOCH_NS) -> None:
        self._now = 0.0
        self._wall0 = epoch_ns
        self._loop: asyncio.AbstractEventLoop | None = None

    def wall_ns(self) -> int:
        """See Clock."""
        return self._wall0 + round(self._now * 1e9)

    def monotonic(self) -> float:
        """See Clock."""
        return self._now

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward or (negative) back, as an operator or NTP does; monotonic time does not move."""
        self._wall0 += round(seconds * 1e9)

    async def sleep(self, seconds: float) -> None:
        """See Clock."""
        self._check()
        await asyncio.sleep(max(0.0, seconds))

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """See Clock."""
        self._check()
        return asyncio.timeout(seconds)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """See Clock."""
        return self._check().call_later(max(0.0, seconds), callback)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called by the loop that moves this clock."""
        self._loop = loop

    def advance(self, seconds: float) -> None:
        """Called by the loop when nothing happens before `seconds` have passed."""
        self._now += seconds

    def _check(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            raise RuntimeError("a JumpingClock only moves on its own loop; run the test with run_jumping or @jumping")
        return loop
