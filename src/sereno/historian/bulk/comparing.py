"""Which imported samples are new: those that are not there already with the same value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64
from sereno.historian.cold.rows import OBJECT_ROW, ColdRows
from sereno.historian.in_force import same_value

_BAD = 0x8000
_TIME_BITS = 47
"""A day in ns fits."""


def different(old: ColdRows, rows: ColdRows) -> tuple[ColdRows, NDArray[np.bool_]]:
    """Those of `rows` that are not in `old` with the same value, or none, and the same severity; which of `old` they
    replace. Both are of one day, in order of tag and time, each (tag, time) once.
    """
    replaced = np.zeros(len(old), np.bool_)
    if not len(old) or not len(rows):
        return rows, replaced
    mine, theirs = _keys(old, rows)
    at = np.minimum(np.searchsorted(mine, theirs), len(old) - 1)
    there = mine[at] == theirs
    if not there.any():
        return rows, replaced
    known = there.copy()
    known[there] = _same(old, at[there], rows, np.flatnonzero(there))
    replaced[at[there & ~known]] = True
    return (rows.take(np.flatnonzero(~known)) if known.any() else rows), replaced


def _same(old: ColdRows, a: NDArray[np.intp], rows: ColdRows, b: NDArray[np.intp]) -> NDArray[np.bool_]:
    bad = old.quality[a] >= _BAD
    severity = old.quality[a] >> 14 == rows.quality[b] >> 14
    same = (old.bits[a] == rows.bits[b]) & (old.form[a] == rows.form[b])
    objects = np.flatnonzero((old.form[a] == OBJECT_ROW) & (rows.form[b] == OBJECT_ROW) & ~bad)
    for i in objects.tolist():
        same[i] = same_value(old.objects[old.bits[a[i]]], rows.objects[rows.bits[b[i]]])
    found: NDArray[np.bool_] = severity & (same | bad)
    return found


def _keys(one: ColdRows, other: ColdRows) -> tuple[I64, I64]:
    """A number for each row, in the order of tag and time of both."""
    start = min(int(one.t.min()), int(other.t.min()))
    tags = np.union1d(*(rows.tag[_starts(rows)] for rows in (one, other)))
    if len(tags) < 1 << (63 - _TIME_BITS):
        return _key(one, tags, start), _key(other, tags, start)
    tag, t = np.concatenate((one.tag, other.tag)), np.concatenate((one.t, other.t))
    order = np.lexsort((t, tag))
    new = np.append(False, (tag[order][1:] != tag[order][:-1]) | (t[order][1:] != t[order][:-1]))
    ranks = np.empty(len(tag), np.int64)
    ranks[order] = np.cumsum(new)
    return ranks[: len(one)], ranks[len(one) :]


def _key(rows: ColdRows, tags: I64, start: int) -> I64:
    starts = _starts(rows)
    numbers = np.searchsorted(tags, rows.tag[starts]).astype(np.int64) << _TIME_BITS
    found: I64 = np.repeat(numbers, np.diff(starts, append=len(rows))) + (rows.t - start)
    return found


def _starts(rows: ColdRows) -> NDArray[np.intp]:
    return np.flatnonzero(np.append(True, rows.tag[1:] != rows.tag[:-1]))
