"""Deletion within what is cold: of some tags, what lies in a range of time goes; the rest of its slots is written anew.

As a compaction it changes nothing that counts: the caller lets the new manifest count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64
from sereno.historian.disk import Disk

from .compacting import Compacted, Job, Problems, load_definitions, present_state
from .gaps import bad_rows
from .kinds import ROLLUPS
from .manifest import FOLDER, ColdFile, Manifest
from .reading import ColdReader
from .remade import kept_rollups
from .rewriting import Declared, rolled_up, write_slot
from .rows import ColdRows, concatenated, in_tag_order
from .salvage import salvaged
from .state import InForceState
from .statefile import save_state
from .thinned import Kept, merged, only
from .writing import Target


class Removal(msgspec.Struct, frozen=True):
    """What goes of `tags` in [start, end) ns UTC: samples, and roll-ups of `kinds`.

    `mark`: by command, all of it; a bad row stands where the samples were: nothing seems to have held meanwhile.
    Else by age, whole slots: roll-ups of the other kinds stand for the samples, and with `last` the last sample of each
    tag stays, so that what was in force afterwards is known.
    """

    tags: tuple[int, ...]
    start: int
    end: int
    kinds: tuple[str, ...] = tuple(ROLLUPS)
    mark: bool = False
    last: bool = True


class Pruning(msgspec.Struct, frozen=True):
    """What is to go, and what to note of the slots (see Manifest.thinned)."""

    removals: tuple[Removal, ...]
    thinned: tuple[tuple[int, int], ...] = ()

    def concerns(self, file: ColdFile) -> bool:
        """True if something of the file's slot is to go."""
        return any(r.start < file.end and r.end > file.start for r in self.removals)


@dataclass(slots=True, eq=False)
class _Slot:
    """What is left of a slot. `marks` are the bad rows among its rows."""

    rows: ColdRows
    kept: Kept
    marks: list[ColdRows] = field(default_factory=list)
    removed: int = 0
    changed: bool = False


def prune(
    disk: Disk, folder: Path, manifest: Manifest, what: Pruning, progress: Callable[[float], None] = lambda _: None
) -> Compacted:
    """Write the slots anew that lose something. Raises OSError, OperationError. `rows` are the samples that go."""
    job = Job(disk, folder, manifest, Declared(load_definitions(disk, folder)))
    problems = Problems()
    state = present_state(job, problems)
    files = list(manifest.files)
    marks: list[ColdRows] = []
    removed = 0
    slots = sorted({(f.start, f.end) for f in files if what.concerns(f)})
    for number, (start, end) in enumerate(slots):
        old = [f for f in files if (f.start, f.end) == (start, end)]
        slot = _without(job, state, problems, old, what.removals)
        if slot.removed or slot.changed:
            target = Target(disk, folder, start, end, manifest.generation + 1)
            files = [f for f in files if f not in old] + write_slot(target, slot.rows, job.declared, slot.kept)
        marks += slot.marks
        removed += slot.removed
        progress((number + 1) / len(slots))
    forgotten = _forgotten(state, what.removals, in_tag_order(concatenated(marks)))
    saved = save_state(disk, folder, manifest.generation + 1, forgotten)
    disk.sync_folder(folder / FOLDER)
    new = msgspec.structs.replace(
        manifest,
        generation=manifest.generation + 1,
        state=saved,
        files=tuple(sorted(files, key=lambda f: (f.start, f.kind))),
        aside=(*manifest.aside, *problems.aside),
        thinned=tuple(sorted({**dict(manifest.thinned), **dict(what.thinned)}.items())),
    )
    return Compacted(new, (), tuple(problems.faults), removed, tuple(f.name for f in problems.aside))


def _without(
    job: Job, state: InForceState, problems: Problems, files: Sequence[ColdFile], removals: Sequence[Removal]
) -> _Slot:
    reader = ColdReader(job.disk, job.folder)
    there = salvaged(reader, files, job.declared, state)
    problems.faults += there.faults
    problems.aside += [f for f in there.damaged if reader.path(f).exists()]
    rows = in_tag_order(there.rows, job.declared.ids)
    slot = _Slot(rows, kept_rollups(reader, files, rows, job.declared), changed=bool(there.damaged))
    for removal in removals:
        tags = np.array(sorted(removal.tags), np.int64)
        rows = slot.rows
        mine = np.isin(rows.tag, tags) & (rows.t >= removal.start) & (rows.t < removal.end)
        if removal.mark:
            _mark(slot, removal, tags, mine)
        else:
            _thin(slot, removal, mine, job.declared)
    return slot


def _mark(slot: _Slot, removal: Removal, tags: I64, mine: NDArray[np.bool_]) -> None:
    rows = slot.rows
    for kind, columns in slot.kept.rollups.items():
        width = ROLLUPS[kind] * 10**9
        inside = (columns["t"] + width > removal.start) & (columns["t"] < removal.end) & np.isin(columns["tag"], tags)
        slot.changed |= bool(inside.any())
        slot.kept.rollups[kind] = only(columns, ~inside)
    at = np.flatnonzero(mine)
    if len(at):
        first = rows.take(at[np.append(True, rows.tag[at][1:] != rows.tag[at][:-1])])
        bad = bad_rows(first, first.t, 0)
        slot.marks.append(bad)
        slot.removed += len(at)
        slot.rows = in_tag_order(concatenated([rows.take(np.flatnonzero(~mine)), bad]))


def _thin(slot: _Slot, removal: Removal, mine: NDArray[np.bool_], declared: Declared) -> None:
    rows, kept = slot.rows, slot.kept
    stays = (
        np.append(rows.tag[1:] != rows.tag[:-1], True)[: len(rows)] if removal.last else np.zeros(len(rows), np.bool_)
    )
    gone = mine & ~stays
    thinning = np.setdiff1d(np.unique(rows.tag[gone]), kept.tags)
    whole = rows.take(np.flatnonzero(np.isin(rows.tag, thinning)))
    for kind, made in rolled_up(whole, declared).items():
        there = merged([*([kept.rollups[kind]] if kind in kept.rollups else []), made])
        expired = (
            np.isin(there["tag"], removal.tags) if kind in removal.kinds else np.zeros(len(there["tag"]), np.bool_)
        )
        slot.changed |= bool(expired.any())
        kept.rollups[kind] = only(there, ~expired)
    kept.tags = np.union1d(kept.tags, thinning)
    slot.removed += int(gone.sum())
    slot.rows = rows.take(np.flatnonzero(~gone))


def _forgotten(state: InForceState, removals: Sequence[Removal], marks: ColdRows) -> InForceState:
    """What is in force once samples were deleted by command: of tags whose last sample went, that nothing is known."""
    rows = state.rows
    gone = np.zeros(len(rows), np.bool_)
    for removal in removals:
        if removal.mark:
            gone |= np.isin(rows.tag, removal.tags) & (rows.t >= removal.start) & (rows.t < removal.end)
    if not gone.any():
        return state
    lost = rows.take(np.flatnonzero(gone))
    last = dict(zip(marks.tag.tolist(), marks.t.tolist(), strict=True))
    t = np.array([last.get(tag, at) for tag, at in zip(lost.tag.tolist(), lost.t.tolist(), strict=True)], np.int64)
    joined = concatenated([rows.take(np.flatnonzero(~gone)), bad_rows(lost, t, 0)])
    return InForceState(in_tag_order(joined), np.where(gone, 0, state.covered))
