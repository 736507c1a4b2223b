"""Freshness: silence is told. Groups that miss their stale_after turn stale, as a batch like any other.

Such a batch holds the last values and source times of the group with quality STALE, or NOT_CONNECTED where the
link is reported down, `complete=False`, and the seq of the last batch that the group delivered: nothing new was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import structlog

from sereno.model import Clock, GroupId, Quality, SampleBatch, severity

from .groups import Groups
from .held import held_batch
from .table import LiveTable

INTERVAL = 0.1
MOST = 5
"""Intervals until it looks again at most, though nothing is due: a group that came meanwhile may be quicker."""
_SHORTEST = 0.005
_HELD_UP = 0.5
LATE = 5.0
"""Seconds after which nobody may take it that values are looked after."""
_TURN = 1.0
"""Seconds that whoever publishes leaves to the task, which may only have been held up."""
_TOLD_AGAIN = 60.0
_log = structlog.get_logger(__name__)


class Freshness:
    """Ages the groups by monotonic time. `publish` gets the batches of those that turned stale.

    It does not depend on its task: a look that fails is told and repeated at the next interval, and if nobody has
    looked for LATE seconds, who reads or publishes does. What cannot be judged or told is stale for who reads.
    """

    def __init__(self, table: LiveTable, groups: Groups, clock: Clock, publish: Callable[[SampleBatch], None]) -> None:
        self._table = table
        self._groups = groups
        self.clock = self._clock = clock
        self._publish = publish
        self.marked = 0
        self.failures = 0
        self._looked = clock.monotonic()
        self._noticed = np.inf
        self._told = -np.inf

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
                self.look()

    def look(self) -> None:
        """Check, and go on if that fails: then what it is about is stale without being told."""
        self._looked, self._noticed = self._clock.monotonic(), np.inf
        try:
            self.check()
        except Exception:  # noqa: BLE001 - the boundary of the freshness task: it must go on
            if self._failed():
                _log.exception("task failed", task="freshness", failures=self.failures)
            self._doubt(range(len(self._groups)))

    def before_reading(self) -> None:
        """Look, if nobody has: a value that is read is not good because a task has ended."""
        if self._clock.monotonic() - self._looked > LATE:
            self.look()

    def while_publishing(self) -> None:
        """As `before_reading`, when the task has had its turn: batches of others may be waiting to be read."""
        now = self._clock.monotonic()
        if now - self._looked > LATE:
            self._noticed = min(self._noticed, now)
            if now - self._noticed >= _TURN:
                self.look()

    def check(self) -> None:
        """Mark what is overdue now. A group once marked NOT_CONNECTED stays so until it answers."""
        groups = self._groups
        for group in groups.overdue(self._clock.monotonic()):
            down = groups.device(groups.specs[group].device).down
            code = Quality.NOT_CONNECTED if down else Quality.STALE
            if groups.marked[group] in (0, Quality.STALE) and groups.marked[group] != code:
                self._mark(group, code)

    def _mark(self, group: int, code: Quality) -> None:
        """A group that cannot be told is stale at least, and keeps no other from being told; it is tried again."""
        before = self._groups.marked[group]
        self._groups.marked[group] = code
        try:
            self._publish(held_batch(self._table, self._groups, GroupId(group), code))
            self.marked += 1
        except Exception:  # noqa: BLE001 - the boundary of the freshness task: the other groups must be told
            self._groups.marked[group] = before
            if self._failed():
                _log.exception("task failed", task="freshness", failures=self.failures)
            self._doubt((group,))

    def _doubt(self, groups: Iterable[int]) -> None:
        """Let those of their values that are not bad be stale for who reads."""
        quality = self._table.quality
        for group in groups:
            spec = self._groups.specs[group]
            for handle in (*spec.index.handles.tolist(), *spec.object_handles):
                if severity(int(quality[handle])) != "bad":
                    quality[handle] = Quality.STALE

    def _failed(self) -> bool:
        """Count it; whether it is time to tell."""
        self.failures += 1
        now = self._clock.monotonic()
        tell = now - self._told >= _TOLD_AGAIN
        self._told = now if tell else self._told
        return tell

    def _interval(self) -> float:
        """As many intervals as pass before a group can be overdue: each batch that comes puts that off."""
        groups, n = self._groups, len(self._groups)
        shortest = groups.stale_after[:n].min(initial=np.inf)
        interval = float(max(_SHORTEST, min(INTERVAL, shortest / 4)))
        waits = groups.marked[:n] != Quality.NOT_CONNECTED
        due = (groups.last[:n] + groups.stale_after[:n])[waits].min(initial=np.inf) - self._clock.monotonic()
        return interval * max(1, int(min(MOST, due / interval))) if n else interval
