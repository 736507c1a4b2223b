"""Answers about the past that are more than one table: pieces of any range, aggregates by the calendar."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from sereno.access.actor import Actor
from sereno.client import (
    AGGREGATES,
    AggregateRequest,
    Aggregates,
    Calendar,
    Every,
    HistoryRequest,
    Series,
    Statistics,
    TagStatistics,
    edges_of,
)

from .aggregating.answer import aggregated, check_aggregates
from .aggregating.statistics import bucket_means, correlations, tag_statistics
from .aggregating.stretch import slices
from .asking import Asking
from .bulk.imports import StagedImports
from .historian import Historian
from .importing import Imports, Record
from .meaning import meant_series
from .query import check_request
from .samples import F64, I64
from .tags import Asked

PIECE_ROWS = 50_000
PIECE_BUCKETS = 2048
DEFAULT_BINS, MAX_BINS, MAX_FIGURES = 20, 1000, 20
CORRELATED = 500


class Analyst:
    """An AnalysisPort over a historian; `calendar` is that of the site, `record` puts imports on record."""

    def __init__(self, historian: Historian, calendar: Calendar, record: Record) -> None:
        self._historian = historian
        self._calendar = calendar
        imports = Imports(historian, record)
        self.begin_import, self.store_import, self.finish_import = imports.begin, imports.store, imports.finish
        bulk = StagedImports(historian, record)
        self.stage_import, self.put_import, self.merge_import = bulk.stage, bulk.put, bulk.merge
        self.import_state, self.cancel_import = bulk.state, bulk.cancel

    async def pieces(self, request: HistoryRequest, actor: Actor) -> AsyncGenerator[Series]:
        """See AnalysisPort."""
        check_request(replace(request, points=None))
        async with self._historian.asking(request.tags, actor) as asking:
            for asked in asking.asked:
                cut = await asking.run(partial(_Cut, asking, asked, request.start, request.end))
                while (pieces := await asking.run(cut.following)) is not None:
                    for piece in pieces:
                        yield piece

    async def aggregate(self, request: AggregateRequest, actor: Actor) -> AsyncGenerator[Aggregates]:
        """See AnalysisPort."""
        check_request(HistoryRequest(request.tags, request.start, request.end))
        unknown = [name for name in request.aggregates if name not in AGGREGATES]
        if unknown or not request.aggregates:
            raise ValueError(f"no aggregate {', '.join(unknown) or '(none)'}, expected of {', '.join(AGGREGATES)}")
        every, calendar = Every.parse(request.every), self._calendar
        if request.timezone:
            calendar = replace(calendar, timezone=request.timezone)
        next(edges_of(request.start, request.start + 1, every, calendar))
        names = tuple(dict.fromkeys(request.aggregates))
        async with self._historian.asking(request.tags, actor) as asking:
            for asked in asking.asked:
                check_aggregates(asked.definition, names)
            for asked in asking.asked:
                pieces = edges_of(request.start, request.end, every, calendar, PIECE_BUCKETS)
                while (edges := await asking.run(partial(next, pieces, None))) is not None:
                    piece = await asking.run(partial(_aggregate, asking, asked, edges, names))
                    yield replace(piece, timezone=calendar.timezone)

    async def statistics(self, request: HistoryRequest, actor: Actor) -> Statistics:
        """See AnalysisPort."""
        check_request(replace(request, points=None))
        bins = DEFAULT_BINS if request.points is None else request.points
        if not 1 <= bins <= MAX_BINS or len(request.tags) > MAX_FIGURES:
            raise ValueError(f"{bins} bins of {len(request.tags)} tags, expected at most {MAX_BINS} of {MAX_FIGURES}")
        start, end = request.start, request.end
        edges: I64 = np.unique(np.linspace(start, end, CORRELATED + 1).astype(np.int64))
        edges[0], edges[-1] = start, end
        found: list[TagStatistics] = []
        means: list[F64] = []
        async with self._historian.asking(request.tags, actor) as asking:
            for asked in asking.asked:
                tag, history = asked.definition, asking.history(asked)
                figures = partial(tag_statistics, tag, history, (start, end), bins, asking.check)
                found.append(await asking.run(figures))
                means.append(await asking.run(partial(bucket_means, tag, history, edges, asking.check)))
        return Statistics(tuple(found), correlations(means), len(edges) - 1)


def _aggregate(asking: Asking, asked: Asked, edges: I64, names: tuple[str, ...]) -> Aggregates:
    return aggregated(asked.definition, asking.history(asked), edges, names, asking.check)


class _Cut:
    """The samples of a tag, piece by piece."""

    def __init__(self, asking: Asking, asked: Asked, start: int, end: int) -> None:
        self._asking, self._asked, self._start = asking, asked, start
        self._history = asking.recorded(asked)
        self._known_until = self._history.known_until(end)
        self._slices: Iterator[tuple[int, int]] = slices(self._history, start, end, PIECE_ROWS)

    def following(self) -> list[Series] | None:
        """The next piece, None at the end; the first one may have no samples."""
        for first, last in self._slices:
            self._asking.check()
            samples = self._history.between(first, last)
            if first > self._start:
                samples = samples.take(samples.t >= first)
            if len(samples) or first == self._start:
                return meant_series(self._asked, samples, self._known_until)
        return None
