"""Freshness: silence is told. Groups that miss their stale_after turn stale, as a batch like any other.

Such a batch holds the last values and source times of the group with quality STALE, or NOT_CONNECTED where the
link is reported down, `complete=False`, and the seq of the last batch that the group delivered: nothing new was read.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sereno.model import Clock, GroupId, Quality, SampleBatch

from .groups import Groups
from .held import held_batch
from .table import LiveTable

INTERVAL = 0.1
MOST = 5
"""Intervals until it looks again at most, though nothing is due: a group that came meanwhile may be quicker."""
_SHORTEST = 0.005
_HELD_UP = 0.5


class Freshness:
    """Ages the groups by monotonic time. `publish` gets the batches of those that turned stale."""

    def __init__(self, table: LiveTable, groups: Groups, clock: Clock, publish: Callable[[SampleBatch], None]) -> None:
        self._table = table
        self._groups = groups
        self._clock = clock
        self._publish = publish
        self.marked = 0

    async def run(self) -> None:
        """Check to 100 ms, finer where a group's stale_after asks for it, until cancelled.

        When this very loop was held up, whole batches may wait to be read: it judges one interval later.
        """
        held_up = False
        while True:
            interval = self._interval()
            due = self._clock.monotonic() + interval
            await self._clock.sleep(interval)
            held_up = not held_up and self._clock.monotonic() - due > _HELD_UP
            if not held_up:
                self.check()

    def check(self) -> None:
        """Mark what is overdue now. A group once marked NOT_CONNECTED stays so until it answers."""
        groups = self._groups
        for group in groups.overdue(self._clock.monotonic()):
            down = groups.device(groups.specs[group].device).down
            code = Quality.NOT_CONNECTED if down else Quality.STALE
            if groups.marked[group] in (0, Quality.STALE) and groups.marked[group] != code:
                groups.marked[group] = code
                self.marked += 1
                self._publish(held_batch(self._table, groups, GroupId(group), code))

    def _interval(self) -> float:
        """As many intervals as pass before a group can be overdue: each batch that comes puts that off."""
        groups, n = self._groups, len(self._groups)
        shortest = groups.stale_after[:n].min(initial=np.inf)
        interval = float(max(_SHORTEST, min(INTERVAL, shortest / 4)))
        waits = groups.marked[:n] != Quality.NOT_CONNECTED
        due = (groups.last[:n] + groups.stale_after[:n])[waits].min(initial=np.inf) - self._clock.monotonic()
        return interval * max(1, int(min(MOST, due / interval))) if n else interval
