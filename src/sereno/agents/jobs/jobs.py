"""All jobs of a node: their tasks, whose change starts whom, and what is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

import numpy as np
import structlog

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import (
    AlarmKind,
    AlarmSpec,
    Client,
    CommandHandler,
    DeviceStatus,
    IngestPort,
    JobDetail,
    JobStatus,
    Subscription,
    Update,
)
from sereno.model import NotFoundError, SerenoError, severity

from .job import PERIOD, Job
from .kept import Documents, Keeper
from .rule import JobRule

log = structlog.get_logger(__name__)


class Jobs:
    """Implements JobPort. `start` once, `stop` in the end; `put` changes which jobs there are, between two batches."""

    def __init__(self, rules: Sequence[JobRule], plant: Client, ingest: IngestPort, documents: Documents) -> None:
        self._plant = plant
        self._ingest = ingest
        self._keeper = Keeper(documents)
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}
        self._started = False
        for rule in rules:
            self._add(rule)

    @property
    def rules(self) -> list[JobRule]:
        """As declared."""
        return [job.rule for job in self._jobs.values()]

    @property
    def handlers(self) -> Mapping[str, CommandHandler]:
        """Who executes the commands of each, by its path."""
        return {job.rule.path: job for job in self._jobs.values()}

    async def start(self) -> None:
        """Take up what was kept and run them by their schedules. Raises StoreError."""
        for job in self._jobs.values():
            await job.load()
        self._started = True
        self.follow()

    async def stop(self) -> None:
        """Returns when no run is under way; those that were are kept as cut off."""
        self._started = False
        for name in list(self._tasks):
            await self._end(name)

    async def quiet(self, rules: Sequence[JobRule]) -> None:
        """End those that are not among these."""
        staying = {rule.name for rule in rules}
        for name in [name for name in self._jobs if name not in staying]:
            await self._end(name)

    def put(self, rules: Sequence[JobRule]) -> None:
        """These are the jobs now; who is gone has been quiet. Those that stay go on."""
        wanted = {rule.name: rule for rule in rules}
        for name in [name for name in self._jobs if name not in wanted]:
            self._jobs.pop(name).retire()
        for name, rule in wanted.items():
            if name not in self._jobs:
                self._add(rule)
            elif self._jobs[name].rule != rule:
                self._jobs[name].follow(rule)

    def follow(self) -> None:
        """Run those that are new, and listen to tags as they are now."""
        if not self._started:
            return
        for name, job in self._jobs.items():
            if name not in self._tasks:
                self._tasks[name] = [asyncio.create_task(self._run(job), name=f"job {name} schedule")]
        for name, job in self._jobs.items():
            for listener in self._tasks[name][1:]:
                listener.cancel()
            del self._tasks[name][1:]
            if job.rule.on_change:
                self._tasks[name].append(asyncio.create_task(self._listen(job), name=f"job {name} changes"))

    # ---- JobPort

    async def jobs(self, actor: Actor) -> list[JobStatus]:
        """See JobPort."""
        found = [job.status() for job in self._jobs.values() if actor.may(Right.READ, job.rule.path)]
        return sorted(found, key=lambda status: status.name)

    async def job(self, name: str, actor: Actor) -> JobDetail:
        """See JobPort."""
        found = self._jobs.get(name)
        if found is None or not actor.may(Right.READ, found.rule.path):
            readable = ", ".join(status.name for status in await self.jobs(actor)) or "none"
            raise NotFoundError(f"there is no job {name!r}; there are: {readable}")
        return found.detail()

    def status(self) -> list[DeviceStatus]:
        """Each as a device."""
        return [job.device() for job in self._jobs.values()]

    # ---- inside

    def _add(self, rule: JobRule) -> None:
        job = self._jobs[rule.name] = Job(rule, self._plant, self._ingest, self._keeper)
        job.put()

    async def _run(self, job: Job) -> None:
        if not job.kept.runs:
            with suppress(SerenoError):
                await job.load()
        while True:
            try:
                await job.run()
            except Exception:
                log.exception("the schedule of a job broke off", task=f"job {job.rule.name} schedule")
                await self._plant.clock.sleep(PERIOD)

    async def _end(self, name: str) -> None:
        tasks = self._tasks.pop(name, [])
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _listen(self, job: Job) -> None:
        """Until cancelled; a tag that is no more is not listened to."""
        reader = Role(job.rule.actor, tuple(Permission(Right.READ, path) for path in job.rule.on_change))
        try:
            client = self._plant.as_actor(Actor(job.rule.actor, (reader,), "agent"))
            subscription = await client.subscribe(*job.rule.on_change)
        except SerenoError as error:
            log.error("a job cannot listen to its tags", job=job.rule.name, error=str(error))
            return
        try:
            await _listened(subscription, job)
        finally:
            await subscription.close()


async def _listened(subscription: Subscription, job: Job) -> None:
    last: dict[int, object] = {}
    async for update in subscription:
        for at, value in _good_values(update):
            if at in last and last[at] != value:
                job.changed()
            last[at] = value


def _good_values(update: Update) -> list[tuple[int, object]]:
    rows = zip(update.index.tolist(), update.values.tolist(), update.quality.tolist(), strict=True)
    found: list[tuple[int, object]] = [
        (at, value) for at, value, code in rows if severity(code) == "good" and not np.isnan(value)
    ]
    return found + [(at, value) for at, value, _, code in update.objects if severity(code) == "good"]


def job_alarms(rules: Sequence[JobRule]) -> list[AlarmSpec]:
    """An alarm for each job that wants one: its last run failed."""
    return [
        AlarmSpec(
            id=f"{rule.path}/run_failed",
            source=f"{rule.path}/outcome",
            kind=AlarmKind.EXPRESSION,
            inputs=(f"{rule.path}/outcome",),
            condition=f"{rule.path}/outcome == 'failed' or {rule.path}/outcome == 'timed_out'",
            priority=rule.priority,
            cause="A step of its last run failed, or the run took too long",
            consequence="What it does was not done, or only in part",
            response=rule.response or f"See why on the page of jobs; when it is mended: sereno job run {rule.name}",
        )
        for rule in rules
        if rule.priority
    ]
