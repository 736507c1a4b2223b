"""Reports as a port: what is declared, what was made, and making one now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.model import NotFoundError

from ._json import iso_time
from ._times import parse_time


class ReportState(StrEnum):
    """How far a report is."""

    DUE = "due"
    MAKING = "making"
    MADE = "made"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDelivery:
    """A report on its way to somebody, or to a folder (`way` "folder"). `state` waiting, sent or failed."""

    way: str
    person: str
    state: str
    attempts: int = 0
    outcome: str = ""
    done: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRun:
    """A report of one period, [start, end) ns UTC. `key` names it among those of the same report.

    `due` when it was to be made, `made` when it was, 0 = not yet. `actor` who asked for it, "" = the plant file.
    `so_far`: it ends before its period does. `late`: the node did not run when it was due; `skipped` so many before it
    were not made at all.
    """

    report: str
    key: str
    start: int
    end: int
    due: int
    made: int = 0
    state: ReportState = ReportState.DUE
    actor: str = ""
    late: bool = False
    so_far: bool = False
    skipped: int = 0
    progress: float = 0.0
    error: str = ""
    files: tuple[str, ...] = ()
    deliveries: tuple[ReportDelivery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportStatus:
    """A declared report. `next_*` of the period that comes next, ns UTC; `last` the newest that is kept.

    `problem` says what keeps it from being made or from reaching people, "" = nothing.
    """

    name: str
    title: str
    period: str
    at: str
    timezone: str
    formats: tuple[str, ...]
    folder: str
    by: tuple[str, ...]
    to: tuple[str, ...]
    tags: tuple[str, ...]
    next_start: int
    next_end: int
    next_due: int
    last: ReportRun | None = None
    problem: str = ""
    may_make: bool = False
    may_send: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOrder:
    """Make a report now. `period` "" = the last whole one, "now" = the one that runs, so far; else a local time in it:
    2026-11-27, 2026-11, 2026-W48, 2026-11-27T06:00. `send` it to those who get it by the plant file.
    """

    report: str
    period: str = ""
    formats: tuple[str, ...] = field(default=())
    send: bool = False


class ReportPort(Protocol):
    """Reports. All raise NotFoundError, DeniedError, RefusedError; those that the actor may not read are left out."""

    async def reports(self, actor: Actor) -> list[ReportStatus]:
        """Those that are declared, in the order of the plant file."""

    async def runs(self, report: str, actor: Actor, *, limit: int = 100) -> list[ReportRun]:
        """Those that are kept, due or in the making, the newest first."""

    async def order(self, order: ReportOrder, actor: Actor) -> ReportRun:
        """Begin to make one now; needs the right `acknowledge`, to send it `configure`. Raises ValueError."""

    async def cancel(self, report: str, key: str, actor: Actor) -> None:
        """Do not make, or do not send any more, one that is under way."""

    async def file(self, report: str, name: str, actor: Actor) -> bytes:
        """One of the files of a run."""


class NoReports:
    """A ReportPort of a plant that declares none."""

    async def reports(self, actor: Actor) -> list[ReportStatus]:
        """None."""
        del actor
        return []

    async def runs(self, report: str, actor: Actor, *, limit: int = 100) -> list[ReportRun]:
        """Raises NotFoundError."""
        del actor, limit
        raise _none(report)

    async def order(self, order: ReportOrder, actor: Actor) -> ReportRun:
        """Raises NotFoundError."""
        del actor
        raise _none(order.report)

    async def cancel(self, report: str, key: str, actor: Actor) -> None:
        """Raises NotFoundError."""
        del key, actor
        raise _none(report)

    async def file(self, report: str, name: str, actor: Actor) -> bytes:
        """Raises NotFoundError."""
        del name, actor
        raise _none(report)


def _none(report: str) -> NotFoundError:
    return NotFoundError(f"no report {report!r}: this plant declares none, [[report]] in the plant file")


_RUN_TIMES = ("start", "end", "due", "made")
_STATUS_TIMES = ("next_start", "next_end", "next_due")


def report_run_json(run: ReportRun) -> dict[str, Any]:
    """A run."""
    data = {**asdict(run), "state": str(run.state)}
    data |= {name: iso_time(data[name]) for name in _RUN_TIMES}
    return {**data, "deliveries": [{**one, "done": iso_time(one["done"])} for one in data["deliveries"]]}


def parse_report_run(data: Mapping[str, Any]) -> ReportRun:
    """The other way."""
    given = {**data, **{name: _time(data[name]) for name in _RUN_TIMES}, "state": ReportState(data["state"])}
    found = tuple(ReportDelivery(**{**one, "done": _time(one["done"])}) for one in data["deliveries"])
    return ReportRun(**{**given, "files": tuple(data["files"]), "deliveries": found})


def report_json(status: ReportStatus) -> dict[str, Any]:
    """A declared report."""
    data = asdict(status) | {name: iso_time(getattr(status, name)) for name in _STATUS_TIMES}
    return {**data, "last": report_run_json(status.last) if status.last else None}


def parse_report(data: Mapping[str, Any]) -> ReportStatus:
    """The other way."""
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    times = {name: _time(data[name]) for name in _STATUS_TIMES}
    return ReportStatus(**{**given, **times, "last": parse_report_run(data["last"]) if data["last"] else None})


def _time(text: str | None) -> int:
    return parse_time(text) if text else 0
