"""A tag's past as stretches of time that follow each other: out of roll-ups where these fit, else of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sereno.historian.cold.blocks import Columns
from sereno.historian.cold.kinds import ROLLUPS
from sereno.historian.history import TagHistory
from sereno.historian.samples import F64, I64, Samples
from sereno.historian.tags import Definition
from sereno.model import ValueType

SLICE_ROWS = 500_000
_BAD = 0x8000
_STUCK, _FEW = 3, 8
_MINUTE = 60 * 10**9
_ROLLED = ("t", "count", "sum", "min", "max", "first", "last", "t_first", "t_last", "integral", "good_s")


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """What is known of moments without looking into them: samples, or roll-ups that stand for many."""

    t: I64
    count: I64
    total: F64
    low: F64
    high: F64
    first: F64
    last: F64
    integral: F64
    good: F64


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """[start, end). From `t[i]` on the value is `value[i]`, NaN = not known here: a block may know.

    `samples` are those of the stretch, the one in force at its start before them, None out of roll-ups.
    """

    start: int
    end: int
    t: I64
    value: F64
    blocks: Blocks
    samples: Samples | None = None


def numbers(definition: Definition, samples: Samples) -> F64:
    """Values of samples as float64, NaN where they are not usable."""
    values = samples.values
    if definition.type.is_exact and definition.is_row:
        unsigned = definition.type is ValueType.UINT64
        values = (samples.exact.view(np.uint64) if unsigned else samples.exact).astype(np.float64)
    return np.where((samples.quality < _BAD) & np.isfinite(values), values, np.nan)


def stretches(
    definition: Definition, history: TagHistory, edges: I64, *, rolled: bool, check: Callable[[], None]
) -> Iterator[Stretch]:
    """The past from the first to the last of `edges`, out of roll-ups where `rolled` and the edges allow it."""
    start, end = int(edges[0]), int(edges[-1])
    yield of_samples(definition, history.between(start - 1, start).take(slice(-1, None)), start, start)
    rolled = rolled and start >= history.rolled_from
    whole = _whole(edges) if rolled else 1
    if rolled and history.cold is not None and (whole > 1 or history.cold.is_thinned(start, end)):
        cold_end = min(end, history.hot_from() // _MINUTE * _MINUTE)
        if cold_end > start:
            for stretch in _cold(definition, history, start, cold_end, whole):
                check()
                yield stretch
            start = cold_end
    for first, last in slices(history, start, end, SLICE_ROWS):
        check()
        yield of_samples(definition, history.between(first, last), first, last)


def of_samples(definition: Definition, samples: Samples, start: int, end: int) -> Stretch:
    """A stretch out of ordered samples, of which one may be from before it."""
    value = numbers(definition, samples)
    inside = samples.t >= start
    t, values = samples.t[inside], value[inside]
    known, zeros = np.isfinite(values), np.zeros(len(t))
    total = np.where(known, values, 0.0)
    blocks = Blocks(t, known.astype(np.int64), total, values, values, values, values, zeros, zeros)
    return Stretch(start, end, samples.t, value, blocks, samples)


def _whole(edges: I64) -> int:
    """The ns of the coarsest roll-ups that the inner edges do not cut; 1 if there are none."""
    for seconds in sorted(ROLLUPS.values(), reverse=True):
        whole = seconds * 10**9
        if not (edges[1:-1] % whole).any() and int(edges[-1] - edges[0]) >= whole:
            return whole
    return 1


def slices(history: TagHistory, start: int, end: int, rows: int) -> Iterator[tuple[int, int]]:
    """[start, end) in parts that follow each other, of about so many samples at most.

    Counts are of whole records: where halves of a few times as many are not less, they are not divided any further.
    """
    ranges = [(start, end, history.count(start, end), 0)] if start < end else []
    while ranges:
        first, last, count, stuck = ranges.pop()
        middle = (first + last) // 2
        if count > rows and last - first > 1 and (stuck < _STUCK or count > _FEW * rows):
            parts = [(a, b, history.count(a, b)) for a, b in ((middle, last), (first, middle))]
            if any(part < count for _, _, part in parts):
                ranges += [(a, b, part, stuck + 1 if part == count else 0) for a, b, part in parts]
                continue
        yield first, last


def _cold(definition: Definition, history: TagHistory, start: int, end: int, whole: int) -> Iterator[Stretch]:
    cold, tag = history.cold, history.tag
    assert cold is not None
    for slot_start, slot_end in cold.slots(start, end):
        first, last = max(start, slot_start), min(end, slot_end)
        inner_first, inner_last = -(-first // whole) * whole, last // whole * whole
        columns = cold.rolled_for(tag, slot_start, whole, _ROLLED) if inner_first < inner_last else None
        if columns is None:
            yield of_samples(definition, cold.between(tag, first, last), first, last)
            continue
        if first < inner_first:
            yield of_samples(definition, cold.between(tag, first, inner_first), first, inner_first)
        yield _of_rollups(columns, inner_first, inner_last)
        if inner_last < last:
            yield of_samples(definition, cold.between(tag, inner_last, last), inner_last, last)


def _of_rollups(columns: Columns, start: int, end: int) -> Stretch:
    """Between its first and its last sample a roll-up knows; from there to the next one the last value holds."""
    a, b = np.searchsorted(columns["t"], [start, end]).tolist()
    t, count, total, low, high, first, last, t_first, t_last, integral, good = (columns[n][a:b] for n in _ROLLED)
    times, values = np.empty(2 * len(t), np.int64), np.full(2 * len(t), np.nan)
    times[::2], times[1::2], values[1::2] = t_first, t_last, last
    apart = np.append(times[1:] > times[:-1], True)
    blocks = Blocks(t, count.astype(np.int64), total, low, high, first, last, integral, good)
    return Stretch(start, end, times[apart], values[apart], blocks)
