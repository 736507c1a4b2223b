"""The roll-ups of a slot of which samples have gone by age: what is gone stays in them, what is new is added.

A bucket that stands for more samples than there are is kept, and new samples in it are added to it: it goes on to stand
for as many more as have gone, however often it is written anew. Every other bucket is made of its samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64

from .blocks import Columns
from .kinds import ROLLUPS
from .manifest import ColdFile
from .reading import ColdReader
from .rewriting import Declared, rolled_up
from .rows import OBJECT_ROW, ColdRows, concatenated, in_tag_order, no_rows
from .thinned import Kept, merged, only, stored_rollups


def kept_rollups(
    reader: ColdReader, files: Sequence[ColdFile], rows: ColdRows, declared: Declared, new: ColdRows | None = None
) -> Kept:
    """Of the tags of which samples have gone. `rows` are what the files hold, `new` what comes: in order of tag."""
    new = no_rows() if new is None else new
    stored = stored_rollups(reader, files)
    thin = {kind: _more_than(columns, rows, ROLLUPS[kind] * 10**9) for kind, columns in stored.items()}
    gone = [columns["tag"][thin[kind]] for kind, columns in stored.items()]
    kept = Kept(np.unique(np.concatenate([np.empty(0, np.int64), *gone])))
    if not len(kept.tags):
        return kept
    rows, new = (some.take(np.flatnonzero(np.isin(some.tag, kept.tags))) for some in (rows, new))
    for kind, columns in stored.items():
        width = ROLLUPS[kind] * 10**9
        mine = np.unique(columns["tag"][np.isin(columns["tag"], kept.tags)])
        standing = only(columns, thin[kind])
        every = in_tag_order(concatenated([rows, new]), declared.ids)
        every = every.take(np.flatnonzero(np.isin(every.tag, mine) & ~_within(every, standing, width)))
        fresh = new.take(np.flatnonzero(_within(new, standing, width) & ~_there(new, rows)))
        made, added = (rolled_up(some, declared)[kind] for some in (every, fresh))
        kept.rollups[kind] = merged([made, combined(standing, added)])
    return kept


def combined(one: Columns, other: Columns) -> Columns:
    """`one` with those of `other` added, whose buckets are all among its own; both are in order of tag and time.

    Where the samples of both lie among each other, the integral is that of the mean of both.
    """
    if not len(other["tag"]):
        return one
    at = _positions(one, other)
    before = {name: column[at] for name, column in one.items()}
    whole = {name: column.copy() for name, column in one.items()}
    for name, column in _added(before, other).items():
        whole[name][at] = column
    return whole


def _added(one: Columns, other: Columns) -> Columns:
    first, last = one["t_first"] <= other["t_first"], one["t_last"] >= other["t_last"]
    found: Columns = {name: one[name] + other[name] for name in ("count", "bad", "sum")}
    found |= {"min": np.fmin(one["min"], other["min"]), "max": np.fmax(one["max"], other["max"])}
    found |= {name: np.where(first, one[name], other[name]) for name in ("first", "t_first")}
    found |= {name: np.where(last, one[name], other[name]) for name in ("last", "t_last")}
    found["worst"] = np.maximum(one["worst"], other["worst"])
    between = np.where(first, other["t_first"] - one["t_last"], one["t_first"] - other["t_last"]) * 1e-9
    held = np.where(first, one["last"], other["last"])
    held_s = np.where((between > 0) & np.isfinite(held), between, 0.0)
    good, integral = one["good_s"] + other["good_s"], one["integral"] + other["integral"]
    span = (found["t_last"] - found["t_first"]) * 1e-9
    share = np.divide(np.minimum(good, span), good, out=np.ones(len(good)), where=good > 0)
    share = np.where(between > 0, 1.0, share)
    found["good_s"] = good * share + held_s
    found["integral"] = integral * share + np.where(held_s > 0, held, 0.0) * held_s
    return found


def _more_than(columns: Columns, rows: ColdRows, width: int) -> NDArray[np.bool_]:
    """Which buckets stand for more samples than `rows` have there."""
    numbers = rows.take(np.flatnonzero(rows.form != OBJECT_ROW))
    tags = np.unique(columns["tag"])
    numbers = numbers.take(np.flatnonzero(np.isin(numbers.tag, tags)))
    keys, there = _keys(tags, columns["tag"], columns["t"], width), _keys(tags, numbers.tag, numbers.t, width)
    have = np.searchsorted(there, keys, "right") - np.searchsorted(there, keys)
    more: NDArray[np.bool_] = columns["count"] + columns["bad"] > have
    return more


def _within(rows: ColdRows, buckets: Columns, width: int) -> NDArray[np.bool_]:
    """Which rows are in one of the buckets."""
    tags = np.union1d(buckets["tag"], rows.tag)
    inside: NDArray[np.bool_] = np.isin(
        _keys(tags, rows.tag, rows.t, width), _keys(tags, buckets["tag"], buckets["t"], width)
    )
    return inside


def _there(some: ColdRows, rows: ColdRows) -> NDArray[np.bool_]:
    """Which of some rows have a tag and time that one of `rows` has."""
    tags = np.unique(some.tag)
    found = np.zeros(len(some), np.bool_)
    mine, theirs = (np.searchsorted(one.tag, [tags, tags + 1]).T.tolist() for one in (some, rows))
    for (a, b), (c, d) in zip(mine, theirs, strict=True):
        found[a:b] = np.isin(some.t[a:b], rows.t[c:d])
    return found


def _positions(one: Columns, other: Columns) -> NDArray[np.intp]:
    tags = np.unique(one["tag"])
    mine, theirs = (_keys(tags, some["tag"], some["t"], 10**9) for some in (one, other))
    return np.searchsorted(mine, theirs)


def _keys(tags: I64, tag: I64, t: I64, width: int) -> I64:
    """One number for each tag and bucket of a day, in their order. `tags` are increasing, all of them are there."""
    if not len(tag):
        return np.empty(0, np.int64)
    bucket = t // width
    day = 86_400 * 10**9 // width
    keys: I64 = np.searchsorted(tags, tag).astype(np.int64) * day + bucket % day
    return keys
