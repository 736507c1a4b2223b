"""Conditions over time: on and off delay, and count in time, as columns. Time is an argument, in seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sereno.client import AlarmSpec

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]
_NONE: Rows = np.empty(0, np.intp)


class Delays:
    """Which conditions have lasted: `standing` is the answer, `raw` what was last said."""

    def __init__(self, specs: Sequence[AlarmSpec]) -> None:
        self._on = np.array([spec.on_delay for spec in specs], np.float64)
        self._off = np.array([spec.off_delay for spec in specs], np.float64)
        self._count = np.array([spec.count for spec in specs], np.int32)
        self._window = np.array([spec.window for spec in specs], np.float64)
        self._raised: dict[int, deque[float]] = {}
        self.raw = np.zeros(len(specs), np.bool_)
        self.standing = np.zeros(len(specs), np.bool_)
        self._due = np.full(len(specs), np.inf)
        self.next_due = np.inf

    def restore(self, standing: Mask) -> None:
        """Begin with these conditions, as before a restart."""
        self.standing[:] = standing
        self.raw[:] = standing

    def carry_over(self, before: Delays, to: Rows, source: Rows) -> None:
        """Have in the rows `to` what others have in their rows `source`; what is under way keeps its end."""
        self.raw[to], self.standing[to] = before.raw[source], before.standing[source]
        self._due[to] = before._due[source]
        rows = dict(zip(source.tolist(), to.tolist(), strict=True))
        self._raised |= {rows[old]: times for old, times in before._raised.items() if old in rows}
        self.next_due = float(self._due.min(initial=np.inf))

    def feed(self, rows: Rows, there: Mask, now: float) -> Rows:
        """What was said at `now`, which never goes back, each row once; returns the rows whose `standing` changed."""
        turned = there != self.raw[rows]
        self.raw[rows] = there
        rows, there = rows[turned], there[turned]
        if not rows.size:
            return _NONE
        counted = self._often_enough(rows, there, now)
        towards = (there != self.standing[rows]) & counted
        delay = np.where(there, self._on[rows], self._off[rows])
        at_once = towards & (delay <= 0)
        self._due[rows] = np.where(towards & ~at_once, now + delay, np.inf)
        self.next_due = float(self._due.min())
        return self._flipped(rows[at_once])

    def due(self, now: float) -> Rows:
        """The rows whose delay is over; their `standing` changed."""
        if now < self.next_due:
            return _NONE
        rows = np.flatnonzero(self._due <= now)
        self._due[rows] = np.inf
        self.next_due = float(self._due.min())
        return self._flipped(rows)

    def _flipped(self, rows: Rows) -> Rows:
        self.standing[rows] ^= True
        return rows

    def _often_enough(self, rows: Rows, there: Mask, now: float) -> Mask:
        """A raise counts only as the n-th within the window; the end of a condition always does."""
        enough = np.ones(len(rows), np.bool_)
        for at in np.flatnonzero(there & (self._count[rows] > 1)).tolist():
            row = int(rows[at])
            times = self._raised.setdefault(row, deque(maxlen=int(self._count[row])))
            times.append(now)
            enough[at] = len(times) == times.maxlen and now - times[0] <= self._window[row]
        return enough
