"""Samples of one tag as columns, from the log or from memory, before they become a Series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.model import Quality

from .marks import Gap

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]
_BAD = 0x8000


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Equal columns of one tag. `place` grows along the log: of two samples with one time the later place wins.

    `objects` (dtype object) holds what is no number, None elsewhere; `exact` is 0 where there is none.
    """

    t: I64
    values: F64
    quality: U16
    exact: I64
    objects: NDArray[Any]
    place: I64

    def __len__(self) -> int:
        return len(self.t)

    def take(self, which: Any) -> Samples:
        """The samples at positions, of a mask or of a slice."""
        return Samples(*(column[which] for column in self._columns()))

    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self.t, self.values, self.quality, self.exact, self.objects, self.place


def no_samples(n: int = 0) -> Samples:
    """`n` samples of nothing, to be filled."""
    return Samples(
        np.zeros(n, np.int64),
        np.full(n, np.nan),
        np.zeros(n, np.uint16),
        np.zeros(n, np.int64),
        np.full(n, None, object),
        np.zeros(n, np.int64),
    )


def joined(parts: Sequence[Samples]) -> Samples:
    """All of them, one after the other."""
    full = [part for part in parts if len(part)]
    if len(full) == 1:
        return full[0]
    parts = full or parts[:1]
    columns = zip(*(p._columns() for p in parts), strict=True)
    return Samples(*(np.concatenate(c) for c in columns)) if parts else no_samples()


def in_order(samples: Samples) -> Samples:
    """By time, each time once: the one stated last in the log."""
    if len(samples) < 2:
        return samples
    if bool((samples.t[1:] > samples.t[:-1]).all()):
        return samples
    by_time = samples.take(np.lexsort((samples.place, samples.t)))
    return by_time.take(np.append(by_time.t[1:] != by_time.t[:-1], True))


def with_gaps(samples: Samples, gaps: Sequence[Gap]) -> Samples:
    """Ordered samples with a bad one wherever a gap ends what the log stated before it, or stated late of before it.

    A gap of place 0 is cold: what is cold itself (place 0) has a bad sample there already.
    """
    extra: list[Samples] = []
    for gap in gaps:
        before = np.flatnonzero((samples.place < gap.place) | (samples.t < gap.start))
        if not len(before):
            continue
        last = int(before[-1])
        if not gap.place and not samples.place[last]:
            continue
        t = max(gap.start, int(samples.t[last]) + 1)
        follower = last + 1
        if samples.quality[last] >= _BAD or (follower < len(samples) and samples.t[follower] <= t):
            continue
        row = no_samples(1)
        row.t[0], row.quality[0], row.place[0] = t, int(Quality.BAD), gap.place
        extra.append(row)
    return in_order(joined([samples, *extra])) if extra else samples
