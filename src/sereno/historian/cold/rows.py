"""Samples of many tags as columns, on their way from the log to sorted files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64, U16, Rows

_SHORT = 1 << 16
_LONG_RUN, _MOST_RUNS = 64, 64
FLOAT, EXACT_INT, OBJECT_ROW = 0, 1, 2
"""What `bits` are: a float64, an int64 (of uint64 tags its bit pattern), a position in `objects`."""


@dataclass(slots=True, eq=False)
class ColdRows:
    """Equal columns. `place` grows along the log, 0 = was cold already; of two samples with one time the later wins."""

    tag: I64
    t: I64
    bits: I64
    form: NDArray[np.uint8]
    quality: U16
    place: I64
    objects: list[Any] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.tag)

    def take(self, which: Any) -> ColdRows:
        """The rows at positions, of a mask or of a slice."""
        column = _taken if isinstance(which, np.ndarray) and which.dtype != np.bool_ else _indexed
        return ColdRows(
            column(self.tag, which),
            column(self.t, which),
            column(self.bits, which),
            column(self.form, which),
            column(self.quality, which),
            column(self.place, which),
            self.objects,
        )

    @property
    def values(self) -> NDArray[np.float64]:
        """The bits as float64; meaningless where they are none."""
        return self.bits.view(np.float64)


def _taken(column: NDArray[Any], which: Any) -> NDArray[Any]:
    found: NDArray[Any] = column.take(which)
    return found


def _indexed(column: NDArray[Any], which: Any) -> NDArray[Any]:
    found: NDArray[Any] = column[which]
    return found


def no_rows(n: int = 0) -> ColdRows:
    """`n` rows of nothing, to be filled."""
    zeros = np.zeros(n, np.int64)
    return ColdRows(zeros, zeros.copy(), zeros.copy(), np.zeros(n, np.uint8), np.zeros(n, np.uint16), zeros.copy())


def from_block(rows: Rows, place: int, objects: list[Any]) -> ColdRows:
    """Rows of the log; what is no number is appended to `objects`."""
    n = len(rows)
    if rows.objects is not None:
        bits, form = np.arange(len(objects), len(objects) + n, dtype=np.int64), OBJECT_ROW
        objects.extend(rows.objects)
    elif rows.exact is not None:
        bits, form = rows.exact, EXACT_INT
    else:
        bits, form = np.ascontiguousarray(rows.values).view(np.int64), FLOAT
    places, forms = np.broadcast_to(np.int64(place), n), np.broadcast_to(np.uint8(form), n)
    return ColdRows(rows.ids, rows.t, bits, forms, rows.quality, places, objects)


def concatenated(parts: Sequence[ColdRows]) -> ColdRows:
    """All of them, one after the other. Parts with objects share one list, or bring their own."""
    parts = [p for p in parts if len(p)]
    if not parts:
        return no_rows()
    lists = {id(p.objects): p.objects for p in parts if p.objects}
    if len(lists) < 2:
        return _joined(parts, next(iter(lists.values()), []))
    objects: list[Any] = []
    offsets: dict[int, int] = {}
    for part in parts:
        if part.objects and id(part.objects) not in offsets:
            offsets[id(part.objects)] = len(objects)
            objects += part.objects
    return _joined([_shifted(part, offsets.get(id(part.objects), 0)) for part in parts], objects)


def _joined(parts: Sequence[ColdRows], objects: list[Any]) -> ColdRows:
    return ColdRows(
        np.concatenate([p.tag for p in parts]),
        np.concatenate([p.t for p in parts]),
        np.concatenate([p.bits for p in parts]),
        np.concatenate([p.form for p in parts]),
        np.concatenate([p.quality for p in parts]),
        np.concatenate([p.place for p in parts]),
        objects,
    )


def _shifted(part: ColdRows, by: int) -> ColdRows:
    if not by:
        return part
    bits = np.where(part.form == OBJECT_ROW, part.bits + by, part.bits)
    return ColdRows(part.tag, part.t, bits, part.form, part.quality, part.place, part.objects)


def with_own_objects(rows: ColdRows) -> ColdRows:
    """The same rows with a list of objects that has only theirs."""
    at = np.flatnonzero(rows.form == OBJECT_ROW) if rows.objects else ()
    if not len(at):
        rows.objects = []
        return rows
    rows.objects = [rows.objects[i] for i in rows.bits[at].tolist()]
    rows.bits = rows.bits.copy()
    rows.bits[at] = np.arange(len(at))
    return rows


def in_tag_order(rows: ColdRows, known: I64 | None = None) -> ColdRows:
    """By tag and time, each (tag, time) once: the one stated last. `known` tags, increasing, make it faster."""
    if len(rows) < 2:
        return rows
    runs = _runs(rows)
    if runs is not None:
        if len(runs) == 1:
            return rows
        ordered = _in_runs(rows, runs)
        if ordered is not None:
            return ordered
    rows = rows.take(order_of_tags(rows.tag, known))
    same = rows.tag[1:] == rows.tag[:-1]
    if not (same & (rows.t[1:] <= rows.t[:-1])).any():
        return rows
    rows = rows.take(_mended(rows, same))
    last = np.append((rows.tag[1:] != rows.tag[:-1]) | (rows.t[1:] != rows.t[:-1]), True)
    return rows if last.all() else rows.take(np.flatnonzero(last))


def _mended(rows: ColdRows, same: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Order by tag, time and place, where only some tags are out of order: these alone are sorted."""
    wrong = np.zeros(len(rows), np.bool_)
    starts = np.flatnonzero(np.concatenate(([True], ~same)))
    bad = np.maximum.reduceat(np.append(same & (rows.t[1:] <= rows.t[:-1]), False), starts)
    lengths = np.diff(starts, append=len(rows))
    wrong = np.repeat(bad, lengths)
    order = np.arange(len(rows))
    at = np.flatnonzero(wrong)
    order[at] = at[_by_time(rows.tag[at], rows.t[at], rows.place[at])]
    return order


