"""Opening a folder of segments: index files where they are right, a scan of the log where they are not."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

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


def open_log(disk: Disk, folder: Path) -> OpenedLog:
    """Open every segment of `folder` (created if missing). Raises OSError, and OperationError for a newer version."""
    folder.mkdir(parents=True, exist_ok=True)
    opened = OpenedLog()
    paths = sorted(p for p in folder.glob("*.log") if p.stem.isdigit())
    for path in paths:
        view = _open_segment(disk, path, opened, newest=path is paths[-1])
        opened.next_number = int(path.stem) + 1
        if view is not None:
            opened.epoch = max(opened.epoch, view.header.epoch + 1)
            opened.segments.append(SegmentRef.of(view, hold=False))
    return opened


def _open_segment(disk: Disk, path: Path, opened: OpenedLog, *, newest: bool) -> SegmentView | None:
    size = path.stat().st_size
    view = load_index(disk, path)
    if view is not None and view.end == size:
        return view
    view = scan_segment(disk, path, opened.faults, t_before=opened.last_commit)
    if view.end < size and newest:
        disk.truncate(path, view.end)
    if view.end <= HEADER_SIZE and not view.gaps:
        disk.remove(path)
        return None
    view = compacted(view)
    if view.end == size or newest:
        disk.replace(index_path(path), encode_index(view))
    return view


def scan_segment(disk: Disk, path: Path, faults: list[Fault], *, t_before: int = 0) -> SegmentView:
    """Read a whole segment. Damaged records are skipped, become gaps and are added to `faults`."""
    data = disk.read(path)
    number = int(path.stem)
    header = decode_header(data, path)
    if header is None or header.number != number:
        if data:
            faults.append(Fault(f"{path} byte 0", "damaged header", fix="The records after it were kept"))
        header = SegmentHeader(number, 0, t_before)
    builder = SegmentBuilder(header, path)
    numbers = _Numbers()
    t = max(header.created, t_before)
    lost: Damage | None = None
    for found in scan_records(data, number, HEADER_SIZE):
        problem = found if isinstance(found, Damage) else _take(builder, numbers, found)
        if problem is not None:
            faults.append(_fault(path, problem))
            lost = lost or problem
            continue
        assert isinstance(found, Record)
        if lost is not None:
            builder.add_gap(Gap(t - SLACK_NS, found.t, place(number, lost.offset)))
            lost = None
        t = found.t
        builder.reached(found.end, t)
    if lost is not None:
        builder.add_gap(Gap(t - SLACK_NS, t, place(number, lost.offset)))
    return builder.view()


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


def _take(builder: SegmentBuilder, numbers: _Numbers, record: Record) -> Damage | None:
    """Index one record; Damage if its checksum is right and its content is not of this version."""
    try:
        _index(builder, numbers, record)
    except ValueError as error:
        _log.warning("record of the log not understood", offset=record.offset, error=str(error))
        return Damage(record.offset, record.end, torn=False)
    return None


def _index(builder: SegmentBuilder, numbers: _Numbers, record: Record) -> None:
    if record.kind == RecordKind.ROWS:
        rows = decode_rows(record.payload)
        flags = BLOCK_HEAD.unpack_from(record.payload)[1]
        builder.add_rows(rows, numbers.of(rows.ids), flags, record.offset, len(record.payload))
    elif record.kind == RecordKind.SET:
        key, ids = decode_set(record.payload)
        builder.sets[key] = ids.copy()
    elif record.kind == RecordKind.COVER:
        builder.add_cover(decode_cover(record.payload))
    elif record.kind == RecordKind.GAP:
        builder.add_gap(decode_gap(record.payload, place(builder.header.number, record.offset)))
    else:
        raise ValueError(f"record of unknown kind {record.kind}")
