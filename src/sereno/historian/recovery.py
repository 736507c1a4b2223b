"""Opening a folder of segments: index files where they are right, a scan of the log where they are not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import structlog

from sereno.model import Fault

from .block import BLOCK_HEAD, I32, I64, decode_rows
from .disk import Disk
from .marks import Gap, decode_cover, decode_gap, decode_set, place
from .record import Damage, Record, RecordKind, scan_records
from .sealed import SegmentRef, compacted, encode_index, index_path, load_index
from .segment import HEADER_SIZE, SegmentBuilder, SegmentHeader, SegmentView, decode_header

SLACK_NS = 1_000_000_000
"""Samples may be this much older than the commit before theirs: damage is unknown from so much earlier."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class OpenedLog:
    """What was found in the folder. `faults` names every damage with file and offset."""

    segments: list[SegmentRef] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    next_number: int = 1
    epoch: int = 1

    @property
    def last_commit(self) -> int:
        """Time of the last commit that is there, ns UTC; 0 = the log is empty."""
        return max((ref.outline.t_end for ref in self.segments), default=0)


def open_log(disk: Disk, folder: Path, *, after: int = 0) -> OpenedLog:
    """Open every segment of `folder` (created if missing) with a number above `after`; the others are compacted.

    Raises OSError, and OperationError for a newer version.
    """
    folder.mkdir(parents=True, exist_ok=True)
    opened = OpenedLog(next_number=after + 1)
    paths = sorted(p for p in folder.glob("*.log") if p.stem.isdigit())
    for path in paths:
        if int(path.stem) <= after:
            disk.remove(index_path(path))
            disk.remove(path)
            continue
        view = _open_segment(disk, path, opened, newest=path is paths[-1])
        opened.next_number = int(path.stem) + 1
        if view is not None:
            opened.epoch = max(opened.epoch, view.header.epoch + 1)
            opened.segments.append(SegmentRef.of(view, hold=False))
    return opened


def _open_segment(disk: Disk, path: Path, opened: OpenedLog, *, newest: bool) -> SegmentView | None:
    size = path.stat().st_size
    known = load_index(disk, path)
    if known is not None and known.end == size:
        return known
    view = scan_segment(disk, path, opened.faults, t_before=opened.last_commit)
    cut_off = known is not None and known.end > size
    if known is not None and known.end > size:
        view = _cut_off(view, known, size, opened.faults)
    if view.end < size and newest:
        disk.truncate(path, view.end)
    if view.end <= HEADER_SIZE and not view.gaps:
        disk.remove(path)
        return None
    view = compacted(view)
    if (view.end == size or newest) and not cut_off:
        disk.replace(index_path(path), encode_index(view))
    return view


def _cut_off(view: SegmentView, known: SegmentView, size: int, faults: list[Fault]) -> SegmentView:
    """A sealed segment that is shorter than its index says: even cut between two records it has lost something."""
    lost = Fault(f"{view.path} byte {size}", f"{known.end - size} bytes are missing", fix="The tags have a gap there")
    faults.append(lost)
    gap = Gap(view.t_end - SLACK_NS, known.t_end, place(known.number, view.end))
    return replace(view, gaps=(*view.gaps, gap))


def scan_segment(disk: Disk, path: Path, faults: list[Fault], *, t_before: int = 0) -> SegmentView:
    """Read a whole segment. Damaged records are skipped, become gaps and are added to `faults`."""
    data = disk.read(path)
    header = _header(data, path, faults, t_before)
    builder = _Indexer(SegmentBuilder(header, path))
    _walk(data, path, max(header.created, t_before), builder, faults)
    return builder.segment.view()


class Walker(Protocol):
    """Takes what a segment says, in the order of the log."""

    def take(self, record: Record) -> None:
        """A whole record. Raises ValueError if its content is not of this version."""

    def add_gap(self, gap: Gap) -> None:
        """Damage: what was stated before is not known to hold."""

    def reached(self, end: int, t: int) -> None:
        """The record that was committed at `t` ends at byte `end`."""


def walk_segment(data: bytes, path: Path, walker: Walker, faults: list[Fault], *, t_before: int = 0) -> int:
    """Hand everything of a segment to `walker`, damage as gaps and in `faults`. Returns the time of its last commit."""
    header = _header(data, path, faults, t_before)
    return _walk(data, path, max(header.created, t_before), walker, faults)


def _header(data: bytes, path: Path, faults: list[Fault], t_before: int) -> SegmentHeader:
    header = decode_header(data, path)
    if header is not None and header.number == int(path.stem):
        return header
    if data:
        faults.append(Fault(f"{path} byte 0", "damaged header", fix="The records after it were kept"))
    return SegmentHeader(int(path.stem), 0, t_before)


def _walk(data: bytes, path: Path, t: int, walker: Walker, faults: list[Fault]) -> int:
    number = int(path.stem)
    lost: Damage | None = None
    for found in scan_records(data, number, HEADER_SIZE):
        problem = found if isinstance(found, Damage) else _take(walker, found)
        if problem is not None:
            faults.append(_fault(path, problem))
            lost = lost or problem
            continue
        assert isinstance(found, Record)
        if lost is not None:
            walker.add_gap(Gap(t - SLACK_NS, found.t, place(number, lost.offset)))
            lost = None
        t = found.t
        walker.reached(found.end, t)
    if lost is not None:
        walker.add_gap(Gap(t - SLACK_NS, t, place(number, lost.offset)))
    return t


class _Numbers:
    """Small numbers for the tag ids of one segment."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}

    def of(self, ids: I64) -> I32:
        unique, inverse = np.unique(ids, return_inverse=True)
        numbers = [self._known.setdefault(tag, len(self._known)) for tag in unique.tolist()]
        return np.array(numbers, np.int32)[inverse]


def _fault(path: Path, damage: Damage) -> Fault:
    size = damage.end - damage.offset
    if damage.torn:
        return Fault(f"{path} byte {damage.offset}", f"{size} bytes of an unfinished commit at the end", fix="Left out")
    return Fault(
        f"{path} byte {damage.offset}",
        f"{size} damaged bytes",
        fix="Left out; the tags have a gap there; check the disk",
    )


def _take(walker: Walker, record: Record) -> Damage | None:
    """Damage if the checksum of a record is right and its content is not of this version."""
    try:
        walker.take(record)
    except ValueError as error:
        _log.warning("record of the log not understood", offset=record.offset, error=str(error))
        return Damage(record.offset, record.end, torn=False)
    return None


class _Indexer:
    """A Walker that builds the view of a segment."""

    def __init__(self, segment: SegmentBuilder) -> None:
        self.segment = segment
        self.add_gap = segment.add_gap
        self.reached = segment.reached
        self._numbers = _Numbers()

    def take(self, record: Record) -> None:
        builder = self.segment
        if record.kind == RecordKind.ROWS:
            rows = decode_rows(record.payload)
            flags = BLOCK_HEAD.unpack_from(record.payload)[1]
            builder.add_rows(rows, self._numbers.of(rows.ids), flags, record.offset, len(record.payload))
        elif record.kind == RecordKind.SET:
            key, ids = decode_set(record.payload)
            builder.sets[key] = ids.copy()
        elif record.kind == RecordKind.COVER:
            builder.add_cover(decode_cover(record.payload))
        elif record.kind == RecordKind.GAP:
            builder.add_gap(decode_gap(record.payload, place(builder.header.number, record.offset)))
        else:
            raise ValueError(f"record of unknown kind {record.kind}")
