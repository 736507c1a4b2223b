"""Roll-ups: what the samples of a tag in one minute, hour or day amount to, from these samples alone.

The value in force before the first sample of a bucket is not part of it, so that a late sample changes one bucket only;
whoever reads adds it: `integral` and `good_s` run from the bucket's first sample to its last.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kinds import ROLLUPS

MIN_SAMPLES = {"1m": 4, "1h": 60, "1d": 240}
"""A tag has roll-ups in a file only if they stand for so many samples each, on average: else its samples are read."""
_BAD = 0x8000
Columns = dict[str, NDArray[Any]]


def rollup(
    tag: NDArray[np.int64],
    t: NDArray[np.int64],
    values: NDArray[np.float64],
    quality: NDArray[np.uint16],
    kind: str,
    *,
    every: bool = False,
) -> Columns:
    """Columns of a roll-up file from samples in order of tag and time; but for `every` without tags with too few."""
    width = ROLLUPS[kind] * 10**9
    bucket = t // width
    new = np.concatenate(([True], (tag[1:] != tag[:-1]) | (bucket[1:] != bucket[:-1])))
    dense = _dense(tag, new, 0 if every else MIN_SAMPLES[kind])
    if not dense.all():
        tag, t, new, bucket = tag[dense], t[dense], new[dense], bucket[dense]
        values, quality = values[dense], quality[dense]
    if not len(tag):
        return {"tag": tag}
    starts = np.flatnonzero(new)
    columns = summed(t, values, quality, starts)
    return {"tag": tag[starts], "t": bucket[starts] * width, **columns}


def summed(
    t: NDArray[np.int64], values: NDArray[np.float64], quality: NDArray[np.uint16], starts: NDArray[np.intp]
) -> Columns:
    """The columns after tag and time, of groups of consecutive samples that begin at `starts`."""
    ends = np.append(starts[1:], len(t)) - 1
    usable = (quality < _BAD) & np.isfinite(values)
    known = np.where(usable, values, np.nan)
    held = np.zeros(len(t))
    held[:-1] = np.diff(t) * 1e-9
    held[ends] = 0.0
    held[~usable] = 0.0
    zeroed = np.where(usable, values, 0.0)
    count = np.add.reduceat(usable, starts, dtype=np.int32)
    return {
        "count": count,
        "bad": (ends - starts + 1 - count).astype(np.int32),
        "sum": np.add.reduceat(zeroed, starts),
        "min": np.fmin.reduceat(known, starts),
        "max": np.fmax.reduceat(known, starts),
        "first": known[starts],
        "last": known[ends],
        "t_first": t[starts],
        "t_last": t[ends],
        "integral": np.add.reduceat(zeroed * held, starts),
        "good_s": np.add.reduceat(held, starts),
        "worst": np.maximum.reduceat(quality, starts).astype(np.int32),
    }


def _dense(tag: NDArray[np.int64], new: NDArray[np.bool_], least: int) -> NDArray[np.bool_]:
    """Mask of the rows of tags that have at least `least` samples for each bucket."""
    starts = np.flatnonzero(np.concatenate(([True], tag[1:] != tag[:-1])))
    lengths = np.diff(starts, append=len(tag))
    enough = lengths >= least * np.add.reduceat(new, starts, dtype=np.int64)
    return np.repeat(enough, lengths)
