"""The one place that reads time and sleeps; everything else gets a Clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol


class Timer(Protocol):
    """What `Clock.call_later` returns."""

    def cancel(self) -> None:
        """Do not fire."""


class Clock(Protocol):
    """Wall time for stamps, monotonic time for everything that is measured or waited for."""

    def wall_ns(self) -> int:
        """Nanoseconds UTC since 1970. May jump."""

    def monotonic(self) -> float:
        """Seconds; never goes back, unaffected by the wall clock."""

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of monotonic time."""

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Context in which a longer stay raises TimeoutError."""

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call from the loop after `seconds`."""


class SystemClock:
    """The machine's clocks and the running loop's timers."""

    def wall_ns(self) -> int:
        """See Clock."""
        return time.time_ns()

    def monotonic(self) -> float:
        """See Clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See Clock."""
        await asyncio.sleep(max(0.0, seconds))

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """See Clock."""
        return asyncio.timeout(seconds)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """See Clock."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds), callback)


class ScaledClock:
    """Real sockets, `factor` times faster: a minute passes in 60/factor seconds. Not repeatable bit for bit."""

    def __init__(self, factor: float, *, epoch_ns: int | None = None) -> None:
        if factor <= 0:
            raise ValueError(f"factor {factor} of a scaled clock, expected more than 0")
        self.factor = factor
        self._wall0 = time.time_ns() if epoch_ns is None else epoch_ns
        self._mono0 = time.monotonic()

    def wall_ns(self) -> int:
        """See Clock."""
        return self._wall0 + int((self.monotonic() - self._mono0) * 1e9)

    def monotonic(self) -> float:
        """See Clock."""
        return self._mono0 + (time.monotonic() - self._mono0) * self.factor

    async def sleep(self, seconds: float) -> None:
        """See Clock."""
        await asyncio.sleep(max(0.0, seconds) / self.factor)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """See Clock."""
        return _scaled_timeout(seconds / self.factor)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """See Clock."""
        return asyncio.get_running_loop().call_later(max(0.0, seconds) / self.factor, callback)


@asynccontextmanager
async def _scaled_timeout(seconds: float) -> AsyncIterator[None]:
    async with asyncio.timeout(seconds):
        yield
