"""Appends commits to the active segment. What failed to reach the disk is written again to a new segment."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from sereno.model import Clock

from .block import Block, encode_rows
from .disk import AppendFile, Disk
from .encoder import CommitData
from .marks import Gap, encode_cover, encode_gap, encode_set, place
from .record import HEAD_SIZE, RecordKind, encode_record
from .segment import HEADER_SIZE, SegmentBuilder, SegmentHeader, SegmentView, encode_header, segment_path

_DAY = 86_400 * 10**9
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class SyncTimes:
    """How long the disk took to make commits durable, in seconds, and how often it failed."""

    last: float = 0.0
    worst: float = 0.0
    commits: int = 0
    failures: int = 0
    last_error: str = ""
    problem: str = ""


@dataclass(slots=True, eq=False)
class _Item:
    kind: RecordKind
    parts: list[Any]
    index: Callable[[SegmentBuilder, int, int], None]


@dataclass(slots=True, eq=False)
class _Active:
    file: AppendFile
    builder: SegmentBuilder
    preamble: list[_Item] = field(default_factory=list)


class LogWriter:
    """Used by one thread at a time. `keyframe` gives what is in force when a segment begins.

    `gap` is what the first segment states: the time between the last commit of the previous start and this start.
    """

    def __init__(
        self,
        disk: Disk,
        folder: Path,
        clock: Clock,
        keyframe: Callable[[], list[Block]],
        *,
        epoch: int,
        next_number: int,
        segment_bytes: int,
        gap: Gap | None,
    ) -> None:
        self.times = SyncTimes()
        self.sealed: list[SegmentView] = []
        self._disk = disk
        self._folder = folder
        self._clock = clock
        self._keyframe = keyframe
        self._epoch = epoch
        self._next_number = next_number
        self._segment_bytes = segment_bytes
        self._gap = gap
        self._active: _Active | None = None

    @property
    def view(self) -> SegmentView | None:
        """The active segment up to the last durable commit."""
        return None if self._active is None else self._active.builder.view()

    def write(self, data: CommitData, t: int) -> None:
        """Return when `data` is on the disk, stamped `t` ns UTC. Views that were sealed meanwhile are in `sealed`.

        A file on which a write or sync failed is never used again: the data goes to a new one, once.
        Raises OSError if that fails too; nothing of `data` counts as written then, and it may be given again.
        """
        if self._active is not None and self._full(self._active.builder, t):
            self.seal()
        try:
            self._write(data, t)
        except OSError as error:
            self._abandon(error)
            try:
                self._write(data, t)
            except OSError as again:
                self._abandon(again)
                raise

    def seal(self) -> None:
        """Close the active segment; its view is in `sealed`."""
        if self._active is None:
            return
        active, self._active = self._active, None
        with contextlib.suppress(OSError):
            active.file.close()
        if active.builder.end > HEADER_SIZE:
            self.sealed.append(active.builder.view())
        else:
            with contextlib.suppress(OSError):
                self._disk.remove(active.builder.path)

    def close(self) -> None:
        """Close the active segment as it is, after a failure."""
        if self._active is not None:
            with contextlib.suppress(OSError):
                self._active.file.close()

    def _full(self, builder: SegmentBuilder, t: int) -> bool:
        """A segment also ends with its day, so that the day can be compacted."""
        return builder.end >= self._segment_bytes or builder.header.created // _DAY != t // _DAY

    def _write(self, data: CommitData, t: int) -> None:
        if self._active is None:
            self._active = self._open(t)
        active, builder = self._active, self._active.builder
        offset = builder.end
        buffers: list[Any] = []
        placed: list[tuple[_Item, int, int]] = []
        for item in (*active.preamble, *_items(data, builder)):
            record = encode_record(item.kind, item.parts, t, builder.header.number, offset)
            length = sum(memoryview(b).nbytes for b in record) - HEAD_SIZE
            placed.append((item, offset, length))
            buffers += record
            offset += HEAD_SIZE + length
        active.file.append(b"".join(buffers))
        self._sync(active.file)
        active.preamble = []
        for item, at, length in placed:
            item.index(builder, at, length)
        builder.reached(offset, t)
        self._gap = None

    def _sync(self, file: AppendFile) -> None:
        started = self._clock.monotonic()
        file.sync()
        self.times.last = self._clock.monotonic() - started
        self.times.worst = max(self.times.worst, self.times.last)
        self.times.commits += 1
        self.times.problem = ""

    def _open(self, t: int) -> _Active:
        header = SegmentHeader(self._next_number, self._epoch, t)
        self._next_number += 1
        path = segment_path(self._folder, header.number)
        file = self._disk.create(path)
        try:
            file.append(encode_header(header))
            self._disk.sync_folder(self._folder)
        except OSError:
            file.close()
            with contextlib.suppress(OSError):
                self._disk.remove(path)
            raise
        preamble = [_rows_item(block) for block in self._keyframe()]
        if self._gap is not None:
            preamble.append(_gap_item(self._gap))
        return _Active(file, SegmentBuilder(header, path), preamble)

    def _abandon(self, error: OSError) -> None:
        self.times.failures += 1
        self.times.last_error = self.times.problem = str(error)
        if self._active is None:
            _log.error("historian cannot open a new segment", folder=str(self._folder), error=str(error))
            return
        path, end = self._active.builder.path, self._active.builder.end
        _log.error("historian leaves a segment after a failed write", segment=str(path), byte=end, error=str(error))
        self.seal()
        with contextlib.suppress(OSError):
            self._disk.truncate(path, end)


def _items(data: CommitData, builder: SegmentBuilder) -> list[_Item]:
    items = [_rows_item(block) for block in data.blocks]
    items += [_set_item(key, data.sets[key]) for key in data.cover if key not in builder.sets]
    if data.cover:
        until = data.cover
        items.append(_Item(RecordKind.COVER, encode_cover(until), lambda b, *_: b.add_cover(until)))
    return items


def _rows_item(block: Block) -> _Item:
    flags, parts = encode_rows(block.rows)

    def index(builder: SegmentBuilder, offset: int, length: int, flags: int = flags) -> None:
        builder.add_rows(block.rows, block.keys, flags, offset, length)

    return _Item(RecordKind.ROWS, parts, index)


def _set_item(key: int, ids: Any) -> _Item:
    return _Item(RecordKind.SET, encode_set(key, ids), lambda b, *_: b.sets.update({key: ids}))


def _gap_item(gap: Gap) -> _Item:
    def index(builder: SegmentBuilder, offset: int, _length: int) -> None:
        builder.add_gap(Gap(gap.start, gap.end, place(builder.header.number, offset)))

    return _Item(RecordKind.GAP, encode_gap(gap.start, gap.end), index)
