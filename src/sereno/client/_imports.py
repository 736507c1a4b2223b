"""Samples of the past that are brought in from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ._values import F64, I64, U16


@dataclass(frozen=True, slots=True)
class ImportSource:
    """Where an import comes from: name of the file, its SHA-256, and the tags that are in it."""

    name: str
    sha256: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ImportedSamples:
    """Samples of one tag, times increasing. `value` None (in an array NaN) = not known; labels of enums or codes.

    `quality` None: all good; good ones are stored as imported.
    """

    tag: str
    t: I64
    value: Sequence[Any] | F64
    quality: U16 | None = None


@dataclass(slots=True)
class ImportTally:
    """What an import brought: samples, those of them that were not there already, first and last time (ns UTC)."""

    rows: int = 0
    new: int = 0
    first: int = 0
    last: int = 0

    def add(self, rows: int, new: int, first: int, last: int) -> None:
        """Some samples more."""
        self.first = min(self.first, first) if self.rows else first
        self.last = max(self.last, last)
        self.rows += rows
        self.new += new


@dataclass(frozen=True, slots=True)
class StagedImport:
    """An import whose parts are put by first: its key, and how many parts are there already.

    `error`: why it was not merged, if that was tried before.
    """

    key: str
    parts: int
    error: str = ""


class ImportStage(StrEnum):
    """How far an import is whose parts are put by first."""

    RECEIVING = "receiving"
    MERGING = "merging"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ImportState:
    """`share` of the merging that is done (0 to 1); what it brought, once it is done; what went wrong.

    `kept`: it failed, what was put by is kept, and it can be merged again.
    """

    stage: ImportStage
    parts: int
    share: float = 0.0
    tally: ImportTally = field(default_factory=ImportTally)
    error: str = ""
    kept: bool = False
