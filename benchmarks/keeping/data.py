"""The samples that every engine gets: ten tags every ten seconds, the others now and then, over thirty days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

T0 = 1_767_225_600_000
"""Start in ms UTC, midnight."""
DAY = 86_400_000
DAYS = 30
FAST = 10


@dataclass(frozen=True)
class Samples:
    """In order of arrival: positions of tags, times in ms, values. `by_tag` are their positions in order of tag."""

    tags: int
    tag: NDArray[np.int32]
    t: NDArray[np.int64]
    value: NDArray[np.float64]
    by_tag: NDArray[np.int64]
    starts: NDArray[np.int64]

    def of(self, tag: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Times and values of one tag."""
        at = self.by_tag[self.starts[tag] : self.starts[tag + 1]]
        return self.t[at], self.value[at]


def make(samples: int, tags: int, seed: int = 1) -> Samples:
    """About `samples` of `tags`; values are walks of two decimals, times have jitter; each (tag, time) once."""
    chance = np.random.default_rng(seed)
    fast = min(FAST, tags)
    every = max(10_000, DAYS * DAY * 2 * fast // samples)
    per_fast = DAYS * DAY // every
    per_slow = max(1, (samples - fast * per_fast) // max(1, tags - fast))
    columns: list[tuple[Any, Any, Any]] = []
    for tag in range(tags):
        if tag < fast:
            t = np.arange(per_fast) * every + chance.integers(0, every // 2, per_fast)
        else:
            t = np.unique(chance.integers(0, DAYS * DAY, per_slow))
        columns.append(
            (np.full(len(t), tag, np.int32), T0 + t, np.round(20 + chance.normal(0, 0.1, len(t)).cumsum(), 2))
        )
    tag, t, value = (np.concatenate(c) for c in zip(*columns, strict=True))
    order = np.argsort(t, kind="stable")
    by_tag = np.empty(len(t), np.int64)
    by_tag[order] = np.arange(len(t))
    starts = np.concatenate(([0], np.cumsum([len(c[0]) for c in columns])))
    return Samples(tags, tag[order], t[order], value[order], by_tag, starts)
