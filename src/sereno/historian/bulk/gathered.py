"""All parts of an import by time: which hours have how many rows, what each tag ends with, the rows of a range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.historian.block import I64
from sereno.historian.cold.rows import ColdRows, concatenated, in_tag_order
from sereno.historian.cold.slots import DAY
from sereno.historian.tags import Definition

from .pieces import Piece, Wide, pieces_of, wide_rows
from .stage import Stage, UnfitError

HOUR = DAY // 24


@dataclass(slots=True)
class Span:
    """First and last time of a tag in an import, and how long before the last the sample before it was; 0 = none."""

    first: int
    last: int
    step: int

    def add(self, first: int, last: int, step: int) -> None:
        """Those of some more samples of it."""
        late = {self.last, last, *(t - s for t, s in ((self.last, self.step), (last, step)) if s)}
        self.last, *before = sorted(late, reverse=True)
        self.step = self.last - before[0] if before else 0
        self.first = min(self.first, first)


@dataclass(slots=True, eq=False)
class Gathered:
    """What was put by, read part by part."""

    parts: list[memoryview]
    tags: Mapping[str, Definition]
    hours: Counter[int] = field(default_factory=Counter)
    """Rows by hour (number since 1970)."""
    spans: dict[int, Span] = field(default_factory=dict)
    rows: int = 0
    _bounds: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def of(cls, stage: Stage, tags: Mapping[str, Definition], progress: Callable[[float], None]) -> Gathered:
        """Look at every part. Raises OperationError, saying which one is no part."""
        found = cls(list(stage.read()), tags)
        for number, part in enumerate(found.parts):
            try:
                pieces = pieces_of(part, tags)
            except ValueError as error:
                raise UnfitError(f"part {number} of the import {stage.note.name!r}: {error}") from error
            found._look(pieces)
            progress((number + 1) / len(found.parts))
        return found

    def between(self, start: int, end: int) -> ColdRows:
        """The rows of a range in order of tag and time, each (tag, time) once: the one that came last."""
        pieces = [
            piece
            for number in self._touching(start, end)
            for whole in pieces_of(self.parts[number], self.tags)
            if (piece := whole.cut(start, end)) is not None
        ]
        wide = [piece for piece in pieces if isinstance(piece, Wide)]
        if len(wide) == len(pieces) and _follow(wide):
            return wide_rows(wide, start, end, 1)
        return in_tag_order(concatenated([piece.rows(start, end, i + 1) for i, piece in enumerate(pieces)]))

    def _touching(self, start: int, end: int) -> Iterator[int]:
        return (i for i, (first, last) in enumerate(self._bounds) if first < end and last >= start)

    def _look(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            times = len(piece.ids) if isinstance(piece, Wide) else 1
            for hour, count in _by_hour(piece.t).items():
                self.hours[hour] += count * times
            self.rows += len(piece)
            for tag, first, last, step in zip(*(column.tolist() for column in piece.last()), strict=True):
                self._note(tag, first, last, step)
        first = min((int(piece.t.min()) for piece in pieces), default=1)
        self._bounds.append((first, max((int(piece.t.max()) for piece in pieces), default=0)))

    def _note(self, tag: int, first: int, last: int, step: int) -> None:
        span = self.spans.get(tag)
        if span is None:
            self.spans[tag] = Span(first, last, step)
        else:
            span.add(first, last, step)


def _by_hour(t: NDArray[Any]) -> dict[int, int]:
    if len(t) > 1 and not (np.diff(t) >= 0).all():
        hours, counts = np.unique(t // HOUR, return_counts=True)
        return dict(zip(hours.tolist(), counts.tolist(), strict=True))
    first, last = int(t[0]) // HOUR, int(t[-1]) // HOUR
    if last - first > len(t):
        hours, counts = np.unique(t // HOUR, return_counts=True)
        return dict(zip(hours.tolist(), counts.tolist(), strict=True))
    cuts = np.searchsorted(t, np.arange(first, last + 2, dtype=np.int64) * HOUR)
    return {first + i: n for i, n in enumerate(np.diff(cuts).tolist()) if n}


def _follow(pieces: list[Wide]) -> bool:
    """True if all have the same tags and each begins after the one before."""
    if not pieces:
        return False
    ids: I64 = pieces[0].ids
    pairs = pairwise(pieces)
    return all(a.t[-1] < b.t[0] for a, b in pairs) and all(np.array_equal(ids, piece.ids) for piece in pieces[1:])