def _runs(rows: ColdRows) -> NDArray[np.intp] | None:
    """Where stretches begin that are in order of tag and time; None if they are short. Looked at piece by piece, so
    that great disorder is found soon.
    """
    parts: list[NDArray[np.intp]] = [np.zeros(1, np.intp)]
    number = 0
    for first in range(0, len(rows) - 1, _SHORT):
        tag, t = rows.tag[first : first + _SHORT + 1], rows.t[first : first + _SHORT + 1]
        later = (tag[1:] > tag[:-1]) | ((tag[1:] == tag[:-1]) & (t[1:] > t[:-1]))
        if not later.all():
            parts.append(np.flatnonzero(~later) + first + 1)
            number += len(parts[-1])
            if number > _MOST_RUNS + (first + len(tag)) // _LONG_RUN:
                return None
    return np.concatenate(parts)


def _in_runs(rows: ColdRows, starts: NDArray[np.intp]) -> ColdRows | None:
    """In order, by putting whole stretches of one tag one after the other; None if their times overlap."""
    tag_starts = np.flatnonzero(np.append(True, rows.tag[1:] != rows.tag[:-1]))
    if len(tag_starts) > _MOST_RUNS + len(rows) // _LONG_RUN:
        return None
    starts = np.union1d(starts, tag_starts)
    ends = np.append(starts[1:], len(rows))
    tag, first, last = rows.tag[starts], rows.t[starts], rows.t[ends - 1]
    order = np.lexsort((first, tag))
    tag, first, last = tag[order], first[order], last[order]
    if ((tag[1:] == tag[:-1]) & (first[1:] <= last[:-1])).any():
        return None
    cuts = [slice(a, b) for a, b in zip(starts[order].tolist(), ends[order].tolist(), strict=True)]

    def column(values: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([values[cut] for cut in cuts])

    return ColdRows(
        column(rows.tag),
        column(rows.t),
        column(rows.bits),
        column(rows.form),
        column(rows.quality),
        column(rows.place),
        rows.objects,
    )


def _by_time(tag: I64, t: I64, place: I64) -> NDArray[np.intp]:
    """Order by tag, time and place of rows in order of tag. A stable sort merges what is sorted in parts already."""
    first = int(t.min())
    bits = int(t.max() - first).bit_length()
    number = np.cumsum(np.append(False, tag[1:] != tag[:-1]))
    if bits + int(number[-1]).bit_length() > 62:
        return np.lexsort((place, t, tag))
    key = (number << bits) + (t - first)
    order = np.argsort(key, kind="stable")
    equal = key[order][1:] == key[order][:-1]
    if (equal & (place[order][1:] < place[order][:-1])).any():
        return np.lexsort((place, t, tag))
    return order


_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def order_of_tags(tags: I64, known: I64 | None = None) -> NDArray[np.intp]:
    """Stable order by tag. Tags are numbered first, because short integers sort by radix."""
    numbers = None if known is None or not len(known) else _numbered(tags, known)
    if numbers is None:
        known = _unique(tags)
        numbers = _numbered(tags, known)
        assert numbers is not None
    assert known is not None
    if len(known) > _SHORT:
        there = np.bincount(numbers, minlength=len(known)) > 0
        numbers = (np.cumsum(there, dtype=np.int32) - 1)[numbers]
    order = np.argsort(numbers.astype(np.uint16), kind="stable")
    if int(numbers.max()) < _SHORT:
        return order
    return order[np.argsort((numbers >> 16).astype(np.uint16)[order], kind="stable")]


def _unique(tags: I64) -> I64:
    """The different tags, increasing; looked for piece by piece, which is faster than sorting all."""
    return np.unique(np.concatenate([np.unique(tags[i : i + _SHORT]) for i in range(0, len(tags), _SHORT)]))


def _numbered(tags: I64, known: I64) -> NDArray[np.int32] | None:
    """Position of each tag in the increasing `known`, by a table of hashes; None if not all of them are there."""
    bits = max(4, len(known).bit_length() + 3)
    shift = np.uint64(64 - bits)
    table = np.zeros(1 << bits, np.int32)
    table[((known.view(np.uint64) * _FACTOR) >> shift).view(np.int64)] = np.arange(len(known), dtype=np.int32)
    found = table.take(((tags.view(np.uint64) * _FACTOR) >> shift).view(np.int64))
    missed = np.flatnonzero(known.take(found) != tags)
    if len(missed):
        at = np.minimum(np.searchsorted(known, tags[missed]), len(known) - 1)
        if (known[at] != tags[missed]).any():
            return None
        found[missed] = at
    return found
