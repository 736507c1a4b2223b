"""Pictures by time: every period, or when nothing was told for a period."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from sereno.client import Present, ReadPlan, Update
from sereno.model import Clock


class Periodic:
    """Everything each `period` seconds, changed or not; a slow reader misses periods and is told how many."""

    def __init__(self, plan: ReadPlan, clock: Clock, period: float) -> None:
        self._plan = plan
        self._clock = clock
        self._period = period
        self._due = clock.monotonic()
        self._seq = 0

    def __aiter__(self) -> AsyncIterator[Update]:
        return self

    async def __anext__(self) -> Update:
        """The next picture, when it is due."""
        wait = self._due - self._clock.monotonic()
        if wait > 0:
            await self._clock.sleep(wait)
        missed = max(0, int((self._clock.monotonic() - self._due) / self._period))
        self._due += (missed + 1) * self._period
        self._seq += 1
        return whole(self._plan.present(), self._seq - 1, missed)


async def archived(
    changes: AsyncIterator[Update], plan: ReadPlan, clock: Clock, period: float
) -> AsyncIterator[Update]:
    """Changes as they come, and everything when none came for `period` seconds."""
    waiting: asyncio.Task[Update] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(_next(changes))
            with suppress(TimeoutError):
                async with clock.timeout(period):
                    await asyncio.wait((waiting,))
            if waiting.done():
                done, waiting = waiting, None
                with suppress(StopAsyncIteration):
                    yield done.result()
                    continue
                return
            yield whole(plan.present(), 0, 0)
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def _next(changes: AsyncIterator[Update]) -> Update:
    return await anext(changes)


def whole(present: Present, seq: int, dropped: int) -> Update:
    """A read as an update with everything in it."""
    return Update(
        seq=seq,
        t_hub=present.t_hub,
        snapshot=True,
        index=present.index,
        values=present.values,
        t_source=present.t_source,
        quality=present.quality,
        exact_rows=present.exact_rows,
        exact_values=present.exact_values,
        objects=present.objects,
        reasons=present.reasons,
        dropped=dropped,
    )
