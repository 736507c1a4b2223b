"""Which stretch of time a cold file holds: a day in UTC, or where there is more than fits in memory, a part of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from sereno.historian.block import I64

from .kinds import ROLLUPS
from .manifest import ColdFile

DAY = 86_400 * 10**9
_PARTS = (1, 4, 24)
SLOT_ROWS = 8_000_000
"""A slot that is expected to hold more rows is divided, if it can be."""


class Division:
    """How days are divided into slots. A day that has files, or that was divided already, keeps its division, but where
    an import brings so much that it is divided more finely.
    """

    def __init__(self, files: Iterable[ColdFile], limit: int | None = None) -> None:
        self._files = tuple(files)
        self._lengths = {f.start // DAY: f.end - f.start for f in self._files}
        self._limit = SLOT_ROWS if limit is None else limit

    def expect(self, times: Iterable[I64], now: int) -> None:
        """Divide the days of these samples. How many a day will have is told from its first hours: `now` ends them."""
        counts: Counter[int] = Counter()
        for t in times:
            if len(t):
                counts.update(_days(t))
        for day, count in counts.items():
            self._lengths.setdefault(day, DAY // _parts(day * DAY, count, now, self._limit))

    def of_hours(self, rows: Mapping[int, int], thinned: Collection[int] = ()) -> list[tuple[int, int]]:
        """The slots that hold hours, given by their beginning with the number of rows that come in each.

        Days that are too much for their slots are divided more finely, but those with a slot of `thinned`.
        """
        days: Counter[int] = Counter()
        for start, count in rows.items():
            days[start // DAY] += count
        there: Counter[int] = Counter()
        for file in self._files:
            there[file.start // DAY] += 0 if file.kind in ROLLUPS else file.rows
        whole = {start // DAY for start in thinned}
        for day, count in days.items():
            length = DAY // _parts(day * DAY, count + there[day], (day + 1) * DAY, self._limit)
            if day not in whole or day not in self._lengths:
                self._lengths[day] = min(length, self._lengths.get(day, DAY))
        starts = {(start // length * length, length) for start in rows for length in (self._lengths[start // DAY],)}
        return sorted((start, start + length) for start, length in starts)

    def divided(self, days: Iterable[int]) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """The slots with files, of days (numbers since 1970), that are to be divided; and into which."""
        some = frozenset(days)
        found = {}
        for start, end in sorted({(f.start, f.end) for f in self._files if f.start // DAY in some}):
            length = self._lengths[start // DAY]
            if length < end - start:
                found[start, end] = [(at, at + length) for at in range(start, end, length)]
        return found

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
