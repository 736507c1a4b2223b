"""Answers a HistoryRequest in a thread, with bounded memory, until told to stop."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sereno.client import HistoryRequest, Series
from sereno.model import NotFoundError, OperationError

from .as_of import rows_at
from .cold.rows import ColdRows
from .cold.view import samples_of
from .history import Snapshot, Store
from .meaning import MeantHistory, meant_series, recorded
from .series import bucket_series
from .tags import Asked

MAX_POINTS = 100_000
MAX_TAGS = 1000
MAX_TAGS_AT_ONCE = 100_000
MAX_RAW = 2_000_000
MAX_WAITING = 64


def check_request(request: HistoryRequest) -> None:
    """Raises ValueError, saying what is wrong with the request."""
    if request.end <= request.start:
        raise ValueError(f"history from {request.start} to {request.end} ns is no range of time")
    if not -(1 << 63) <= request.start < request.end < 1 << 63:
        raise ValueError("history outside 64 bits of ns")
    most = MAX_TAGS if request.end - request.start > 1 else MAX_TAGS_AT_ONCE
    if len(request.tags) > most:
        raise ValueError(f"history of {len(request.tags)} tags in one request, at most {most}")
    if request.points is not None and not 1 <= request.points <= MAX_POINTS:
        raise ValueError(f"history in {request.points} points, expected 1 to {MAX_POINTS}")


def not_found(path: str, paths: Sequence[str]) -> NotFoundError:
    """There is no history of `path`; near spellings among `paths`."""
    near = difflib.get_close_matches(path, paths, 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return NotFoundError(f"no history of {path!r}{hint}")


@dataclass(frozen=True, slots=True, eq=False)
class Query:
    """A request with everything that it needs. `stop` is set when nobody waits for the answer any more."""

    request: HistoryRequest
    asked: tuple[Asked, ...]
    store: Store
    snapshot: Snapshot
    stop: threading.Event

    def answer(self) -> list[Series]:
        """One Series per tag (see meant_series), in the order asked. Strings and arrays come raw, whatever the points.

        Of one nanosecond: what was in force then, for all tags at once. Raises ValueError beyond MAX_RAW samples.
        """
        if self.request.points is None and self.request.end - self.request.start == 1:
            return self._instant()
        series: list[Series] = []
        left = MAX_RAW
        for asked in self.asked:
            self._check()
            found = self._one(asked, left)
            left -= sum(len(one.t) for one in found)
            series += found
        return series

    def in_force(self) -> ColdRows:
        """What is in force at the request's start, in order of tag; tags without a sample are left out."""
        tags = {asked.definition.id: asked for asked in self.asked}
        return rows_at(self.store, self.snapshot, tags, self.request.start, self._check)

    def _instant(self) -> list[Series]:
        rows = self.in_force()
        series: list[Series] = []
        for asked in self.asked:
            self._check()
            definition = asked.definition
            at = int(rows.tag.searchsorted(definition.id))
            has = at < len(rows) and rows.tag[at] == definition.id
            known = recorded(self.store, self.snapshot, asked).known_until(self.request.end)
            series += meant_series(asked, samples_of(rows.take(slice(at, at + has))), known)
        return series

    def _one(self, asked: Asked, left: int) -> list[Series]:
        request = self.request
        if request.points is not None and asked.definition.is_row:
            meant = MeantHistory(self.store, self.snapshot, asked)
            buckets = bucket_series(
                asked.definition, meant, request.start, request.end, points=request.points, check=self._check
            )
            return [buckets]
        history = recorded(self.store, self.snapshot, asked)
        count = history.count(request.start, request.end)
        if count > left:
            raise ValueError(
                f"history of {asked.definition.path!r} has about {count} samples there and {left} are left of "
                f"{MAX_RAW}; ask for a shorter time, fewer tags or a number of points"
            )
        samples = history.between(request.start, request.end)
        return meant_series(asked, samples, history.known_until(request.end))

    def _check(self) -> None:
        if self.stop.is_set():
            raise OperationError("the query was given up")
