"""Keeper: hands readings and totals of counters to whoever keeps them, every few seconds and at the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from sereno.model import Clock, SerenoError

from .totals import Totals

PERIOD = 5.0
"""Seconds. What is counted between two of them is not lost with the node: the next reading tells."""

log = structlog.get_logger(__name__)


class Keeper:
    """Keeps `totals.state()` through `keep`, which raises SerenoError."""

    def __init__(
        self, totals: Totals, keep: Callable[[dict[str, tuple[int, int]]], Awaitable[None]], clock: Clock
    ) -> None:
        self._totals = totals
        self._keep = keep
        self._clock = clock
        self._kept = totals.state()
        self._told = ""

    async def run(self) -> None:
        """Keep what has changed, until cancelled."""
        while True:
            await self._clock.sleep(PERIOD)
            await self.now()

    async def now(self) -> None:
        """Keep what has changed. A failure is logged once, and tried again the next time."""
        state = self._totals.state()
        if state == self._kept:
            return
        try:
            await self._keep(state)
        except SerenoError as error:
            if str(error) != self._told:
                log.warning("totals of counters were not kept", error=str(error))
            self._told = str(error)
        else:
            self._kept, self._told = state, ""
