"""Reads the rows of a tag out of a segment. Every record is checked before the first value of it is believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .block import EXACT, OBJECTS, ONE_QUALITY, ONE_TIME, layout, object_in
from .disk import Disk
from .index import U32, Table
from .marks import Gap, place
from .record import HEAD_SIZE, record_at
from .samples import Samples, joined, no_samples
from .segment import SegmentView

_EXTENT_BITS = 22
_JOIN_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, eq=False)
class _Extent:
    """Rows whose records lie close together, with the bytes of those records from `base` on."""

    rows: U32
    record: NDArray[np.intp]
    base: int
    data: bytes


class SegmentReader:
    """Reads rows of one segment. `gaps` collects what damaged records leave unknown."""

    def __init__(self, disk: Disk, view: SegmentView) -> None:
        self.view = view
        self.gaps: list[Gap] = []
        self._disk = disk

    def rows_between(self, tag: int, start: int, end: int) -> U32:
        """Row numbers of the tag in records that may hold times in [start, end)."""
        rows = self.view.rows_of(tag)
        records = self.view.records
        return rows[((records["t_max"] >= start) & (records["t_min"] < end))[self._record_of(rows)]]

    def last_before(self, tag: int, t: int) -> Samples:
        """The tag's row with the latest time before `t` in this segment; at most one."""
        rows = self.view.rows_of(tag)
        record = self._record_of(rows)
        numbers = np.unique(record)
        entries = self.view.records[numbers]
        t_max = np.minimum(entries["t_max"], t - 1)
        candidates = np.flatnonzero(entries["t_min"] < t)
        best = no_samples()
        for at in candidates[np.argsort(-t_max[candidates], kind="stable")].tolist():
            if len(best) and t_max[at] < best.t[0]:
                break
            found = self.read(rows[record == numbers[at]])
            best = _latest(joined([best, found.take(found.t < t)]))
        return best

    def read(self, rows: U32) -> Samples:
        """Samples of increasing row numbers, in log order. Rows of damaged records are left out, see `gaps`."""
        if not len(rows):
            return no_samples()
        return joined([self._samples(extent) for extent in self._extents(rows)])

    def _record_of(self, rows: U32) -> NDArray[np.intp]:
        return np.searchsorted(self.view.records["first_row"], rows.astype(np.int64), "right") - 1

    def _extents(self, rows: U32) -> Iterator[_Extent]:
        record = self._record_of(rows)
        starts = self.view.records["offset"][record]
        ends = starts + HEAD_SIZE + self.view.records["length"][record]
        apart = (starts[1:] - ends[:-1] > _JOIN_BYTES) | (starts[1:] >> _EXTENT_BITS != starts[:-1] >> _EXTENT_BITS)
        for a, b in pairwise([0, *(np.flatnonzero(apart) + 1).tolist(), len(record)]):
            base, end = int(starts[a]), int(ends[b - 1])
            yield _Extent(rows[a:b], record[a:b], base, self._bytes(base, end - base))

    def _bytes(self, base: int, size: int) -> bytes:
        """The bytes; zeros where the file cannot be read, which no checksum fits."""
        try:
            data = self._disk.read(self.view.path, base, size)
        except OSError:
            data = b""
        return data.ljust(size, b"\0")

    def _samples(self, extent: _Extent) -> Samples:
        good = self._check(extent)
        return _gather(self.view, extent.rows[good], self.view.records[extent.record[good]], extent)

    def _check(self, extent: _Extent) -> NDArray[np.bool_]:
        """Mask of the rows whose record has the right checksum; each record is checked once."""
        view, window = self.view, memoryview(extent.data)
        wrong: list[int] = []
        for number in np.unique(extent.record[~view.verified[extent.record]]).tolist():
            entry = view.records[number]
            offset = int(entry["offset"])
            if record_at(window, offset - extent.base, view.number, offset) is None:
                wrong.append(number)
                self.gaps.append(Gap(int(entry["t_min"]), int(entry["t_max"]), place(view.number, offset)))
            else:
                view.verified[number] = True
        good: NDArray[np.bool_] = ~np.isin(extent.record, wrong)
        return good


def _latest(samples: Samples) -> Samples:
    return samples.take(np.lexsort((samples.place, samples.t))[-1:])


def _gather(view: SegmentView, rows: U32, entries: Table, extent: _Extent) -> Samples:
    n, flags = entries["n"].astype(np.int64), entries["flags"].astype(np.int64)
    payload = entries["offset"] + HEAD_SIZE - extent.base
    k = rows.astype(np.int64) - entries["first_row"]
    at = layout(n, flags)
    words = np.frombuffer(extent.data, "<i8", len(extent.data) // 8)
    codes = np.frombuffer(extent.data, "<u2", len(extent.data) // 2)

    def column(offset: NDArray[np.int64], present: NDArray[np.bool_]) -> NDArray[np.int64]:
        return words[np.where(present, (payload + offset) // 8 + k, 0)]

    def has(flag: int) -> NDArray[np.bool_]:
        present: NDArray[np.bool_] = (flags & flag) != 0
        return present

    samples = no_samples(len(rows))
    samples.values[:] = np.where(has(OBJECTS), np.nan, column(at.values, ~has(OBJECTS)).view("<f8"))
    samples.t[:] = np.where(has(ONE_TIME), entries["time"], column(at.t, ~has(ONE_TIME)))
    samples.exact[:] = np.where(has(EXACT), column(at.exact, has(EXACT)), 0)
    position = np.where(has(ONE_QUALITY), 0, (payload + at.quality) // 2 + k)
    samples.quality[:] = np.where(has(ONE_QUALITY), entries["quality"], codes[position])
    samples.place[:] = place(view.number, 0) + entries["offset"]
    for i in np.flatnonzero(has(OBJECTS)).tolist():
        start = int(payload[i])
        block = memoryview(extent.data)[start : start + int(entries["length"][i])]
        samples.objects[i] = object_in(block, int(n[i]), int(at.ends[i]), int(k[i]))
    return samples
