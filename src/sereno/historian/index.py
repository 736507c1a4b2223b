"""Where the rows of a tag are in a segment: per-tag lists of row numbers and the table of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
U32 = NDArray[np.uint32]
Table = NDArray[Any]

TAG = np.dtype([("id", "<i8"), ("start", "<i8"), ("count", "<i8"), ("t_min", "<i8"), ("t_max", "<i8")])
RECORD = np.dtype(
    [
        ("offset", "<i8"),
        ("first_row", "<i8"),
        ("t_min", "<i8"),
        ("t_max", "<i8"),
        ("time", "<i8"),
        ("n", "<u4"),
        ("length", "<u4"),
        ("flags", "<u2"),
        ("quality", "<u2"),
        ("spare", "<u4"),
    ]
)
NO_ROWS = np.empty(0, np.uint32)


@dataclass(frozen=True, slots=True, eq=False)
class TagRows:
    """Row numbers of a segment grouped by tag, in log order. `tags` (dtype TAG) is sorted by id."""

    tags: Table
    rows: U32

    def rows_of(self, tag: int) -> U32:
        """Row numbers of one tag, increasing."""
        at = int(np.searchsorted(self.tags["id"], tag))
        if at == len(self.tags) or self.tags["id"][at] != tag:
            return NO_ROWS
        start = int(self.tags["start"][at])
        return self.rows[start : start + int(self.tags["count"][at])]

    def first_time(self, tag: int) -> int:
        """The earliest time of one tag; 1 << 62 if it has no row."""
        at = int(np.searchsorted(self.tags["id"], tag))
        return int(self.tags["t_min"][at]) if at < len(self.tags) and self.tags["id"][at] == tag else 1 << 62


class LatestRows:
    """Consecutive rows that are grouped when somebody asks. Pieces in log order, `keys` as in `group_rows`."""

    def __init__(self, keys: Sequence[NDArray[np.int32]], ids: Sequence[I64], t: Sequence[I64], first_row: int) -> None:
        self._pieces = (tuple(keys), tuple(ids), tuple(t))
        self._first_row = first_row
        self._grouped: TagRows | None = None

    def grouped(self) -> TagRows:
        """The rows grouped by tag."""
        if self._grouped is None:
            keys, ids, t = self._pieces
            self._grouped = group_rows(np.concatenate(keys), np.concatenate(ids), np.concatenate(t), self._first_row)
        return self._grouped


def group_rows(keys: NDArray[Any], ids: I64, t: I64, first_row: int) -> TagRows:
    """Group consecutive rows from `first_row` on. Equal `keys` mean equal `ids`; small or sorted runs are fast."""
    keys = _short(keys)
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    starts = np.flatnonzero(np.concatenate(([True], sorted_keys[1:] != sorted_keys[:-1])))
    times = t[order]
    tags = np.empty(len(starts), TAG)
    tags["id"] = ids[order[starts]]
    tags["start"] = starts
    tags["count"] = np.diff(starts, append=len(order))
    tags["t_min"] = np.minimum.reduceat(times, starts)
    tags["t_max"] = np.maximum.reduceat(times, starts)
    return TagRows(tags[np.argsort(tags["id"])], (order + first_row).astype(np.uint32))


def merge_rows(chunks: Sequence[TagRows]) -> TagRows:
    """One index from several of consecutive rows, in their order."""
    if not chunks:
        return TagRows(np.empty(0, TAG), NO_ROWS)
    by_start = [c.tags[np.argsort(c.tags["start"])] for c in chunks]
    every = np.concatenate(by_start)
    ids, inverse = np.unique(every["id"], return_inverse=True)
    tags = np.empty(len(ids), TAG)
    tags["id"] = ids
    tags["count"] = np.bincount(inverse, weights=every["count"], minlength=len(ids))
    tags["start"] = np.cumsum(tags["count"]) - tags["count"]
    tags["t_min"] = np.iinfo(np.int64).max
    tags["t_max"] = np.iinfo(np.int64).min
    np.minimum.at(tags["t_min"], inverse, every["t_min"])
    np.maximum.at(tags["t_max"], inverse, every["t_max"])
    keys = np.repeat(_short(inverse), every["count"])
    order = np.argsort(keys, kind="stable")
    return TagRows(tags, np.concatenate([c.rows for c in chunks])[order])


def _short(keys: NDArray[Any]) -> NDArray[Any]:
    """The keys as 16 bits where they fit: these are sorted by radix."""
    fits = len(keys) and keys.min() >= 0 and keys.max() <= np.iinfo(np.uint16).max
    return keys.astype(np.uint16) if fits else keys


class RecordTable:
    """Records of a segment in a growing table; earlier snapshots stay valid."""

    def __init__(self) -> None:
        self._table = np.zeros(64, RECORD)
        self._verified = np.zeros(64, np.bool_)
        self._n = 0

    def append(self, entry: tuple[int, ...]) -> None:
        """Add one record, fields as in RECORD without the spare."""
        if self._n == len(self._table):
            self._table = np.concatenate((self._table, np.zeros_like(self._table)))
            self._verified = np.concatenate((self._verified, np.zeros_like(self._verified)))
        self._table[self._n] = (*entry, 0)
        self._n += 1

    def snapshot(self) -> tuple[Table, NDArray[np.bool_]]:
        """The table so far, and flags of the records whose checksum a reader has found right."""
        return self._table[: self._n], self._verified[: self._n]
