"""Rows of all times as stretches: a slot's rows fit into a processor's cache, those of a whole log do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64

from .rows import ColdRows, concatenated, in_tag_order, with_own_objects

_NEVER = np.iinfo(np.int64).max
Stated = Callable[[ColdRows], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, eq=False)
class LastRows:
    """Of some tags, each once: the row that counts, and the time of the one that follows it (none: the end of time)."""

    rows: ColdRows
    following: I64


class Stretches:
    """`rows[i]` have times from `cuts[i - 1]` up to `cuts[i]`; each is in order of tag and time, each sample once."""

    def __init__(self, parts: Iterable[ColdRows], cuts: I64, known: I64 | None = None) -> None:
        """`parts` in the order in which they were stated. `known` tags, increasing, make it faster."""
        self.cuts = cuts
        self._known = known
        self.rows = [in_tag_order(with_own_objects(concatenated(mine)), known) for mine in _divided(parts, cuts)]

    def add(self, extra: ColdRows) -> None:
        """More rows, stated after those with lower places that are there."""
        for number, mine in enumerate(_divided([extra], self.cuts)):
            if mine:
                self.rows[number] = in_tag_order(concatenated([self.rows[number], *mine]), self._known)

    def last(self, stated: Stated | None = None) -> LastRows:
        """The last row of each tag, by time, of those that are `stated`."""
        found = [_last(rows, stated(rows) if stated else None) for rows in self.rows]
        lengths = [len(one.rows) for one in found]
        rows = concatenated([one.rows for one in found])
        if not len(rows):
            return LastRows(rows, np.empty(0, np.int64))
        number = np.repeat(np.arange(len(found)), lengths)
        following = np.concatenate([one.following for one in found])
        order = np.lexsort((number, rows.tag))
        newest = order[np.append(rows.tag[order][1:] != rows.tag[order][:-1], True)]
        return LastRows(rows.take(newest), self._following(rows.tag[newest], number[newest], following[newest]))

    def _following(self, tag: I64, number: NDArray[np.intp], following: I64) -> I64:
        """`following`, and where it is in a later stretch the first row of that."""
        following = following.copy()
        for later in range(int(number.min()) + 1, len(self.rows)):
            open_at = np.flatnonzero((following == _NEVER) & (number < later))
            rows = self.rows[later]
            if len(open_at) and len(rows):
                at = np.minimum(np.searchsorted(rows.tag, tag[open_at]), len(rows) - 1)
                there = rows.tag[at] == tag[open_at]
                following[open_at[there]] = rows.t[at[there]]
        return following


def _last(rows: ColdRows, stated: NDArray[np.bool_] | None) -> LastRows:
    if not len(rows) or (stated is not None and not stated.any()):
        return LastRows(rows.take(slice(0)), np.empty(0, np.int64))
    ends = np.flatnonzero(np.append(rows.tag[1:] != rows.tag[:-1], True))
    last = ends
    if stated is not None and not stated.all():
        starts = np.concatenate(([0], ends[:-1] + 1))
        last = np.maximum.reduceat(np.where(stated, np.arange(len(rows)), -1), starts)
        last, ends = last[last >= 0], ends[last >= 0]
    following = np.where(last < ends, rows.t[np.minimum(last + 1, len(rows) - 1)], _NEVER)
    return LastRows(with_own_objects(rows.take(last)), following)


def _divided(parts: Iterable[ColdRows], cuts: I64) -> list[list[ColdRows]]:
    """The parts by stretch; those of one stretch are not copied."""
    found: list[list[ColdRows]] = [[] for _ in range(len(cuts) + 1)]
    for part in parts:
        if not len(part):
            continue
        first, last = np.searchsorted(cuts, [part.t.min(), part.t.max()], "right").tolist()
        if first == last:
            found[first].append(part)
            continue
        number = np.searchsorted(cuts, part.t, "right")
        for one in range(first, last + 1):
            found[one].append(part.take(np.flatnonzero(number == one)))
    return found


def edges(slots: Sequence[tuple[int, int]]) -> I64:
    """Cuts that give each of these slots a stretch of its own."""
    return np.unique(np.array(slots, np.int64).reshape(-1))
