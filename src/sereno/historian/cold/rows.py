"""Samples of many tags as columns, on their way from the log to sorted files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64, U16, Rows

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
        t, bits, form = self.t[which], self.bits[which], self.form[which]
        return ColdRows(self.tag[which], t, bits, form, self.quality[which], self.place[which], self.objects)

    @property
    def values(self) -> NDArray[np.float64]:
        """The bits as float64; meaningless where they are none."""
        return self.bits.view(np.float64)


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
    places = np.full(n, place, np.int64)
    return ColdRows(rows.ids, rows.t, bits, np.full(n, form, np.uint8), rows.quality, places, objects)


def concatenated(parts: Sequence[ColdRows]) -> ColdRows:
    """All of them, one after the other. Parts with objects share one list, or bring their own."""
    parts = [p for p in parts if len(p)]
    if not parts:
        return no_rows()
    objects: list[Any] = []
    offsets: dict[int, int] = {}
    for part in parts:
        if part.objects and id(part.objects) not in offsets:
            offsets[id(part.objects)] = len(objects)
            objects += part.objects
    shifted = [_shifted(part, offsets.get(id(part.objects), 0)) for part in parts]
    return ColdRows(
        np.concatenate([p.tag for p in shifted]),
        np.concatenate([p.t for p in shifted]),
        np.concatenate([p.bits for p in shifted]),
        np.concatenate([p.form for p in shifted]),
        np.concatenate([p.quality for p in shifted]),
        np.concatenate([p.place for p in shifted]),
        objects,
    )


def _shifted(part: ColdRows, by: int) -> ColdRows:
    if not by:
        return part
    bits = np.where(part.form == OBJECT_ROW, part.bits + by, part.bits)
    return ColdRows(part.tag, part.t, bits, part.form, part.quality, part.place, part.objects)


def in_tag_order(rows: ColdRows) -> ColdRows:
    """By tag and time, each (tag, time) once: the one stated last."""
    if len(rows) < 2:
        return rows
    rows = rows.take(_by_tag(rows.tag))
    same = rows.tag[1:] == rows.tag[:-1]
    if not (same & (rows.t[1:] <= rows.t[:-1])).any():
        return rows
    rows = rows.take(_mended(rows, same))
    last = np.append((rows.tag[1:] != rows.tag[:-1]) | (rows.t[1:] != rows.t[:-1]), True)
    return rows.take(last)


def _mended(rows: ColdRows, same: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Order by tag, time and place, where only some tags are out of order: these alone are sorted."""
    wrong = np.zeros(len(rows), np.bool_)
    starts = np.flatnonzero(np.concatenate(([True], ~same)))
    bad = np.maximum.reduceat(np.append(same & (rows.t[1:] <= rows.t[:-1]), False), starts)
    lengths = np.diff(starts, append=len(rows))
    wrong = np.repeat(bad, lengths)
    order = np.arange(len(rows))
    at = np.flatnonzero(wrong)
    order[at] = at[np.lexsort((rows.place[at], rows.t[at], rows.tag[at]))]
    return order


def _by_tag(tags: I64) -> NDArray[np.intp]:
    """Stable order by tag. Few tags are numbered first, because short integers sort by radix."""
    unique = unique_tags(tags)
    if len(unique) > 1 << 16:
        return np.argsort(tags, kind="stable")
    return np.argsort(numbered(tags, unique).astype(np.uint16), kind="stable")


def unique_tags(tags: I64) -> I64:
    """The different tags, increasing; looked for piece by piece, which is faster than sorting all."""
    pieces = [np.unique(tags[i : i + _PIECE]) for i in range(0, len(tags), _PIECE)]
    return np.unique(np.concatenate(pieces)) if pieces else np.empty(0, np.int64)


_PIECE = 1 << 16
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def numbered(tags: I64, unique: I64) -> NDArray[np.int32]:
    """Position of each tag in the increasing `unique`, by a table of hashes."""
    bits = max(4, len(unique).bit_length() + 3)
    shift = np.uint64(64 - bits)
    slots = ((unique.view(np.uint64) * _FACTOR) >> shift).astype(np.int64)
    table = np.full(1 << bits, -1, np.int32)
    table[slots] = np.arange(len(unique), dtype=np.int32)
    found = table[((tags.view(np.uint64) * _FACTOR) >> shift).astype(np.int64)]
    missed = np.flatnonzero(unique[found] != tags)
    found[missed] = np.searchsorted(unique, tags[missed])
    return found
