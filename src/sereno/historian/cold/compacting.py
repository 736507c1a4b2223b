"""Compaction: sealed segments of the log and the cold files that they touch become new cold files.

Nothing that counts is changed: new files get new names, and the caller lets the new manifest count when they are on
the disk. Killed at any moment, it leaves the old ones, and files that nobody lists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from sereno.historian.block import I64
from sereno.historian.disk import Disk
from sereno.historian.marks import Gap
from sereno.historian.tags import Definition, decode_definition
from sereno.model import Fault

from .gaps import with_gap_rows, with_late_gap_rows
from .log import LogContent, read_log
from .manifest import FOLDER, ColdFile, Manifest
from .reading import ColdReader
from .rewriting import existing_rows, write_slot
from .rows import ColdRows, concatenated, in_tag_order
from .slots import slots_of
from .state import InForceState
from .statefile import load_state, save_state
from .view import ColdView
from .writing import Target

KEPT_GAPS = 1000
STATE_PLACE = -1
"""Place of the rows that only say what was in force before."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """The manifest to let count, and the segments in which damage was found."""

    manifest: Manifest
    damaged: tuple[int, ...]
    faults: tuple[Fault, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class _Job:
    disk: Disk
    folder: Path
    manifest: Manifest
    definitions: dict[int, Definition]


def compact(
    disk: Disk,
    folder: Path,
    manifest: Manifest,
    segments: Sequence[int],
    progress: Callable[[float], None] = lambda _: None,
) -> Compacted:
    """Write new cold files out of `segments` (sealed, in order). Raises OSError, OperationError, DamagedError."""
    (folder / FOLDER).mkdir(exist_ok=True)
    definitions = load_definitions(disk, folder)
    state = load_state(disk, folder, manifest)
    content = read_log(disk, folder, segments, state)
    before = state.rows.take(slice(None))
    before.place[:] = STATE_PLACE
    rows = in_tag_order(concatenated([before, content.rows]))
    cold = ColdView(manifest, state, ColdReader(disk, folder), lambda *_: None)
    rows = with_late_gap_rows(rows, [Gap(*gap) for gap in manifest.gaps], cold)
    rows = with_gap_rows(rows, content.gaps)
    following = following_state(rows, state, content)
    rows = rows.take(rows.place != STATE_PLACE)
    files = _files(_Job(disk, folder, manifest, definitions), rows, content, progress)
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
    )
    return Compacted(new, tuple(content.damaged), tuple(content.faults), len(rows))


def following_state(rows: ColdRows, state: InForceState, content: LogContent) -> InForceState:
    """What is in force after `rows`, which are in order and begin with what was in force before them."""
    last = np.flatnonzero(np.append(rows.tag[1:] != rows.tag[:-1], True)) if len(rows) else np.empty(0, np.intp)
    in_force = rows.take(last)
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


def _files(job: _Job, rows: ColdRows, content: LogContent, progress: Callable[[float], None]) -> tuple[ColdFile, ...]:
    """The files of the new manifest: those of the slots that `rows` touch are written anew."""
    reader = ColdReader(job.disk, job.folder)
    files = list(job.manifest.files)
    slots = slots_of(rows.t, job.manifest.files, content.t_end)
    for number, (start, end) in enumerate(slots):
        mine = rows.take((rows.t >= start) & (rows.t < end))
        old = [f for f in files if f.start == start and f.end == end]
        if old:
            mine = in_tag_order(concatenated([existing_rows(reader, old), mine]))
        target = Target(job.disk, job.folder, start, end, job.manifest.generation + 1)
        files = [f for f in files if f not in old] + write_slot(target, mine, job.definitions)
        progress((number + 1) / len(slots))
    return tuple(sorted(files, key=lambda f: (f.start, f.kind)))
