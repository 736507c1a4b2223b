"""Samples of the past that are brought in from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
