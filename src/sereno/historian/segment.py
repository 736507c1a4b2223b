"""One segment: its header on disk, and what is known about it in memory."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sereno.model import OperationError

from .block import KEYFRAME, Rows
from .index import NO_ROWS, U32, LatestRows, RecordTable, Table, TagRows
from .marks import Gap

I64 = NDArray[np.int64]

MAGIC = b"SERENO\0L"
VERSION = 1
_HEADER = struct.Struct("<8sHH4xQQq20x")
HEADER_SIZE = 64
CHUNK_ROWS = 1 << 16
_FIRST, _LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """First 64 bytes of a segment. `epoch` counts the starts of the historian on this folder."""

    number: int
    epoch: int
    created: int


def segment_path(folder: Path, number: int) -> Path:
    """File of a segment."""
    return folder / f"{number:012d}.log"


def encode_header(header: SegmentHeader) -> bytes:
    """The 64 bytes, checksum last."""
    body = _HEADER.pack(MAGIC, VERSION, HEADER_SIZE, header.number, header.epoch, header.created)
    return body + struct.pack("<I", zlib.crc32(body))


def decode_header(data: bytes, path: Path) -> SegmentHeader | None:
    """The header; None if it is damaged. Raises OperationError for a segment of another version."""
    if len(data) < HEADER_SIZE or struct.unpack_from("<I", data, HEADER_SIZE - 4)[0] != zlib.crc32(data[:60]):
        return None
    magic, version, size, number, epoch, created = _HEADER.unpack_from(data)
    if magic != MAGIC or size != HEADER_SIZE:
        return None
    if version != VERSION:
        raise OperationError(f"{path} is of log version {version}, this historian reads {VERSION}; use a newer Sereno")
    return SegmentHeader(number, epoch, created)


@dataclass(frozen=True, slots=True, eq=False)
class SegmentView:
    """A segment as a query sees it: everything up to byte `end`.

    `t_min`, `t_max` hold for the rows that are not a keyframe (t_min > t_max: there are none).
    `t_end` is the time of the last commit. `cover` are pairs of sorted tag ids and the time they are known until.
    """

    header: SegmentHeader
    path: Path
    end: int
    t_min: int
    t_max: int
    t_end: int
    records: Table
    verified: NDArray[np.bool_]
    chunks: tuple[TagRows, ...]
    latest: LatestRows | None
    cover: tuple[tuple[I64, I64], ...]
    gaps: tuple[Gap, ...]

    @property
    def number(self) -> int:
        """Number of the segment."""
        return self.header.number

    def indexes(self) -> list[TagRows]:
        """All rows grouped by tag, in consecutive pieces."""
        return [*self.chunks, self.latest.grouped()] if self.latest is not None else list(self.chunks)

    def rows_of(self, tag: int) -> U32:
        """Row numbers of a tag in log order."""
        found = [rows for chunk in self.indexes() if len(rows := chunk.rows_of(tag))]
        return found[0] if len(found) == 1 else np.concatenate(found) if found else NO_ROWS

    def cover_of(self, tag: int) -> int:
        """The tag is known to have kept its last value until then, ns UTC; 0 = nothing known."""
        until = 0
        for ids, times in self.cover:
            at = int(np.searchsorted(ids, tag))
            if at < len(ids) and ids[at] == tag:
                until = max(until, int(times[at]))
        return until


@dataclass(slots=True, eq=False)
class _Unsorted:
    """Rows that are not in a chunk yet."""

    first_row: int = 0
    keys: list[NDArray[np.int32]] = field(default_factory=list)
    ids: list[I64] = field(default_factory=list)
    t: list[I64] = field(default_factory=list)

    def rows(self) -> LatestRows:
        return LatestRows(self.keys, self.ids, self.t, self.first_row)


class SegmentBuilder:
    """Collects what becomes a SegmentView, record by record."""

    def __init__(self, header: SegmentHeader, path: Path) -> None:
        self.header = header
        self.path = path
        self.end = HEADER_SIZE
        self.sets: dict[int, I64] = {}
        self.rows = 0
        self._t_min, self._t_max, self._t_end = int(_LAST), int(_FIRST), header.created
        self._records = RecordTable()
        self._chunks: list[TagRows] = []
        self._open = _Unsorted()
        self._cover: dict[int, int] = {}
        self._gaps: list[Gap] = []

    def add_rows(self, rows: Rows, keys: NDArray[np.int32], flags: int, offset: int, length: int) -> None:
        """A ROWS record; `keys` number the tags (equal keys mean equal ids, sorted runs are fast)."""
        t_min, t_max = int(rows.t.min()), int(rows.t.max())
        entry = (offset, self.rows, t_min, t_max, int(rows.t[0]), len(rows), length, flags, int(rows.quality[0]))
        self._records.append(entry)
        if not flags & KEYFRAME:
            self._t_min, self._t_max = min(self._t_min, t_min), max(self._t_max, t_max)
        self._open.keys.append(keys)
        self._open.ids.append(rows.ids)
        self._open.t.append(rows.t)
        self.rows += len(rows)
        if self.rows - self._open.first_row >= CHUNK_ROWS:
            self._chunks.append(self._open.rows().grouped())
            self._open = _Unsorted(self.rows)

    def add_cover(self, until: dict[int, int]) -> None:
        """A COVER record."""
        for key, t in until.items():
            self._cover[key] = max(t, self._cover.get(key, 0))

    def add_gap(self, gap: Gap) -> None:
        """A GAP record, or damage that a scan found."""
        self._gaps.append(gap)

    def reached(self, end: int, t: int) -> None:
        """A record that was committed at `t` ends at byte `end`."""
        self.end = end
        self._t_end = max(self._t_end, t)

    def view(self) -> SegmentView:
        """What is there so far."""
        records, verified = self._records.snapshot()
        return SegmentView(
            self.header,
            self.path,
            self.end,
            self._t_min,
            self._t_max,
            self._t_end,
            records,
            verified,
            tuple(self._chunks),
            self._open.rows() if self._open.keys else None,
            _cover_pairs(self.sets, self._cover),
            tuple(self._gaps),
        )


def _cover_pairs(sets: dict[int, I64], cover: dict[int, int]) -> tuple[tuple[I64, I64], ...]:
    pairs = [(sets[key], t) for key, t in cover.items() if key in sets]
    return tuple((ids, np.broadcast_to(np.int64(t), ids.shape)) for ids, t in pairs)
