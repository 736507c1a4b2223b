"""Roll-ups that stand for samples which are no longer there: they are kept as they are, not made again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64

from .blocks import Columns
from .kinds import ROLLUPS, columns_of
from .manifest import ColdFile
from .reading import ColdReader, DamagedError
from .rows import ColdRows


@dataclass(slots=True, eq=False)
class Kept:
    """Roll-ups of `tags` (increasing), by kind; all columns of a roll-up file."""

    tags: I64
    rollups: dict[str, Columns] = field(default_factory=dict)


def stored_rollups(reader: ColdReader, files: Sequence[ColdFile]) -> dict[str, Columns]:
    """The roll-ups of a slot, by kind; those of a damaged file are left out."""
    found: dict[str, Columns] = {}
    for file in files:
        if file.kind in ROLLUPS:
            names = [column.name for column in columns_of(file.kind)]
            try:
                groups = [reader.read(file, group, names) for group in reader.all_groups(file)]
            except DamagedError:
                continue
            found[file.kind] = {name: np.concatenate([g[name] for g in groups]) for name in names}
    return found


def kept_rollups(reader: ColdReader, files: Sequence[ColdFile], rows: ColdRows) -> Kept:
    """Those of the tags that have had more samples in the slot than `rows`, in order of tag, have."""
    stored = stored_rollups(reader, files)
    tags = [np.empty(0, np.int64)]
    for columns in stored.values():
        tag, number = np.unique(columns["tag"], return_inverse=True)
        had = np.bincount(number, columns["count"] + columns["bad"], len(tag))
        have = np.searchsorted(rows.tag, tag, "right") - np.searchsorted(rows.tag, tag)
        tags.append(tag[had > have])
    thin = np.unique(np.concatenate(tags))
    return Kept(thin, {kind: only(columns, np.isin(columns["tag"], thin)) for kind, columns in stored.items()})


def only(columns: Mapping[str, NDArray[Any]], which: NDArray[np.bool_]) -> Columns:
    """The rows of a mask."""
    return {name: column[which] for name, column in columns.items()}


def merged(parts: Iterable[Columns]) -> Columns:
    """Roll-ups of different tags in order of tag and time."""
    full = [part for part in parts if len(part["tag"])]
    if not full:
        return {"tag": np.empty(0, np.int64)}
    joined = {name: np.concatenate([part[name] for part in full]) for name in full[0]}
    order = np.lexsort((joined["t"], joined["tag"]))
    return {name: column[order] for name, column in joined.items()}
