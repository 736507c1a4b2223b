"""Jobs as a port: declared sequences of steps, their runs, and the table of who said what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from sereno.access.actor import Actor
from sereno.model import NotFoundError

from ._json import iso_time
from ._times import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """A step of a run. `state` ok, warned or failed; `words`: what came of it; `t` ns UTC, `seconds` it took."""

    do: str
    text: str
    state: str
    words: str
    t: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One run, times ns UTC. `why` interval, again, calendar, change or asked, then `by` whom.

    `outcome` done, warned (a step failed that may), failed, stopped, timed_out or cut_off (by the end of the node);
    `reason` in words where it is not done.
    """

    number: int
    why: str
    began: int
    ended: int
    outcome: str
    reason: str
    steps: tuple[StepDone, ...]
    by: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended - self.began) / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class JobColumn:
    """One column of the table: the total over a fleet with its quality, and what each member said (None = nothing)."""

    title: str
    members: str
    total: str = ""
    value: Any = None
    unit: str = ""
    quality: str = ""
    reason: str = ""
    t: int = 0
    by_member: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job as it is. `state` waiting, running or paused; `when`: its schedule in words; times ns UTC, 0 = none.

    `runs` and `failed` count since it was first declared, `skipped` the times that passed while it ran. `since`: when
    this node began to look after it. `under_way`: the step that it is at, from 1, of `steps`.
    """

    name: str
    path: str
    description: str
    when: str
    actor: str
    state: str
    next: int
    since: int
    runs: int
    failed: int
    skipped: int
    steps: int
    under_way: int
    last: JobRun | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDetail:
    """A job with its runs, the newest first, and the table of the last one that had values."""

    status: JobStatus
    runs: tuple[JobRun, ...]
    table: tuple[JobColumn, ...]
    steps: tuple[str, ...] = ()


class JobPort(Protocol):
    """Jobs. They are run, paused, resumed and stopped by commands of the device jobs/NAME."""

    async def jobs(self, actor: Actor) -> list[JobStatus]:
        """Those that the actor may read, by name."""

    async def job(self, name: str, actor: Actor) -> JobDetail:
        """One. Raises NotFoundError, also for one that may not be read."""


class NoJobs:
    """A JobPort of a plant that declares none."""

    async def jobs(self, actor: Actor) -> list[JobStatus]:
        """None."""
        del actor
        return []

    async def job(self, name: str, actor: Actor) -> JobDetail:
        """Raises NotFoundError."""
        del actor
        raise NotFoundError(f"there is no job {name!r}: this plant declares none")


def run_json(run: JobRun) -> dict[str, Any]:
    """A run; durations in seconds."""
    steps = [{**asdict(step), "t": iso_time(step.t)} for step in run.steps]
    times = {"began": iso_time(run.began), "ended": iso_time(run.ended), "seconds": round(run.seconds, 6)}
    return {**asdict(run), **times, "steps": steps}


def job_json(status: JobStatus) -> dict[str, Any]:
    """A job."""
    times = {"next": iso_time(status.next), "since": iso_time(status.since)}
    return {**asdict(status), **times, "last": status.last and run_json(status.last)}


def job_detail_json(detail: JobDetail) -> dict[str, Any]:
    """A job with its runs and its table."""
    table = [{**asdict(column), "t": iso_time(column.t)} for column in detail.table]
    runs = [run_json(run) for run in detail.runs]
    return {**job_json(detail.status), "declared": list(detail.steps), "history": runs, "table": table}


def parse_run(data: Mapping[str, Any]) -> JobRun:
    """The other way."""
    steps = tuple(StepDone(**{**step, "t": _ns(step["t"])}) for step in data["steps"])
    known = {name: data[name] for name in ("number", "why", "outcome", "reason")}
    return JobRun(**known, by=data.get("by", ""), began=_ns(data["began"]), ended=_ns(data["ended"]), steps=steps)


def parse_job(data: Mapping[str, Any]) -> JobStatus:
    """The other way."""
    known = {name: data[name] for name in JobStatus.__dataclass_fields__}
    last = parse_run(data["last"]) if data["last"] else None
    return JobStatus(**{**known, "next": _ns(data["next"]), "since": _ns(data["since"]), "last": last})


def parse_job_detail(data: Mapping[str, Any]) -> JobDetail:
    """The other way."""
    return JobDetail(
        status=parse_job(data),
        runs=tuple(parse_run(one) for one in data["history"]),
        table=tuple(JobColumn(**{**one, "t": _ns(one["t"])}) for one in data["table"]),
        steps=tuple(data["declared"]),
    )


def _ns(text: str | None) -> int:
    return parse_time(text) if text else 0
