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
_PIECE = 1 << 15
Columns = dict[str, NDArray[Any]]


def rollups(
    tag: NDArray[np.int64],
    t: NDArray[np.int64],
    values: NDArray[np.float64],
    quality: NDArray[np.uint16],
    *,
    every: bool = False,
) -> dict[str, Columns]:
    """Roll-up files' columns by kind, of samples in order of tag and time; but for `every` without tags with too few.

    The hours are made of the minutes, the days of the hours.
    """
    found: dict[str, Columns] = {}
    if not every and len(tag):
        worth = _worth(tag, t)
        if not worth.all():
            tag, t, values, quality = tag[worth], t[worth], values[worth], quality[worth]
    finer = _buckets(tag, t, values, quality)
    for kind, seconds in ROLLUPS.items():
        if found:
            finer = _coarser(finer, seconds * 10**9)
        found[kind] = finer if every or not len(finer["tag"]) else _dense(finer, MIN_SAMPLES[kind])
    return found


def _worth(tag: NDArray[np.int64], t: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mask of the rows of tags that may have roll-ups of some kind."""
    starts = np.flatnonzero(np.append(True, tag[1:] != tag[:-1]))
    lengths = np.diff(starts, append=len(tag))
    (least, width), *coarser = sorted((MIN_SAMPLES[kind], seconds * 10**9) for kind, seconds in ROLLUPS.items())
    many = np.repeat(lengths >= min(samples for samples, _ in coarser), lengths)
    few = np.flatnonzero(~many)
    if len(few):
        tag, bucket = tag[few], t[few] // width
        starts = np.flatnonzero(np.append(True, tag[1:] != tag[:-1]))
        new = np.append(True, (tag[1:] != tag[:-1]) | (bucket[1:] != bucket[:-1]))
        lengths = np.diff(starts, append=len(tag))
        many[few] = np.repeat(lengths >= least * np.add.reduceat(new, starts, dtype=np.int64), lengths)
    return many


def _buckets(
    tag: NDArray[np.int64], t: NDArray[np.int64], values: NDArray[np.float64], quality: NDArray[np.uint16]
) -> Columns:
    """Of the finest kind; made of pieces that fit into a processor's cache."""
    width = min(ROLLUPS.values()) * 10**9
    parts: list[Columns] = []
    first = 0
    while first < len(tag):
        last = _piece_end(tag, t, first, width)
        some = slice(first, last)
        bucket = t[some] // width
        starts = np.flatnonzero(np.append(True, (np.diff(tag[some]) != 0) | (np.diff(bucket) != 0)))
        columns = summed(t[some], values[some], quality[some], starts)
        parts.append({"tag": tag[some][starts], "t": bucket[starts] * width, **columns})
        first = last
    if not parts:
        return {"tag": np.empty(0, np.int64)}
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _piece_end(tag: NDArray[np.int64], t: NDArray[np.int64], first: int, width: int) -> int:
    """A place after about _PIECE rows at which a bucket ends."""
    last = first + _PIECE
    while last < len(tag):
        near = slice(last - 1, min(last + _PIECE, len(tag)))
        ends = np.flatnonzero((np.diff(tag[near]) != 0) | (np.diff(t[near] // width) != 0))
        if len(ends):
            return last + int(ends[0])
        last = near.stop
    return len(tag)


def _coarser(fine: Columns, width: int) -> Columns:
    """Roll-ups of wider buckets out of those of finer ones."""
    tag, bucket = fine["tag"], fine["t"] // width if len(fine["tag"]) else fine["tag"]
    if not len(tag):
        return fine
    starts = np.flatnonzero(np.append(True, (np.diff(tag) != 0) | (np.diff(bucket) != 0)))
    ends = np.append(starts[1:], len(tag)) - 1
    held = np.zeros(len(tag))
    held[:-1] = (fine["t_first"][1:] - fine["t_last"][:-1]) * 1e-9
    held[ends] = 0.0
    held[~np.isfinite(fine["last"])] = 0.0
    last = np.where(np.isfinite(fine["last"]), fine["last"], 0.0)
    found: Columns = {"tag": tag[starts], "t": bucket[starts] * width}
    found |= {name: np.add.reduceat(fine[name], starts, dtype=fine[name].dtype) for name in ("count", "bad", "sum")}
    found |= {"min": np.fmin.reduceat(fine["min"], starts), "max": np.fmax.reduceat(fine["max"], starts)}
    found |= {name: fine[name][starts] for name in ("first",)} | {"last": fine["last"][ends]}
    found |= {"t_first": fine["t_first"][starts], "t_last": fine["t_last"][ends]}
    found["integral"] = np.add.reduceat(fine["integral"] + last * held, starts)
    found["good_s"] = np.add.reduceat(fine["good_s"] + held, starts)
    return found | {"worst": np.maximum.reduceat(fine["worst"], starts)}


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


def _dense(columns: Columns, least: int) -> Columns:
    """The buckets of tags that have at least `least` samples for each."""
    tag = columns["tag"]
    starts = np.flatnonzero(np.append(True, tag[1:] != tag[:-1]))
    lengths = np.diff(starts, append=len(tag))
    samples = np.add.reduceat(columns["count"].astype(np.int64) + columns["bad"], starts)
    enough = np.repeat(samples >= least * lengths, lengths)
    return columns if enough.all() else {name: column[enough] for name, column in columns.items()}
