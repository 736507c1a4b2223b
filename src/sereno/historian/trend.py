"""Long trends: buckets of whole minutes, hours or days out of roll-ups, where everything asked is cold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cold.blocks import Columns
from .cold.kinds import ROLLUPS
from .cold.view import ColdView
from .samples import F64, I64, Samples

_BAD = 0x8000
_LEAST = 8
_COLUMNS = ("t", "count", "sum", "min", "max", "worst")


def bucket_edges(start: int, end: int, points: int) -> tuple[I64, int]:
    """The edges of `points` buckets of [start, end), one more than these, and the ns of which the inner ones are whole.

    Buckets of at least 8 minutes (hours, days in UTC) have edges at whole minutes (hours, days): roll-ups answer them.
    """
    edges: I64 = np.array([start + (end - start) * i // points for i in range(points + 1)], np.int64)
    for seconds in sorted(ROLLUPS.values(), reverse=True):
        whole = seconds * 10**9
        if end - start >= _LEAST * whole * points:
            inner = (edges[1:-1] + whole // 2) // whole * whole
            edges[1:-1] = np.clip(inner, start, end)
            return edges, whole
    return edges, 1


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """What stretches of time amount to, by time: roll-ups, or samples as they are."""

    t: I64
    count: I64
    total: F64
    low: F64
    high: F64
    worst: NDArray[np.uint16]


def cold_pieces(cold: ColdView, tag: int, start: int, end: int, whole: int) -> Pieces:
    """Everything cold in [start, end): roll-ups of at most `whole` ns where there are any, else samples."""
    found = list(_pieces(cold, tag, start, end, whole))
    if not found:
        return _of_samples(cold.between(tag, 0, 0))
    return Pieces(
        np.concatenate([p.t for p in found]),
        np.concatenate([p.count for p in found]),
        np.concatenate([p.total for p in found]),
        np.concatenate([p.low for p in found]),
        np.concatenate([p.high for p in found]),
        np.concatenate([p.worst for p in found]),
    )


def _pieces(cold: ColdView, tag: int, start: int, end: int, whole: int) -> Iterator[Pieces]:
    for slot_start, slot_end in cold.slots(start, end):
        first, last = max(start, slot_start), min(end, slot_end)
        inner_first, inner_last = -(-first // whole) * whole, last // whole * whole
        rolled = cold.rolled_for(tag, slot_start, whole, _COLUMNS) if inner_first < inner_last else None
        if rolled is None:
            yield _of_samples(cold.between(tag, first, last))
            continue
        if first < inner_first:
            yield _of_samples(cold.between(tag, first, inner_first))
        yield _between(rolled, inner_first, inner_last)
        if inner_last < last:
            yield _of_samples(cold.between(tag, inner_last, last))


def _between(columns: Columns, start: int, end: int) -> Pieces:
    a, b = np.searchsorted(columns["t"], [start, end]).tolist()
    t, count, total, low, high, worst = (columns[name][a:b] for name in _COLUMNS)
    return Pieces(t, count, total, low, high, worst)


def _of_samples(samples: Samples) -> Pieces:
    usable = (samples.quality < _BAD) & np.isfinite(samples.values)
    known = np.where(usable, samples.values, np.nan)
    total = np.where(usable, samples.values, 0.0)
    return Pieces(samples.t, usable.astype(np.int64), total, known, known, samples.quality)
