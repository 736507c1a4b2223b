"""Everything durable, as queries see it: what is cold, the sealed segments of the log and the active one.

Files are deleted only when no query that began before their end is still under way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path

import msgspec
import structlog

from .bulk.absorbing import Absorption
from .cold.keeper import ColdKeeper
from .cold.manifest import ColdFile
from .cold.pruning import Pruning
from .cold.worker import Order, Taken
from .disk import Disk
from .retention import BEYOND, FULL, Limits, Removed, beyond, remove
from .sealed import SegmentRef, index_path

AT_ONCE = 256 << 20
"""Bytes of the log that one compaction takes."""
_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Leftover:
    """What may be deleted once `readers` have ended."""

    readers: set[Hashable]
    segments: list[SegmentRef]
    damaged: frozenset[int]
    names: tuple[str, ...]


class Holdings:
    """Belongs to the event loop."""

    def __init__(self, disk: Disk, cold: ColdKeeper, removed: Callable[[Removed], None]) -> None:
        self.cold = cold
        self.segments: list[SegmentRef] = []
        self.active: SegmentRef | None = None
        self.dropped_segments = 0
        self._disk = disk
        self._removed = removed
        self._readers: set[Hashable] = set()
        self._leftovers: list[_Leftover] = []

    def all_segments(self) -> tuple[SegmentRef, ...]:
        """The segments that are not compacted, in the order of the log."""
        return (*self.segments, self.active) if self.active is not None else tuple(self.segments)

    def begin(self, reader: Hashable) -> None:
        """A query begins; what it saw stays until its `end`."""
        self._readers.add(reader)

    def end(self, reader: Hashable) -> None:
        """A query has ended."""
        self._readers.discard(reader)
        for leftover in self._leftovers:
            leftover.readers.discard(reader)
        self._clear()

    def due(self, now: int) -> list[SegmentRef]:
        """The oldest sealed segments, if it is time to compact them."""
        indexed = self.compactable()
        if not indexed:
            return []
        size = sum(ref.outline.end for ref in indexed)
        return indexed if self.cold.worth(size, indexed[0].outline.header.created, now) else []

    def compactable(self) -> list[SegmentRef]:
        """The oldest sealed segments that have their index, no more than are read into memory together."""
        indexed = list(takewhile(lambda ref: ref.held is None, self.segments))
        ends = list(accumulate(ref.outline.end for ref in indexed))
        return indexed[: max(1, bisect_right(ends, AT_ONCE))]

    async def compact(self, refs: Sequence[SegmentRef]) -> None:
        """Compact the oldest sealed segments. Raises OperationError, OSError; then nothing has changed."""
        old = self.cold.view.manifest
        outcome = await self.cold.compact([ref.outline.number for ref in refs])
        self.segments = [ref for ref in self.segments if ref.outline.number > self.cold.view.manifest.compacted]
        gone = old.kept() - self.cold.view.manifest.kept()
        self._leave(list(refs), frozenset(outcome.damaged), tuple(sorted(gone)))

    async def prune(self, what: Pruning, reason: str = "") -> int:
        """Delete within the cold files; how many samples went. With a reason it is told. Raises as `compact`."""
        old, before = self.cold.view.manifest, self.cold.size().bytes
        outcome = await self.cold.work(Order(pruning=what))
        gone = old.kept() - self.cold.view.manifest.kept()
        self._leave([], frozenset(), tuple(sorted(gone)))
        if reason and what.removals:
            start, end = min(r.start for r in what.removals), max(r.end for r in what.removals)
            self._removed(Removed((), start, end, before - self.cold.size().bytes, reason))
        return outcome.rows

    async def absorb(self, what: Absorption, progress: Callable[[float], None]) -> Taken:
        """Take an import into the cold files. Raises as `compact`."""
        old = self.cold.view.manifest
        outcome = await self.cold.work(Order(absorption=what), progress)
        gone = old.kept() - self.cold.view.manifest.kept()
        self._leave([], frozenset(), tuple(sorted(gone)))
        assert outcome.taken is not None
        return outcome.taken

    async def retain(self, now: int, limits: Limits) -> None:
        """Delete the oldest beyond the limits: cold files first, whole slots, then sealed segments. Raises OSError."""
        hot = sum(ref.outline.end for ref in self.segments)
        most = limits.max_bytes
        files = self.cold.beyond(now, Limits(None if most is None else most - hot, limits.max_age))
        if files:
            await self._drop_cold(files)
        left = None if most is None else max(0, most - self.cold.size().bytes)
        count = beyond(self.segments, now, Limits(left, limits.max_age))
        dropped, self.segments = self.segments[:count], self.segments[count:]
        self.dropped_segments += count
        if dropped:
            self._leave(dropped, frozenset(), ())
            self._removed(Removed.of(dropped))

    async def drop_oldest(self) -> bool:
        """Delete the oldest slot of the cold files, or else the oldest sealed segment; False if there is none.

        Also False while a query still reads what was deleted before: that has to go first.
        """
        files = self.cold.oldest()
        if self._leftovers or not (files or self.segments):
            return False
        if files:
            try:
                await self._drop_cold(files, FULL)
            except OSError as error:
                _log.warning("the disk is too full for a new manifest", error=str(error))
            else:
                return True
        dropped, self.segments = self.segments[:1], self.segments[1:]
        self.dropped_segments += len(dropped)
        if dropped:
            self._leave(dropped, frozenset(), ())
            self._removed(Removed.of(dropped, FULL))
        return bool(dropped)

    async def _drop_cold(self, files: Sequence[ColdFile], reason: str = BEYOND) -> None:
        manifest = self.cold.view.manifest
        kept = tuple(f for f in manifest.files if f not in files)
        aside = tuple(f for f in manifest.aside if f not in files)
        new = msgspec.structs.replace(manifest, generation=manifest.generation + 1, files=kept, aside=aside)
        await self.cold.save(new)
        self._leave([], frozenset(), tuple(f.name for f in files))
        start, end = min(f.start for f in files), max(f.end for f in files)
        self._removed(Removed((), start, end, sum(f.size for f in files), reason))

    def _leave(self, segments: list[SegmentRef], damaged: frozenset[int], names: tuple[str, ...]) -> None:
        self._leftovers.append(_Leftover(set(self._readers), segments, damaged, names))
        self._clear()

    def _clear(self) -> None:
        while self._leftovers and not self._leftovers[0].readers:
            leftover = self._leftovers.pop(0)
            for ref in leftover.segments:
                if ref.outline.number in leftover.damaged:
                    keep_damaged(self._disk, ref)
                else:
                    remove(self._disk, ref)
            for name in leftover.names:
                self.cold.remove(name)


def keep_damaged(disk: Disk, ref: SegmentRef) -> None:
    """Put a segment aside in which damage was found: what can be read of it is cold, and nobody deletes the rest."""
    ref.removed = True
    path: Path = ref.outline.path
    try:
        disk.rename(path, path.with_name(path.name + ".damaged"))
        disk.remove(index_path(path))
    except OSError as error:
        _log.warning("damaged segment not put aside", segment=str(path), error=str(error))
