"""Which stretch of time a cold file holds: a day in UTC, or where there is more than fits in memory, a part of one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from sereno.historian.block import I64

from .manifest import ColdFile

DAY = 86_400 * 10**9
_PARTS = (1, 4, 24)
SLOT_ROWS = 8_000_000
"""A slot that is expected to hold more rows is divided, if it can be."""


def slots_of(t: I64, files: Iterable[ColdFile], now: int, limit: int = SLOT_ROWS) -> list[tuple[int, int]]:
    """The slots [start, end) that hold the times `t`, in order. A day that has files keeps its division.

    How many rows a new day will have is told from those of its first hours, `now` being the end of what is known.
    """
    lengths = {f.start // DAY: f.end - f.start for f in files}
    days, counts = np.unique(t // DAY, return_counts=True)
    slots: list[tuple[int, int]] = []
    for day, count in zip(days.tolist(), counts.tolist(), strict=True):
        length = lengths.get(day) or DAY // _parts(day * DAY, count, now, limit)
        starts = np.unique(t[t // DAY == day] // length) if length < DAY else np.array([day])
        slots += [(int(start) * length, int(start + 1) * length) for start in starts.tolist()]
    return slots


def _parts(start: int, rows: int, now: int, limit: int) -> int:
    known = min(max(now - start, DAY // 24), DAY)
    expected = rows * DAY // known
    return next((parts for parts in _PARTS if expected <= parts * limit), _PARTS[-1])
