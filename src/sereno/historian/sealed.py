"""The index file of a sealed segment (NNN.idx): derived from the log, rebuilt when it is missing or wrong."""

from __future__ import annotations

import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .disk import Disk
from .index import RECORD, TAG, Table, TagRows, merge_rows
from .marks import Gap
from .segment import I64, SegmentHeader, SegmentView

_MAGIC = b"SERENO\0I"
_VERSION = 1
_HEADER = struct.Struct("<8sHHIQQqqqqqQQQQQ")
_GAP = np.dtype([("start", "<i8"), ("end", "<i8"), ("place", "<i8")])


def index_path(log: Path) -> Path:
    """Index file of a segment."""
    return log.with_suffix(".idx")


def compacted(view: SegmentView) -> SegmentView:
    """The same view with one chunk and one time per covered tag."""
    ids, until = _merged_cover(view)
    return replace(view, chunks=(merge_rows(view.indexes()),), latest=None, cover=((ids, until),))


def encode_index(view: SegmentView) -> bytes:
    """Bytes of the index file of a compacted view."""
    (chunk,), ((ids, until),) = view.chunks, view.cover
    gaps = np.array([(g.start, g.end, g.place) for g in view.gaps], _GAP)
    columns = (view.records, chunk.tags, chunk.rows.astype("<u4"), ids, until, gaps)
    body = b"".join(c.tobytes() for c in columns)
    header = view.header
    head = _HEADER.pack(
        _MAGIC,
        _VERSION,
        0,
        zlib.crc32(body),
        header.number,
        header.epoch,
        header.created,
        view.end,
        view.t_min,
        view.t_max,
        view.t_end,
        *(len(c) for c in (view.records, chunk.tags, chunk.rows, ids, gaps)),
    )
    return head + struct.pack("<I", zlib.crc32(head)) + body


def decode_index(data: bytes, log: Path) -> SegmentView | None:
    """The view; None if the bytes are not a whole index of this version."""
    size = _HEADER.size + 4
    if len(data) < size or struct.unpack_from("<I", data, _HEADER.size)[0] != zlib.crc32(data[: _HEADER.size]):
        return None
    magic, version, _, crc, number, epoch, created, end, t_min, t_max, t_end, *counts = _HEADER.unpack_from(data)
    if magic != _MAGIC or version != _VERSION or crc != zlib.crc32(memoryview(data)[size:]):
        return None
    counts = [*counts[:4], *counts[3:]]
    dtypes: tuple[np.dtype[Any], ...] = (RECORD, TAG, np.dtype("<u4"), np.dtype("<i8"), np.dtype("<i8"), _GAP)
    if len(data) != size + sum(dtype.itemsize * n for dtype, n in zip(dtypes, counts, strict=True)):
        return None
    records, tags, rows, ids, until, gaps = _columns(data, size, dtypes, counts)
    return SegmentView(
        SegmentHeader(number, epoch, created),
        log,
        end,
        t_min,
        t_max,
        t_end,
        records,
        np.zeros(len(records), np.bool_),
        (TagRows(tags, rows),),
        None,
        ((ids, until),),
        tuple(Gap(*g) for g in gaps.tolist()),
    )


def _columns(data: bytes, at: int, dtypes: tuple[np.dtype[np.generic], ...], counts: list[int]) -> list[Table]:
    columns: list[Table] = []
    for dtype, count in zip(dtypes, counts, strict=True):
        columns.append(np.frombuffer(data, dtype, count, at))
        at += dtype.itemsize * count
    return columns


def _merged_cover(view: SegmentView) -> tuple[I64, I64]:
    if not view.cover:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    ids, inverse = np.unique(np.concatenate([i for i, _ in view.cover]), return_inverse=True)
    until = np.zeros(len(ids), np.int64)
    np.maximum.at(until, inverse, np.concatenate([t for _, t in view.cover]))
    return ids, until


@dataclass(slots=True, eq=False)
class SegmentRef:
    """A segment of which only the outline is in memory, or (`held`) everything."""

    outline: SegmentView
    held: SegmentView | None
    removed: bool = False

    @classmethod
    def of(cls, view: SegmentView, *, hold: bool) -> SegmentRef:
        """Keep the outline of `view`, and the view itself if `hold`."""
        outline = replace(
            view, records=np.empty(0, RECORD), verified=np.empty(0, np.bool_), chunks=(), latest=None, cover=()
        )
        return cls(outline, view if hold else None)


class ViewCache:
    """Loads the index files of sealed segments and keeps the latest used up to `max_bytes`. For any thread.

    `rescan` makes the view from the log where the index file is missing or wrong.
    """

    def __init__(self, disk: Disk, rescan: Callable[[SegmentView], SegmentView], max_bytes: int = 32 << 20) -> None:
        self._disk = disk
        self._rescan = rescan
        self._max_bytes = max_bytes
        self._views: OrderedDict[int, tuple[SegmentView, int]] = OrderedDict()
        self._lock = threading.Lock()

    def view(self, ref: SegmentRef) -> SegmentView:
        """The whole view of a segment. Raises OSError if the log cannot be read."""
        held = ref.held
        if held is not None:
            return held
        number = ref.outline.number
        with self._lock:
            if number in self._views:
                self._views.move_to_end(number)
                return self._views[number][0]
        view, size = self._load(ref.outline)
        with self._lock:
            self._views[number] = (view, size)
            while len(self._views) > 1 and sum(s for _, s in self._views.values()) > self._max_bytes:
                self._views.popitem(last=False)
        return view

    def _load(self, outline: SegmentView) -> tuple[SegmentView, int]:
        view = load_index(self._disk, outline.path)
        if view is None or view.end != outline.end:
            view = compacted(self._rescan(outline))
        return view, view.records.nbytes + view.chunks[0].tags.nbytes + view.chunks[0].rows.nbytes


def load_index(disk: Disk, log: Path) -> SegmentView | None:
    """The view from the index file beside `log`; None if there is none that is whole."""
    try:
        return decode_index(disk.read(index_path(log)), log)
    except OSError:
        return None
