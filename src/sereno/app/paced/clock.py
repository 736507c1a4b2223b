"""PacedClock: virtual time that passes only while everybody waits, and no faster than it may."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Any

from sereno.model import Clock, SystemClock, Timer

BEHIND = 0.25
"""Real seconds by which it may be late and catch up; what is more is not caught up, the whole is slower then."""


class PacedClock:
    """A Clock that its loop moves from timer to timer, at most `speed` seconds in a real one (0: as fast as it goes).

    `real` is the clock that paces it. Timers of the same moment fire in the order in which they were set.
    """

    def __init__(self, epoch_ns: int, speed: float = 0.0, *, real: Clock | None = None) -> None:
        self._real = real or SystemClock()
        self._now = 0.0
        self._wall0 = epoch_ns
        self._timers: list[tuple[float, int, _Timer]] = []
        self._numbers = itertools.count()
        self._speed = _checked(speed)
        self._anchor = (0.0, self._real.monotonic())

    @property
    def speed(self) -> float:
        """Seconds of this clock in a real one at most; 0 is as fast as it goes."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._speed = _checked(speed)
        self._anchor = (self._now, self._real.monotonic())

    def wall_ns(self) -> int:
        """See Clock."""
        return self._wall0 + round(self._now * 1e9)

    def monotonic(self) -> float:
        """See Clock; 0 when it was made."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """See Clock."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        over = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, partial(_end, over))
        try:
            await over
        finally:
            timer.cancel()

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """See Clock."""
        return _Within(self, seconds)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """See Clock."""
        timer = _Timer(self._now + max(0.0, seconds), callback)
        heapq.heappush(self._timers, (timer.when, next(self._numbers), timer))
        return timer

    # ---- for the loop that moves it

    def due_in(self) -> float | None:
        """Real seconds until the next timer may fire, 0 if it may now; None without one."""
        timer = self._next()
        if timer is None:
            return None
        if not self._speed:
            return 0.0
        return max(0.0, (timer.when - self._allowed(timer)) / self._speed)

    def jump(self) -> list[Callable[[], object]]:
        """Go to the next timer; what is to be called, all timers of that moment."""
        timer = self._next()
        if timer is None:
            return []
        self._now = max(self._now, timer.when)
        calls = []
        while timer is not None and timer.when <= self._now and timer.callback is not None:
            heapq.heappop(self._timers)
            calls.append(timer.callback)
            timer.callback = None
            timer = self._next()
        return calls

    def follow(self) -> None:
        """Let the time that has really passed pass here too, up to the next timer."""
        if not self._speed:
            return
        timer = self._next()
        allowed = self._allowed(timer)
        self._now = max(self._now, allowed if timer is None else min(allowed, timer.when))

    def _allowed(self, timer: _Timer | None) -> float:
        """How far it may be by now, with this timer next; how late that one is counts as the machine's slowness."""
        virtual, real = self._anchor
        present = self._real.monotonic()
        allowed = virtual + (present - real) * self._speed
        if timer is not None and allowed - timer.when > BEHIND * self._speed:
            allowed = timer.when + BEHIND * self._speed
            self._anchor = (allowed, present)
        return allowed

    def _next(self) -> _Timer | None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        return self._timers[0][2] if self._timers else None


class _Timer:
    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Callable[[], object]) -> None:
        self.when = when
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """See Timer."""
        self.callback = None


class _Within:
    """asyncio's timeout, expired by a timer of the clock."""

    def __init__(self, clock: PacedClock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._timeout = asyncio.timeout(None)
        self._timer: Timer | None = None

    async def __aenter__(self) -> asyncio.Timeout:
        loop = asyncio.get_running_loop()
        await self._timeout.__aenter__()
        self._timer = self._clock.call_later(self._seconds, partial(self._expire, loop))
        return self._timeout

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timeout.reschedule(loop.time())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await self._timeout.__aexit__(kind, error, trace)


class DatedClock:
    """Dates of one clock, rhythm of another: for what talks to people while the plant's time passes faster."""

    def __init__(self, dates: Clock, rhythm: Clock) -> None:
        self._dates = dates
        self._rhythm = rhythm

    def wall_ns(self) -> int:
        """See Clock."""
        return self._dates.wall_ns()

    def monotonic(self) -> float:
        """See Clock."""
        return self._rhythm.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See Clock."""
        await self._rhythm.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """See Clock."""
        return self._rhythm.timeout(seconds)

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """See Clock."""
        return self._rhythm.call_later(seconds, callback)


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _checked(speed: float) -> float:
    if not (speed == 0 or 1 <= speed < float("inf")):
        raise ValueError(f"a speed of {speed:g}, expected 1 or more seconds in a real one, or 0: as fast as it goes")
    return float(speed)
