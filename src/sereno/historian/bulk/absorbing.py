"""Imported samples become cold files: the slots that they are in are written anew, with their roll-ups.

As a compaction it changes nothing that counts: the caller lets the new manifest count. What is there already with the
same value stays as it is; of an imported and a recorded sample of the same time the imported one counts. After the last
imported sample of a tag holds again what held there before; where nothing was known, nothing is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from sereno.historian.cold.compacting import Compacted, Job, Problems, SlotWriter, load_definitions, present_state
from sereno.historian.cold.manifest import FOLDER, ColdFile, Manifest
from sereno.historian.cold.reading import ColdReader
from sereno.historian.cold.rewriting import Declared
from sereno.historian.cold.rows import ColdRows, concatenated, in_tag_order
from sereno.historian.cold.slots import DAY, Division
from sereno.historian.cold.state import InForceState
from sereno.historian.cold.statefile import save_state
from sereno.historian.cold.view import ColdView
from sereno.historian.disk import Disk
from sereno.historian.room import Room, WhenFull
from sereno.historian.tags import Definition

from .comparing import different
from .ends import END_PLACE, end_rows
from .gathered import HOUR, Gathered
from .stage import FOLDER as STAGES
from .stage import Stage, UnfitError

_AHEAD = 3600 * 10**9
"""So much (ns) clocks of others may be ahead."""
_ROW_BYTES = 21
_LOOKED = 0.1
"""Share of the work that looking at the parts is."""


class Absorption(msgspec.Struct, frozen=True):
    """Which import to take in. `since`: its tags, by id, with the time (ns UTC) before which they meant something else.

    What is imported up to `until` or later gets no row after its last: what is recorded then comes after it. What is
    much later is yet to come, and refused. `keep_free`: bytes of the disk that are not for history, as of Room.
    """

    key: str
    since: dict[int, int]
    until: int
    keep_free: int = 0


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What came of it: samples, those that were not there already, first and last time (ns UTC)."""

    done: Compacted
    rows: int
    new: int
    first: int
    last: int


def absorb(
    disk: Disk, folder: Path, manifest: Manifest, what: Absorption, progress: Callable[[float], None] = lambda _: None
) -> Absorbed:
    """Write the slots anew that an import touches. Raises OSError, OperationError."""
    (folder / FOLDER).mkdir(exist_ok=True)
    definitions = load_definitions(disk, folder)
    job = Job(disk, folder, manifest, Declared(definitions))
    problems = Problems()
    state = present_state(job, problems)
    stage = Stage.open(disk, folder / STAGES / what.key)
    gathered = Gathered.of(stage, _by_path(definitions, stage.note.tags), lambda share: progress(share * _LOOKED))
    _check(gathered, what, definitions)
    cold = ColdView(manifest, state, ColdReader(disk, folder), lambda *_: None)
    closed = {tag: span for tag, span in gathered.spans.items() if span.last + span.step < what.until}
    ends = end_rows(closed, cold, job.declared)
    room = Room(disk, folder, what.keep_free, WhenFull.STOP)
    merging = _Merging(job, state, gathered, ends, room)
    files = merging.run(problems, lambda share: progress(_LOOKED + share * (1 - _LOOKED)))
    saved = save_state(disk, folder, manifest.generation + 1, _following(state, merging.last))
    disk.sync_folder(folder / FOLDER)
    new = msgspec.structs.replace(
        manifest,
        generation=manifest.generation + 1,
        state=saved,
        files=files,
        aside=(*manifest.aside, *problems.aside),
    )
    damaged = tuple(f.name for f in problems.aside)
    first, last = (min(s.first for s in gathered.spans.values()), max(s.last for s in gathered.spans.values()))
    done = Compacted(new, (), tuple(problems.faults), merging.new, damaged)
    return Absorbed(done, gathered.rows, merging.new, first, last)


def _by_path(definitions: dict[int, Definition], tags: Iterable[str]) -> dict[str, Definition]:
    by_path = {definition.path: definition for definition in definitions.values()}
    return {tag: by_path[tag] for tag in tags if tag in by_path}


