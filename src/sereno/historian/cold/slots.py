"""Which stretch of time a cold file holds: a day in UTC, or where there is more than fits in memory, a part of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from sereno.historian.block import I64

from .manifest import ColdFile

DAY = 86_400 * 10**9
_PARTS = (1, 4, 24)
SLOT_ROWS = 8_000_000
"""A slot that is expected to hold more rows is divided, if it can be."""


class Division:
    """How days are divided into slots. A day that has files, or that was divided already, keeps its division."""

    def __init__(self, files: Iterable[ColdFile], limit: int = SLOT_ROWS) -> None:
        self._lengths = {f.start // DAY: f.end - f.start for f in files}
        self._limit = limit

    def expect(self, times: Iterable[I64], now: int) -> None:
        """Divide the days of these samples. How many a day will have is told from its first hours: `now` ends them."""
        counts: Counter[int] = Counter()
        for t in times:
            if len(t):
                counts.update(_days(t))
        for day, count in counts.items():
            self._lengths.setdefault(day, DAY // _parts(day * DAY, count, now, self._limit))

    def of_hours(self, rows: Mapping[int, int]) -> list[tuple[int, int]]:
        """The slots that hold hours, given by their beginning with the number of rows that come in each."""
        days: Counter[int] = Counter()
        for start, count in rows.items():
            days[start // DAY] += count
        for day, count in days.items():
            self._lengths.setdefault(day, DAY // _parts(day * DAY, count, (day + 1) * DAY, self._limit))
        starts = {(start // length * length, length) for start in rows for length in (self._lengths[start // DAY],)}
        return sorted((start, start + length) for start, length in starts)

    def slots(self, times: Iterable[I64]) -> list[tuple[int, int]]:
        """The slots [start, end) that hold these times, in order."""
        found: set[tuple[int, int]] = set()
        for t in times:
            if len(t):
                for day in _days(t):
                    found.update(self._of_day(day, t))
        return sorted(found)

    def _of_day(self, day: int, t: I64) -> list[tuple[int, int]]:
        length = self._lengths.get(day, DAY)
        if length == DAY:
            return [(day * DAY, (day + 1) * DAY)]
        starts = np.unique(t[t // DAY == day] // length).tolist()
        return [(start * length, (start + 1) * length) for start in starts]


def _days(t: I64) -> dict[int, int]:
    """How many of some times are in which day."""
    first, last = int(t.min()) // DAY, int(t.max()) // DAY
    if first == last:
        return {first: len(t)}
    days, counts = np.unique(t // DAY, return_counts=True)
    return dict(zip(days.tolist(), counts.tolist(), strict=True))


def _parts(start: int, rows: int, now: int, limit: int) -> int:
    known = min(max(now - start, DAY // 24), DAY)
    expected = rows * DAY // known
    return next((parts for parts in _PARTS if expected <= parts * limit), _PARTS[-1])
