"""Figures of a range: two passes over the samples in slices of bounded size."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sereno.client import TagStatistics
from sereno.historian.history import TagHistory
from sereno.historian.samples import F64, I64
from sereno.historian.tags import Definition

from .answer import held_until
from .held import held
from .stretch import Stretch, stretches
from .subgroups import Centres
from .sums import Sums

_INDIVIDUALS = 2.66
Check = Callable[[], None]


class _Ranges:
    """How far samples that follow each other are apart, a bad one between two of them left out."""

    def __init__(self) -> None:
        self.total, self.count = 0.0, 0
        self._before = np.nan

    def feed(self, value: F64) -> None:
        value = value[np.isfinite(value)]
        if len(value):
            apart = np.abs(np.diff(value, prepend=self._before))
            known = apart[np.isfinite(apart)]
            self.total, self.count = self.total + float(known.sum()), self.count + len(known)
            self._before = float(value[-1])

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else np.nan


class _Bins:
    """Seconds by bin, and how many samples are beyond the limits."""

    def __init__(self, edges: F64, limits: tuple[float, float], span: I64) -> None:
        self.edges: tuple[float, ...] = tuple(edges.tolist())
        self.seconds = np.zeros(max(0, len(edges) - 1))
        self.beyond = 0
        self._limits, self._span = limits, span
        self._t: I64 = np.empty(0, np.int64)
        self._value: F64 = np.empty(0)

    def feed(self, stretch: Stretch) -> None:
        new = slice(int(np.searchsorted(stretch.t, stretch.start)) if len(self._t) else 0, None)
        t, value = stretch.t[new], stretch.value[new]
        if not len(t):
            return
        self.beyond += int(((value < self._limits[0]) | (value > self._limits[1]))[t >= self._span[0]].sum())
        times, values = np.concatenate((self._t, t)), np.concatenate((self._value, value))
        self._hold(times[:-1], values[:-1], int(times[-1]))
        self._t, self._value = times[-1:], values[-1:]

    def end(self, until: int) -> None:
        self._hold(self._t, self._value, until)

    def _hold(self, t: I64, value: F64, until: int) -> None:
        if not self.edges:
            return
        holds = held(t, self._span, until)
        values = value[holds.which]
        known = np.isfinite(values)
        found, _ = np.histogram(values[known], self.edges, weights=holds.seconds[known])
        self.seconds += found


def tag_statistics(
    definition: Definition, history: TagHistory, span: tuple[int, int], bins: int, check: Check
) -> TagStatistics:
    """The figures of one tag in [start, end). Raises ValueError for a tag that is no number."""
    if not definition.is_row:
        raise ValueError(f"statistics of {definition.path!r}, which is no number")
    whole: I64 = np.array(span, np.int64)
    until = held_until(history, span[1])
    sums, ranges, centres = Sums(whole), _Ranges(), Centres()
    for stretch in stretches(definition, history, whole, rolled=False, check=check):
        sums.feed(stretch)
        inside = stretch.t >= max(span[0], stretch.start)
        ranges.feed(stretch.value[inside])
        centres.feed(stretch.t[inside], stretch.value[inside])
    sums.finish(until)
    figures = {name: float(column[0]) for name, column in sums.columns().items()}
    away = _INDIVIDUALS * ranges.mean
    limits = (figures["mean"] - away, figures["mean"] + away)
    charting = centres.chart()
    counted = _Bins(_edges(figures["min"], figures["max"], bins), limits, whole)
    for stretch in stretches(definition, history, whole, rolled=False, check=check):
        counted.feed(stretch)
        inside = stretch.t >= max(span[0], stretch.start)
        charting.feed(stretch.t[inside], stretch.value[inside])
    counted.end(until)
    return TagStatistics(
        tag=definition.path,
        unit=definition.unit,
        start=span[0],
        end=span[1],
        count=int(figures["count"]),
        mean=figures["mean"],
        time_mean=figures["time_mean"],
        std=figures["std"],
        min=figures["min"],
        max=figures["max"],
        good=figures["good"],
        edges=counted.edges,
        seconds=tuple(counted.seconds.tolist()),
        moving_range=ranges.mean,
        lower=limits[0],
        upper=limits[1],
        beyond=counted.beyond,
        chart=charting.found(),
    )


def bucket_means(definition: Definition, history: TagHistory, edges: I64, check: Check) -> F64:
    """Means by time between `edges`."""
    sums = Sums(edges)
    for stretch in stretches(definition, history, edges, rolled=True, check=check):
        sums.feed(stretch)
    sums.finish(held_until(history, int(edges[-1])))
    found: F64 = sums.columns()["time_mean"]
    return found


def correlations(columns: Sequence[F64]) -> tuple[tuple[float, ...], ...]:
    """Pearson's r of each two columns over the rows in which both are known."""
    return tuple(tuple(_correlation(a, b) for b in columns) for a in columns)


def _correlation(a: F64, b: F64) -> float:
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < 2:
        return float("nan")
    x, y = a[known] - a[known].mean(), b[known] - b[known].mean()
    spread = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float(np.clip((x * y).sum() / spread, -1.0, 1.0)) if spread > 0 else float("nan")


def _edges(low: float, high: float, bins: int) -> F64:
    if not np.isfinite(low):
        return np.empty(0)
    return np.linspace(low, high, bins + 1) if high > low else np.array([low, np.nextafter(low, np.inf)])