def _check(gathered: Gathered, what: Absorption, definitions: dict[int, Definition]) -> None:
    if not gathered.rows:
        raise UnfitError("the import has no samples")
    for tag, span in gathered.spans.items():
        since = what.since.get(tag)
        if since is not None and span.first < since:
            path, then = definitions[tag].path, datetime.fromtimestamp(since // 10**9, UTC)
            raise UnfitError(f"{path!r} meant something else before {then:%Y-%m-%dT%H:%M:%SZ}; import what is later")
        if span.last > what.until + _AHEAD:
            path, then = definitions[tag].path, datetime.fromtimestamp(span.last // 10**9, UTC)
            raise UnfitError(
                f"{path!r} has samples of {then:%Y-%m-%dT%H:%M:%SZ}, a time that is yet to come; "
                "look at the unit and the time zone of the times in the file"
            )


class _Merging:
    """Puts the rows of an import and what is there into new files. `last`: of each slot the last new row by tag."""

    def __init__(self, job: Job, state: InForceState, gathered: Gathered, ends: ColdRows, room: Room) -> None:
        self.new = 0
        self.last: list[ColdRows] = []
        self._job, self._state = job, state
        self._gathered, self._ends = gathered, ends
        self._room = room

    def run(self, problems: Problems, progress: Callable[[float], None]) -> tuple[ColdFile, ...]:
        """The files of the new manifest."""
        with SlotWriter(self._job, self._state, problems) as writer:
            slots = self._slots()
            for number, ((start, end), parts) in enumerate(slots):
                if parts:
                    self._room.check(self._size(start, end, self._coming(start, end)))
                    writer.divide((start, end), parts, self._rows, self._merge)
                elif len(rows := self._rows(start, end)):
                    self._room.check(self._size(start, end, len(rows)))
                    writer.rewrite(start, end, rows, self._merge)
                progress((number + 1) / len(slots))
        return writer.files()

    def _coming(self, start: int, end: int) -> int:
        return sum(n for hour, n in self._gathered.hours.items() if start <= hour * HOUR < end)

    def _size(self, start: int, end: int, rows: int) -> int:
        """Bytes of the files of a slot that will be there beside its old ones, about; no fewer."""
        old = sum(f.size for f in self._job.manifest.files if f.start == start and f.end == end)
        return old + rows * _ROW_BYTES

    def _slots(self) -> list[tuple[tuple[int, int], list[tuple[int, int]]]]:
        """The slots to write anew, each with those into which it is to be divided, if it is."""
        division = Division(self._job.manifest.files)
        hours = self._gathered.hours + Counter((self._ends.t // HOUR).tolist())
        thinned = [start for start, _ in self._job.manifest.thinned]
        slots = division.of_hours({hour * HOUR: rows for hour, rows in hours.items()}, thinned)
        divided = division.divided({start // DAY for start, _ in slots})
        within = {part for parts in divided.values() for part in parts}
        return sorted([*divided.items(), *((slot, []) for slot in slots if slot not in within)])

    def _rows(self, start: int, end: int) -> ColdRows:
        rows = self._gathered.between(start, end)
        inside = np.flatnonzero((self._ends.t >= start) & (self._ends.t < end))
        if len(inside):
            rows = in_tag_order(concatenated([rows, self._ends.take(inside)]), self._job.declared.ids)
        return rows

    def _merge(self, old: ColdRows, rows: ColdRows) -> tuple[ColdRows, ColdRows]:
        """Both in order, and those of `rows` that are new."""
        old = in_tag_order(old, self._job.declared.ids)
        fresh, replaced = different(old, rows)
        real = fresh.take(np.flatnonzero(fresh.place < END_PLACE)) if len(self._ends) else fresh
        self.new += len(real)
        if not len(fresh):
            return old, fresh
        kept = old.take(np.flatnonzero(~replaced)) if replaced.any() else old
        joined = in_tag_order(concatenated([kept, fresh]), self._job.declared.ids) if len(kept) else fresh
        self.last.append(fresh.take(np.flatnonzero(np.append(fresh.tag[1:] != fresh.tag[:-1], True))))
        return joined, fresh


def _following(state: InForceState, parts: list[ColdRows]) -> InForceState:
    """What is in force after an import: of tags that it ends later, or whose last sample it changes, its last row."""
    newest = in_tag_order(concatenated(parts))
    newest = newest.take(np.flatnonzero(np.append(newest.tag[1:] != newest.tag[:-1], True)[: len(newest)]))
    rows = state.rows
    at = np.minimum(np.searchsorted(rows.tag, newest.tag), max(0, len(rows) - 1))
    if len(rows):
        newest = newest.take(np.flatnonzero((rows.tag[at] != newest.tag) | (newest.t >= rows.t[at])))
    kept = ~np.isin(rows.tag, newest.tag)
    joined = in_tag_order(concatenated([rows.take(np.flatnonzero(kept)), newest]))
    covered = np.zeros(len(joined), np.int64)
    covered[np.searchsorted(joined.tag, rows.tag)] = np.where(kept, state.covered, 0)
    return InForceState(joined, covered)
