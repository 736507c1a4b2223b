"""Samples of a tag become a Series: raw, or in buckets of mean, extremes and count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.client import Series
from sereno.model import Quality, ValueType

from .history import TagHistory
from .samples import F64, I64, Samples
from .tags import Definition
from .trend import Pieces, bucket_edges, cold_pieces

SLICE_ROWS = 1_000_000
_BAD = 0x8000


def raw_series(definition: Definition, history: TagHistory, start: int, end: int) -> Series:
    """Every sample in [start, end) after the one in force at `start`. Bad ones have no value."""
    return series_of(definition, history.between(start, end), history.known_until(end))


def series_of(definition: Definition, samples: Samples, known_until: int) -> Series:
    """A raw Series. Bad samples have no value."""
    last = int(samples.t[-1]) if len(samples) else 0
    bad = samples.quality >= _BAD
    exact = _exact(definition, samples)
    objects = None
    if not definition.is_row:
        objects = tuple(None if b else o for b, o in zip(bad.tolist(), samples.objects, strict=True))
    return Series(
        definition.path,
        definition.unit,
        samples.t,
        np.where(bad, np.nan, samples.values if exact is None else exact.astype(np.float64)),
        samples.quality,
        exact=exact,
        objects=objects,
        covered_until=max(last, known_until) if last else 0,
        type=definition.type.value,
        labels=definition.labels,
    )


def _exact(definition: Definition, samples: Samples) -> Any:
    if not definition.type.is_exact or not definition.is_row:
        return None
    return samples.exact.view(np.uint64) if definition.type is ValueType.UINT64 else samples.exact


class _Buckets:
    """Columns of a bucketed Series, filled piece by piece. `edges` has one more."""

    def __init__(self, edges: I64) -> None:
        self.edges = edges
        points = len(edges) - 1
        self.mean: F64 = np.full(points, np.nan)
        self.low: F64 = np.full(points, np.nan)
        self.high: F64 = np.full(points, np.nan)
        self.count: I64 = np.zeros(points, np.int64)
        self.quality: NDArray[np.uint16] = np.full(points, int(Quality.BAD), np.uint16)

    def fill(self, first: int, last: int, samples: Samples, known_until: int) -> None:
        """Buckets `first` to `last` (exclusive) from their samples, the one in force at the beginning among them."""
        edges = self.edges[first : last + 1]
        at = np.searchsorted(samples.t, edges)
        filled = np.flatnonzero(at[1:] > at[:-1])
        if len(filled):
            self._aggregate(first + filled, samples.take(slice(0, int(at[-1]))), at[filled])
        empty = np.flatnonzero((at[1:] == at[:-1]) & (at[:-1] > 0))
        self._hold(first + empty, samples.take(at[empty] - 1), known_until)

    def fill_pieces(self, last: int, pieces: Pieces) -> list[tuple[int, int]]:
        """The buckets before `last` from pieces; returns the ranges of buckets that have none."""
        at = np.searchsorted(pieces.t, self.edges[: last + 1])
        full = at[1:] > at[:-1]
        filled = np.flatnonzero(full)
        if len(filled):
            starts = at[filled]
            n = int(at[-1])
            count = np.add.reduceat(pieces.count[:n], starts)
            total = np.add.reduceat(pieces.total[:n], starts)
            self.count[filled] = count
            self.mean[filled] = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
            self.low[filled] = np.fmin.reduceat(pieces.low[:n], starts)
            self.high[filled] = np.fmax.reduceat(pieces.high[:n], starts)
            self.quality[filled] = np.maximum.reduceat(pieces.worst[:n], starts)
        turns = np.flatnonzero(np.diff(np.concatenate(([True], full, [True])).astype(np.int8)))
        return list(zip(turns[::2].tolist(), turns[1::2].tolist(), strict=True))

    def _aggregate(self, buckets: NDArray[np.intp], samples: Samples, starts: NDArray[np.intp]) -> None:
        usable = (samples.quality < _BAD) & np.isfinite(samples.values)
        values = np.where(usable, samples.values, np.nan)
        count = np.add.reduceat(usable.astype(np.int64), starts)
        total = np.add.reduceat(np.where(usable, samples.values, 0.0), starts)
        self.count[buckets] = count
        self.mean[buckets] = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
        self.low[buckets] = np.fmin.reduceat(values, starts)
        self.high[buckets] = np.fmax.reduceat(values, starts)
        self.quality[buckets] = np.maximum.reduceat(samples.quality, starts)

    def _hold(self, buckets: NDArray[np.intp], in_force: Samples, known_until: int) -> None:
        """Buckets without a sample have the value in force, count 0, as far as it is known."""
        known = self.edges[buckets] < known_until
        bad = in_force.quality >= _BAD
        value = np.where(known & ~bad, in_force.values, np.nan)
        self.mean[buckets] = self.low[buckets] = self.high[buckets] = value
        self.quality[buckets] = np.where(known | bad, in_force.quality, np.uint16(Quality.BAD))


def bucket_series(
    definition: Definition, history: TagHistory, start: int, end: int, *, points: int, check: Callable[[], None]
) -> Series:
    """`points` buckets of [start, end) with edges as in `bucket_edges`. Samples are read in slices of bounded size.

    `check` is called between slices and may raise to stop.
    """
    edges, whole = bucket_edges(start, end, points)
    buckets = _Buckets(edges)
    known_until = history.known_until(end)
    ranges = [(0, points)]
    if history.cold is not None and start >= history.rolled_from and (whole > 1 or history.cold.is_thinned(start, end)):
        cold = int(np.searchsorted(edges, history.hot_from(), "right")) - 1
        if cold > 0:
            pieces = cold_pieces(history.cold, history.tag, start, int(edges[cold]), whole)
            ranges = [*buckets.fill_pieces(cold, pieces), (cold, points)]
    while ranges:
        check()
        first, last = ranges.pop()
        t_first, t_last = int(buckets.edges[first]), int(buckets.edges[last])
        if last - first > 1 and history.count(t_first, t_last) > SLICE_ROWS:
            middle = (first + last) // 2
            ranges += [(first, middle), (middle, last)]
        elif t_first < t_last and first < last:
            buckets.fill(first, last, history.between(t_first, t_last), known_until)
    return Series(
        definition.path,
        definition.unit,
        buckets.edges[:-1],
        buckets.mean,
        buckets.quality,
        buckets.low,
        buckets.high,
        buckets.count,
        covered_until=known_until,
        type=definition.type.value,
        labels=definition.labels,
    )
