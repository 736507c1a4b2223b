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


@dataclass(slots=True, eq=False)
class Kept:
    """All roll-ups of `tags` (increasing) in a slot, by kind; all columns of a roll-up file."""

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
