"""Means and ranges of subgroups, for charts after Shewhart (X-bar and R)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sereno.client import ControlChart
from sereno.historian.samples import F64, I64

SIZE = 5
MOST = 300
_A2, _D4 = 0.577, 2.114
"""Factors of the control limits for subgroups of five; the range has no lower one."""


class Subgroups:
    """Five usable samples that follow each other are a subgroup; one that is not usable begins anew."""

    def __init__(self) -> None:
        self._t: I64 = np.empty(0, np.int64)
        self._value: F64 = np.empty(0)

    def feed(self, t: I64, value: F64) -> tuple[I64, F64, F64]:
        """The subgroups that are whole now: time of the first sample, mean, range. Samples in order of time."""
        t, value = np.concatenate((self._t, t)), np.concatenate((self._value, value))
        known = np.isfinite(value)
        place = np.arange(len(value))
        broken = np.maximum.accumulate(np.where(known, -1, place)) if len(place) else place
        within = place - broken - 1  # since the last sample that is not usable
        ends = np.flatnonzero(known & (within % SIZE == SIZE - 1))
        begun = len(value) - int(within[-1] + 1) % SIZE if len(place) and known[-1] else len(value)
        self._t, self._value = t[begun:], value[begun:]
        groups: NDArray[np.float64] = value[ends[:, None] - np.arange(SIZE)]
        return t[ends - SIZE + 1], groups.mean(axis=1), np.ptp(groups, axis=1)


class Centres:
    """The first pass: the means of all means and ranges."""

    def __init__(self) -> None:
        self._groups, self._mean, self._range = Subgroups(), 0.0, 0.0
        self._count = 0

    def feed(self, t: I64, value: F64) -> None:
        """The next samples."""
        _, means, ranges = self._groups.feed(t, value)
        self._count += len(means)
        self._mean += float(means.sum())
        self._range += float(ranges.sum())

    def chart(self) -> Charting:
        """What the second pass is to fill."""
        count = max(1, self._count)
        found = (self._mean / count, self._range / count) if self._count else (np.nan, np.nan)
        return Charting(*found)


class Charting:
    """The second pass: what lies beyond the limits, and the newest subgroups."""

    def __init__(self, mean: float, spread: float) -> None:
        self._groups = Subgroups()
        self.mean, self.spread = mean, spread
        self.limits = (mean - _A2 * spread, mean + _A2 * spread, _D4 * spread)
        self._count, self._beyond = 0, [0, 0]
        self._t: I64 = np.empty(0, np.int64)
        self._means: F64 = np.empty(0)
        self._ranges: F64 = np.empty(0)

    def feed(self, t: I64, value: F64) -> None:
        """The same samples again."""
        starts, means, ranges = self._groups.feed(t, value)
        low, high, most = self.limits
        self._count += len(means)
        self._beyond[0] += int(((means < low) | (means > high)).sum())
        self._beyond[1] += int((ranges > most).sum())
        self._t = np.concatenate((self._t, starts))[-MOST:]
        self._means = np.concatenate((self._means, means))[-MOST:]
        self._ranges = np.concatenate((self._ranges, ranges))[-MOST:]

    def found(self) -> ControlChart:
        """As the port hands it over."""
        return ControlChart(
            size=SIZE,
            count=self._count,
            mean=self.mean,
            mean_lower=self.limits[0],
            mean_upper=self.limits[1],
            means_beyond=self._beyond[0],
            range=self.spread,
            range_upper=self.limits[2],
            ranges_beyond=self._beyond[1],
            t=tuple(self._t.tolist()),
            means=tuple(self._means.tolist()),
            ranges=tuple(self._ranges.tolist()),
        )
