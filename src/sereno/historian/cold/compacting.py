"""Compaction: sealed segments of the log and the cold files that they touch become new cold files.

Nothing that counts is changed: new files get new names, and the caller lets the new manifest count when they are on
the disk. Killed at any moment, it leaves the old ones, and files that nobody lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from sereno.historian.block import I64
from sereno.historian.disk import Disk
from sereno.historian.marks import Gap
from sereno.historian.tags import Definition, decode_definition
from sereno.model import Fault

from .gaps import add_gap_rows, add_late_gap_rows
from .log import LogContent, read_log
from .manifest import FOLDER, ColdFile, Manifest
from .reading import ColdReader, DamagedError
from .remade import kept_rollups
from .rewriting import Declared, write_slot
from .rows import ColdRows, concatenated, in_tag_order, no_rows
from .salvage import Salvaged, rebuilt_state, salvaged
from .slots import Division
from .state import InForceState
from .statefile import load_state, save_state
from .stretches import Stretches, edges
from .thinned import Kept
from .view import ColdView
from .writing import Target

KEPT_GAPS = 1000
_WRITERS = 2
STATE_PLACE = -1
"""Place of the rows that only say what was in force before."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """The manifest to let count; segments and cold files in which damage was found, and what it is."""

    manifest: Manifest
    damaged: tuple[int, ...]
    faults: tuple[Fault, ...]
    rows: int
    aside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A historian's folder, what counts in it, and what its tags were declared as."""

    disk: Disk
    folder: Path
    manifest: Manifest
    declared: Declared


@dataclass(slots=True)
class Problems:
    """Damage that was found, and the files in which it is."""

    faults: list[Fault] = field(default_factory=list)
    aside: list[ColdFile] = field(default_factory=list)


def compact(
    disk: Disk,
    folder: Path,
    manifest: Manifest,
    segments: Sequence[int],
    progress: Callable[[float], None] = lambda _: None,
) -> Compacted:
    """Write new cold files out of `segments` (sealed, in order). Raises OSError, OperationError.

    Damage in what is cold already costs what cannot be read, which becomes a gap; the damaged file is kept aside.
    """
    (folder / FOLDER).mkdir(exist_ok=True)
    job = Job(disk, folder, manifest, Declared(load_definitions(disk, folder)))
    problems = Problems()
    state = present_state(job, problems)
    content = read_log(disk, folder, segments, state)
    division = Division(manifest.files)
    stretches = _stretches(division, job.declared.ids, state, content)
    cold = ColdView(manifest, state, ColdReader(disk, folder), lambda *_: None)
    add_late_gap_rows(stretches, [Gap(*gap) for gap in manifest.gaps], cold)
    add_gap_rows(stretches, content.gaps)
    following = following_state(stretches.last().rows, state, content)
    rows = sum(len(part) for part in content.parts)
    with SlotWriter(job, state, problems) as writer:
        _write_all(writer, stretches, division, job.declared.ids, progress)
    files = writer.files()
    saved = save_state(disk, folder, manifest.generation + 1, following)
    disk.sync_folder(folder / FOLDER)
    new = msgspec.structs.replace(
        manifest,
        generation=manifest.generation + 1,
        compacted=max((manifest.compacted, *segments)),
        t_end=max(manifest.t_end, content.t_end),
        epoch=max(manifest.epoch, content.epoch),
        gaps=(*manifest.gaps, *((gap.start, gap.end, gap.place) for gap in content.gaps))[-KEPT_GAPS:],
        state=saved,
        files=files,
        aside=(*manifest.aside, *problems.aside),
    )
    damaged = tuple(f.name for f in problems.aside)
    return Compacted(new, tuple(content.damaged), (*content.faults, *problems.faults), rows, damaged)


def following_state(in_force: ColdRows, state: InForceState, content: LogContent) -> InForceState:
    """What is in force after the log: the last row of each tag, those among them that were in force before it."""
    covered: I64 = np.zeros(len(in_force), np.int64)
    covered[np.searchsorted(in_force.tag, state.rows.tag)] = state.covered
    confirmed = np.array(sorted(content.covered), np.int64)
    at = np.searchsorted(in_force.tag, confirmed)
    known = (at < len(in_force)) & (in_force.tag[np.minimum(at, len(in_force) - 1)] == confirmed) if len(at) else at < 0
    times = np.array([content.covered[tag] for tag in confirmed.tolist()], np.int64)
    covered[at[known]] = np.maximum(covered[at[known]], times[known])
    return InForceState(in_force, covered)


def load_definitions(disk: Disk, folder: Path) -> dict[int, Definition]:
    """The latest definition of each tag; damaged lines are left out. Raises OSError."""
    found: dict[int, Definition] = {}
    try:
        data = disk.read(folder / "tags.jsonl")
    except FileNotFoundError:
        return found
    for line in data.split(b"\n"):
        try:
            definition = decode_definition(line)
        except ValueError:
            continue
        found[definition.id] = definition
    return found


