"""Aggregates of numbers, filled stretch by stretch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.samples import F64, I64

from .held import held
from .stretch import Blocks, Stretch

FROM_ROLLUPS = frozenset(("count", "mean", "time_mean", "min", "max", "first", "last", "good", "total"))
"""What roll-ups suffice for."""


class Sums:
    """Of the buckets between `edges`. Feed the stretches in order of time, then `finish`."""

    def __init__(self, edges: I64) -> None:
        n = len(edges) - 1
        self.edges = edges
        self.count: I64 = np.zeros(n, np.int64)
        self.total, self.integral, self.good = np.zeros(n), np.zeros(n), np.zeros(n)
        self.low, self.high, self.first, self.last = (np.full(n, np.nan) for _ in range(4))
        self.met, self.blurred = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        self._n, self._mean, self._m2 = np.zeros(n), np.zeros(n), np.zeros(n)
        self.increase: F64 = np.full(n, np.nan)
        self.changes: I64 = np.zeros(n, np.int64)
        self._held_t: I64 = np.empty(0, np.int64)
        self._held_value: F64 = np.empty(0)
        self._before = np.nan

    def feed(self, stretch: Stretch) -> None:
        """Take the next stretch; the value before it holds until its first one."""
        new = slice(int(np.searchsorted(stretch.t, stretch.start)) if len(self._held_t) else 0, None)
        t, value = stretch.t[new], stretch.value[new]
        if len(t):
            steps = np.concatenate((self._held_t, t))
            values = np.concatenate((self._held_value, value))
            self._hold(steps[:-1], values[:-1], int(steps[-1]))
            self._held_t, self._held_value = steps[-1:], values[-1:]
        self._take(stretch.blocks)
        if stretch.samples is None:
            self.blurred[np.searchsorted(self.edges, stretch.blocks.t, "right") - 1] = True
        if stretch.samples is not None:
            self._follow(t, value)

    def finish(self, until: int) -> None:
        """The last value is known to hold `until`."""
        self._hold(self._held_t, self._held_value, until)

    def columns(self) -> dict[str, NDArray[Any]]:
        """Every aggregate by its name; `total` in value times seconds."""
        lengths = np.diff(self.edges) * 1e-9
        return {
            "count": self.count,
            "mean": _ratio(self.total, self.count),
            "time_mean": _ratio(self.integral, self.good),
            "min": self.low,
            "max": self.high,
            "std": np.sqrt(_ratio(self._m2, np.where((self._n > 1) & ~self.blurred, self._n - 1, 0))),
            "first": self.first,
            "last": self.last,
            "good": self.good / lengths,
            "total": np.where(self.good > 0, self.integral, np.nan),
            "increase": np.where(self.blurred, np.nan, self.increase),
            "changes": self.changes,
        }

    def _hold(self, t: I64, value: F64, until: int) -> None:
        holds = held(t, self.edges, until)
        if not len(holds.bucket):
            return
        starts = holds.starts
        at, values = holds.bucket[starts], value[holds.which]
        known = np.isfinite(values)
        seconds = np.where(known, holds.seconds, 0.0)
        self.integral[at] += np.add.reduceat(np.where(known, values, 0.0) * seconds, starts)
        self.good[at] += np.add.reduceat(seconds, starts)
        self.low[at] = np.fmin(self.low[at], np.fmin.reduceat(values, starts))
        self.high[at] = np.fmax(self.high[at], np.fmax.reduceat(values, starts))

    def _take(self, blocks: Blocks) -> None:
        bucket = np.searchsorted(self.edges, blocks.t, "right") - 1
        if not len(bucket):
            return
        starts = np.flatnonzero(np.append(True, bucket[1:] != bucket[:-1]))
        at, ends = bucket[starts], np.append(starts[1:], len(bucket)) - 1
        self.count[at] += np.add.reduceat(blocks.count, starts)
        self.total[at] += np.add.reduceat(blocks.total, starts)
        self.integral[at] += np.add.reduceat(blocks.integral, starts)
        self.good[at] += np.add.reduceat(blocks.good, starts)
        self.low[at] = np.fmin(self.low[at], np.fmin.reduceat(blocks.low, starts))
        self.high[at] = np.fmax(self.high[at], np.fmax.reduceat(blocks.high, starts))
        self.first[at] = np.where(self.met[at], self.first[at], blocks.first[starts])
        self.last[at], self.met[at] = blocks.last[ends], True

    def _follow(self, t: I64, value: F64) -> None:
        """What is not in roll-ups: deviation, increments, changes. `t` may begin before the first edge."""
        known = np.isfinite(value)
        t, value = t[known], value[known]
        if not len(t):
            return
        before = np.concatenate(([self._before], value[:-1]))
        self._before = float(value[-1])
        inside = (t >= self.edges[0]) & (t < self.edges[-1])
        bucket = np.searchsorted(self.edges, t[inside], "right") - 1
        if len(bucket):
            starts = np.flatnonzero(np.append(True, bucket[1:] != bucket[:-1]))
            self._deviate(bucket[starts], value[inside], starts)
            self._step(bucket[starts], value[inside], before[inside], starts)

    def _deviate(self, at: NDArray[np.intp], value: F64, starts: NDArray[np.intp]) -> None:
        """Merges means and sums of squares, so that no digits are lost to a large mean."""
        n = np.diff(starts, append=len(value))
        mean = np.add.reduceat(value, starts) / n
        m2 = np.add.reduceat((value - np.repeat(mean, n)) ** 2, starts)
        known = self._n[at]
        both = known + n
        apart = mean - self._mean[at]
        self._m2[at] += m2 + apart**2 * known * n / both
        self._mean[at] += apart * n / both
        self._n[at] = both

    def _step(self, at: NDArray[np.intp], value: F64, before: F64, starts: NDArray[np.intp]) -> None:
        up = np.where(value >= before, value - before, value)
        up[np.isnan(before)] = 0.0
        self.increase[at] = np.nan_to_num(self.increase[at]) + np.add.reduceat(up, starts)
        self.changes[at] += np.add.reduceat((value != before) & np.isfinite(before), starts, dtype=np.int64)


def _ratio(above: NDArray[np.generic], below: NDArray[np.generic]) -> F64:
    known = np.asarray(below) > 0
    found: F64 = np.divide(above, below, out=np.full(len(known), np.nan), where=known)
    return found
