"""Everything that sealed segments of the log say, as columns: what a compaction begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sereno.historian.block import I64, decode_rows
from sereno.historian.disk import Disk
from sereno.historian.marks import Gap, decode_cover, decode_gap, decode_set, place
from sereno.historian.record import Record, RecordKind
from sereno.historian.recovery import walk_segment
from sereno.historian.segment import decode_header, segment_path
from sereno.model import Fault

from .rows import ColdRows, from_block
from .state import InForceState


@dataclass(slots=True, eq=False)
class LogContent:
    """Rows in log order, by record; gaps; until when tags are confirmed; numbers of segments with damage in them."""

    parts: list[ColdRows]
    gaps: list[Gap]
    covered: dict[int, int]
    damaged: list[int]
    faults: list[Fault]
    t_end: int
    epoch: int


def read_log(disk: Disk, folder: Path, numbers: Sequence[int], state: InForceState) -> LogContent:
    """What the segments say. Rows of a keyframe that `state` has already are left out. Raises OSError."""
    collector = _Collector(state)
    damaged: list[int] = []
    faults: list[Fault] = []
    t_end = epoch = 0
    for number in numbers:
        known = len(faults)
        collector.number = number
        collector.sets = {}
        path = segment_path(folder / "log", number)
        data = disk.read(path)
        header = decode_header(data, path)
        epoch = max(epoch, header.epoch if header is not None else 0)
        t_end = walk_segment(data, path, collector, faults, t_before=t_end)
        if len(faults) > known:
            damaged.append(number)
    return LogContent(collector.parts, collector.gaps, collector.covered, damaged, faults, t_end, epoch)


@dataclass(slots=True, eq=False)
class _Collector:
    """Takes the records of segments (see recovery.Walker)."""

    state: InForceState
    number: int = 0
    sets: dict[int, I64] = field(default_factory=dict)
    parts: list[ColdRows] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    covered: dict[int, int] = field(default_factory=dict)
    objects: list[Any] = field(default_factory=list)

    def take(self, record: Record) -> None:
        at = place(self.number, record.offset)
        if record.kind == RecordKind.ROWS:
            rows = decode_rows(record.payload)
            part = from_block(rows, at, self.objects)
            self.parts.append(part.take(self._new(part)) if rows.keyframe else part)
        elif record.kind == RecordKind.SET:
            key, ids = decode_set(record.payload)
            self.sets[key] = ids
        elif record.kind == RecordKind.COVER:
            for key, t in decode_cover(record.payload).items():
                for tag in self.sets[key].tolist() if key in self.sets else ():
                    self.covered[tag] = max(t, self.covered.get(tag, 0))
        elif record.kind == RecordKind.GAP:
            self.gaps.append(decode_gap(record.payload, at))
        else:
            raise ValueError(f"record of unknown kind {record.kind}")

    def add_gap(self, gap: Gap) -> None:
        self.gaps.append(gap)

    def reached(self, end: int, t: int) -> None:
        """Where a record ends does not matter here."""

    def _new(self, part: ColdRows) -> Any:
        known = self.state.rows
        if not len(known):
            return slice(None)
        at = np.minimum(np.searchsorted(known.tag, part.tag), len(known) - 1)
        return (known.tag[at] != part.tag) | (part.t > known.t[at])
