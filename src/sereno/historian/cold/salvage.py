"""What a compaction can read of the files of a slot. What is damaged in them becomes a gap, and is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from sereno.historian.block import I64
from sereno.model import Fault

from .gaps import bad_rows
from .kinds import ROLLUPS
from .manifest import ColdFile, Manifest
from .reading import ColdReader, DamagedError
from .rewriting import Declared, rows_in
from .rows import ColdRows, concatenated, in_tag_order, no_rows
from .state import InForceState

_FIRST, _LAST = -(1 << 63), (1 << 63) - 1


@dataclass(slots=True, eq=False)
class Salvaged:
    """All samples that could be read, in order of tag and time; which files have damage, and where."""

    rows: ColdRows
    damaged: list[ColdFile] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Loss:
    """Rows of tags from `first` to `last` are lost, the earliest at `t`; those of the file before it are `before`."""

    file: ColdFile
    first: int
    last: int
    t: int
    before: ColdRows


def salvaged(reader: ColdReader, files: Sequence[ColdFile], declared: Declared, state: InForceState | None) -> Salvaged:
    """Read the samples of the files of one slot. `state` tells which tags can have lost any, and the last of each."""
    found = Salvaged(no_rows())
    by_file: list[ColdRows] = []
    losses: list[tuple[int, _Loss]] = []
    for file in files:
        if file.kind not in ROLLUPS:
            mine: list[ColdRows] = []
            lost = list(_read(reader, file, mine, found.faults))
            losses += [(len(by_file), loss) for loss in lost]
            found.damaged += [file] if lost else []
            by_file.append(concatenated(mine))
    extra: list[ColdRows] = []
    for number, loss in losses:
        elsewhere = np.concatenate([np.empty(0, np.int64), *(r.tag for i, r in enumerate(by_file) if i != number)])
        tags = np.setdiff1d(declared.ids, elsewhere)
        tags = tags[(tags >= loss.first) & (tags <= loss.last)]
        extra += _gap_rows(loss, tags, declared) if state is None else _known(loss, tags, state, declared)
    found.rows = concatenated([*by_file, *extra])
    if extra:
        found.rows.place = np.zeros(len(found.rows), np.int64)
        found.rows = in_tag_order(found.rows)
    return found


def _read(reader: ColdReader, file: ColdFile, parts: list[ColdRows], faults: list[Fault]) -> Iterator[_Loss]:
    path = reader.path(file)
    fix = f"The tags have a gap there; {path.name} is kept beside the others"
    try:
        groups = reader.index(file).groups
    except DamagedError as error:
        faults.append(
            Fault(f"{path} byte {error.offset}", f"all {file.rows} samples of the file cannot be read", fix=fix)
        )
        yield _Loss(file, _FIRST, _LAST, file.t_min, no_rows())
        return
    for number, group in enumerate(groups):
        try:
            parts.append(rows_in(reader, file, number))
        except DamagedError as error:
            faults.append(Fault(f"{path} byte {error.offset}", f"{group['rows']} samples cannot be read", fix=fix))
            before = concatenated(parts[-1:])
            yield _Loss(file, int(group["tag_min"]), int(group["tag_max"]), int(group["t_min"]), before)


def _gap_rows(loss: _Loss, tags: I64, declared: Declared) -> list[ColdRows]:
    """A bad row for each of these tags, where their samples are lost."""
    t = np.full(len(tags), loss.t, np.int64)
    if len(loss.before):
        t[tags == loss.before.tag[-1]] = loss.before.t[-1] + 1
    rows = no_rows(len(tags))
    rows.tag[:], rows.form[:] = tags, declared.forms(tags)
    return [bad_rows(rows, t, 0)]


def _known(loss: _Loss, tags: I64, state: InForceState, declared: Declared) -> list[ColdRows]:
    """The same for those tags that have a sample as late as this, and the last sample of each of them."""
    at = np.flatnonzero((state.rows.t >= loss.t) & np.isin(state.rows.tag, tags))
    last = state.rows.take(at)
    return [*_gap_rows(loss, last.tag, declared), last.take(np.flatnonzero(last.t < loss.file.end))]


def rebuilt_state(reader: ColdReader, manifest: Manifest, declared: Declared) -> InForceState:
    """What is in force by the samples themselves, when the file that says so is damaged."""
    found = no_rows()
    for start in sorted({f.start for f in manifest.files}, reverse=True):
        rows = salvaged(reader, [f for f in manifest.files if f.start == start], declared, None).rows
        rows = rows.take(np.flatnonzero(np.append(rows.tag[1:] != rows.tag[:-1], True)[: len(rows)]))
        found = in_tag_order(concatenated([found, rows.take(np.flatnonzero(~np.isin(rows.tag, found.tag)))]))
        if np.isin(declared.ids, found.tag).all():
            break
    return InForceState(found, np.zeros(len(found), np.int64))
