"""From the plant to what a report says: tag after tag by the public query, so that memory is bounded."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import (
    AggregateRequest,
    Aggregates,
    AlarmPort,
    AlarmQuery,
    AnalysisPort,
    HistoryPort,
    HistoryRequest,
    LivePort,
    LogbookPort,
    LogQuery,
    Series,
)
from sereno.model import NotFoundError, RefusedError, TagSpec, ValueType, reason

from .content import Content, Last, Row, Table
from .schedule import Period
from .spec import ReportSpec, Shown, fits

MOST_EVENTS, MOST_ENTRIES, MOST_CURVES = 1000, 500, 24
_BAD = 0x8000
_POINTS = 100
_BOOLS = ("false", "true")
_STEPS = {60: "1min", 300: "5min", 900: "15min", 3600: "1h", 14400: "4h"}
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a report is taken from."""

    live: LivePort
    history: HistoryPort
    analysis: AnalysisPort
    alarms: AlarmPort
    logbook: LogbookPort


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What is made, and why now."""

    spec: ReportSpec
    period: Period
    now: int
    due: int
    so_far: bool = False
    late: bool = False
    skipped: int = 0


def reader(spec: ReportSpec) -> Actor:
    """Who reads for a report: whoever wrote the plant file decided what is in it."""
    name = f"report/{spec.name}"
    return Actor(name, (Role(name, (Permission(Right.READ), Permission(Right.HISTORY))),), "agent", "report")


async def gather(sources: Sources, making: Making, progress: Progress) -> Content:
    """Everything that the report says; `progress` is told which part of it is there. Raises SerenoError."""
    spec, period = making.spec, making.period
    gatherer = _Gatherer(sources, reader(spec), period)
    listed = [(shown, await sources.live.tags(shown.tags, gatherer.actor)) for shown in spec.tables]
    count = sum(len(tags) for _, tags in listed)
    done, curves, tables = 0, 0, []
    for shown, tags in listed:
        rows = []
        for tag in tags:
            plot = shown.plot and tag.is_row and curves < MOST_CURVES
            curves += plot
            rows.append(await gatherer.row(tag, shown, plot=plot))
            done += 1
            progress(done / (count + 1))
        tables.append(Table(shown, tuple(rows)))
    found = Content(
        spec=spec,
        period=period,
        made=making.now,
        due=making.due,
        tables=tuple(tables),
        so_far=making.so_far,
        late=making.late,
        skipped=making.skipped,
        **(await gatherer.alarms() if spec.alarms else {}),
        **(await gatherer.log() if spec.logbook else {}),
    )
    progress(1.0)
    return found


@dataclass(frozen=True, slots=True)
class _Gatherer:
    """Asks for one thing after the other."""

    sources: Sources
    actor: Actor
    period: Period

    async def row(self, tag: TagSpec, shown: Shown, *, plot: bool) -> Row:
        names = [name for name in shown.show if name not in ("last", "good") and fits(tag, name)]
        whole = await self._aggregates(tag, "all", ("good", *names))
        figures = {name: float(column[0]) for name, column in whole.columns.items()} if whole else {}
        return Row(
            spec=tag,
            good=figures.pop("good", 0.0),
            figures={name: figures.get(name, math.nan) for name in names if name != "states"},
            units=whole.units if whole else {},
            states={_named(tag, name): float(s[0]) for name, s in whole.states.items()} if whole else {},
            last=await self._last(tag) if "last" in shown.show else None,
            curve=await self._aggregates(tag, _step(self.period), ("time_mean", "min", "max")) if plot else None,
        )

    async def _aggregates(self, tag: TagSpec, every: str, names: tuple[str, ...]) -> Aggregates | None:
        """None for a tag of which nothing was ever recorded."""
        request = AggregateRequest((tag.path,), self.period.start, self.period.end, every, names)
        try:
            async for found in self.sources.analysis.aggregate(request, self.actor):
                return found
        except NotFoundError:
            pass
        return None

    async def _last(self, tag: TagSpec) -> Last:
        """The value in force when the period ended, as far as it is known to have held until then."""
        request = HistoryRequest((tag.path,), self.period.end - 1, self.period.end)
        try:
            found = await self.sources.history.query(request, self.actor)
        except NotFoundError:
            return Last()
        series = [one for one in found if len(one.t)]
        return _of_series(series[-1], self.period) if series else Last()

    async def alarms(self) -> dict[str, Any]:
        start, end = self.period.start, self.period.end
        try:
            figures = await self.sources.alarms.figures(start, end, self.actor)
        except RefusedError:
            return {"no_alarms": True}
        events = await self.sources.alarms.journal(AlarmQuery("", (), start, end, None, MOST_EVENTS + 1), self.actor)
        kept = tuple(reversed(events[:MOST_EVENTS]))
        return {"alarms": figures, "events": kept, "events_cut": len(events) > MOST_EVENTS}

    async def log(self) -> dict[str, Any]:
        query = LogQuery(start=self.period.start, end=self.period.end, limit=MOST_ENTRIES + 1)
        entries = await self.sources.logbook.entries(query, self.actor)
        return {"log": tuple(reversed(entries[:MOST_ENTRIES])), "log_cut": len(entries) > MOST_ENTRIES}


def _named(tag: TagSpec, state: str) -> str:
    """What the two states of a bool are called."""
    labelled = tag.type is ValueType.BOOL and len(tag.labels) == 2 and state in _BOOLS
    return tag.labels[_BOOLS.index(state)] if labelled else state


def _of_series(series: Series, period: Period) -> Last:
    quality, t = int(series.quality[-1]), int(series.t[-1])
    value: float | int | str | None
    if series.objects is not None:
        value = None if series.objects[-1] is None else str(series.objects[-1])
    elif series.labels and math.isfinite(series.value[-1]):
        number = int(series.value[-1])
        value = series.labels[number] if 0 <= number < len(series.labels) else number
    elif series.exact is not None:
        value = int(series.exact[-1])
    else:
        value = float(series.value[-1])
    unknown = quality >= _BAD or value is None or (isinstance(value, float) and not math.isfinite(value))
    until = series.covered_until
    if unknown or until <= period.start:
        return Last()
    held = until if until < period.end else 0
    return Last(value=value, t=t, until=held, unit=series.unit, remark=reason(quality))


def _step(period: Period) -> str:
    """The length of a curve's buckets."""
    seconds = (period.end - period.start) / 1e9
    return next((name for step, name in _STEPS.items() if seconds / step <= _POINTS), "1d")