def _stretches(division: Division, known: I64, state: InForceState, content: LogContent) -> Stretches:
    """What was in force before, and what the log says."""
    before = state.rows.take(slice(None))
    before.place = np.full(len(before), STATE_PLACE, np.int64)
    times = [part.t for part in content.parts]
    division.expect(times, content.t_end)
    return Stretches([before, *content.parts], edges(division.slots(times)), known)


def present_state(job: Job, problems: Problems) -> InForceState:
    """What is in force at the end of what is cold."""
    try:
        return load_state(job.disk, job.folder, job.manifest)
    except DamagedError as error:
        problems.faults.append(Fault(str(error.path), "does not fit its checksum", fix="Made again from the samples"))
        return rebuilt_state(ColdReader(job.disk, job.folder), job.manifest, job.declared)


Merge = Callable[[ColdRows, ColdRows], tuple[ColdRows, ColdRows]]
"""Of what is there and what comes: all of it in order of tag and time, and what of it is new."""

Coming = Callable[[int, int], ColdRows]
"""The rows that come in a range, in order of tag and time."""


class SlotWriter:
    """Writes the files of slots, those of some while the next is sorted."""

    def __init__(self, job: Job, state: InForceState, problems: Problems) -> None:
        self._job, self._state, self._problems = job, state, problems
        self._reader = ColdReader(job.disk, job.folder)
        self._replaced: set[str] = set()
        self._writing: list[Future[list[ColdFile]]] = []
        self._threads = ThreadPoolExecutor(_WRITERS, "compaction-write")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown()

    def files(self) -> tuple[ColdFile, ...]:
        """The files of the new manifest."""
        written = [f for one in self._writing for f in one.result()]
        kept = [f for f in self._job.manifest.files if f.name not in self._replaced]
        return tuple(sorted([*kept, *written], key=lambda f: (f.start, f.kind)))

    def rewrite(self, start: int, end: int, rows: ColdRows, merge: Merge) -> None:
        """Write the files of a slot anew, with `rows`; if nothing of them is new they stay as they are."""
        job = self._job
        old = self._old(start, end)
        there = self._there(old)
        joined, new = merge(there.rows, rows)
        if not len(new) and not there.damaged:
            return
        kept = None
        if old and any(start == slot for slot, _ in job.manifest.thinned):
            before, late = (in_tag_order(some, job.declared.ids) for some in (there.rows, new))
            kept = kept_rollups(self._reader, old, before, job.declared, late)
        self._replaced.update(f.name for f in old)
        self._write(start, end, joined, kept)

    def divide(
        self,
        slot: tuple[int, int],
        parts: Sequence[tuple[int, int]],
        coming: Callable[[int, int], ColdRows],
        merge: Merge,
    ) -> None:
        """Write the files of a slot anew as those of its parts, each with the rows that are `coming` in it."""
        old = self._old(*slot)
        there = self._there(old).rows
        for first, last in parts:
            joined, _ = merge(_within(there, first, last), coming(first, last))
            if len(joined):
                self._write(first, last, joined, None)
        self._replaced.update(f.name for f in old)

    def _old(self, start: int, end: int) -> list[ColdFile]:
        return [f for f in self._job.manifest.files if f.start == start and f.end == end]

    def _there(self, old: list[ColdFile]) -> Salvaged:
        there = salvaged(self._reader, old, self._job.declared, self._state) if old else Salvaged(no_rows())
        self._problems.faults += there.faults
        self._problems.aside += [f for f in there.damaged if self._reader.path(f).exists()]
        return there

    def _write(self, start: int, end: int, joined: ColdRows, kept: Kept | None) -> None:
        job = self._job
        if len(self._writing) >= _WRITERS:
            self._writing[-_WRITERS].result()
        target = Target(job.disk, job.folder, start, end, job.manifest.generation + 1)
        self._writing.append(self._threads.submit(write_slot, target, joined, job.declared, kept))


def _write_all(
    writer: SlotWriter, stretches: Stretches, division: Division, known: I64, progress: Callable[[float], None]
) -> None:
    """Write the slots anew that rows of the log are in."""

    def merge(old: ColdRows, rows: ColdRows) -> tuple[ColdRows, ColdRows]:
        return in_tag_order(concatenated([old, rows]), known) if len(old) else rows, rows

    for number, rows in enumerate(stretches.rows):
        stretches.rows[number] = no_rows()
        late = rows.take(np.flatnonzero(rows.place != STATE_PLACE)) if (rows.place < 0).any() else rows
        for start, end in division.slots([late.t]):
            writer.rewrite(start, end, _within(late, start, end), merge)
        progress((number + 1) / len(stretches.rows))


def _within(rows: ColdRows, start: int, end: int) -> ColdRows:
    inside = (rows.t >= start) & (rows.t < end)
    return rows if inside.all() else rows.take(np.flatnonzero(inside))
