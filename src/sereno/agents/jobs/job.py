"""Job: one job as it runs. A device of its own: commands run, stop, pause and resume, and tags that tell how it is."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import structlog

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import (
    ASKED_BY,
    Client,
    CommandSpec,
    DeviceStatus,
    GroupSpec,
    GroupStatus,
    IngestPort,
    JobDetail,
    JobStatus,
    iso_time,
)
from sereno.model import (
    Clock,
    GroupId,
    LinkState,
    NotFoundError,
    OperationalState,
    Quality,
    RefusedError,
    RowIndex,
    SerenoError,
    TagSpec,
    ValueType,
    seal,
)

from .kept import Keeper, Kept
from .machine import JobMachine, JobState, Moment, Why
from .rule import JobRule
from .run import CUT_OFF, DONE, OUTCOMES, STOPPED, WARNED, Run
from .table import table_of

log = structlog.get_logger(__name__)
DRIVER = "job"
PERIOD = 5.0
"""Seconds at most between two looks at the time, and between two batches of its tags."""
STALE = 20.0
STARTUP = 15.0
"""Seconds that the first values of its tags are waited for when the node starts."""
SOON = 0.1
COMMANDS = {
    "run": "Run it now",
    "stop": "Stop the run under way",
    "pause": "No more runs by its schedule",
    "resume": "By its schedule again",
}
_STATES = tuple(state.value for state in JobState)


def actor_of(rule: JobRule) -> Actor:
    """Whom a job acts as: it may read everything, and write, call and tell what is declared."""
    granted = [Permission(Right.READ), Permission(Right.HISTORY)]
    granted += [Permission(Right.WRITE, glob) for glob in rule.writes]
    granted += [Permission(Right.CALL, glob) for glob in rule.calls]
    granted += [Permission(Right.CALL, f"notices/{way}") for way in rule.ways]
    return Actor(rule.actor, (Role(rule.actor, tuple(granted)),), "agent", f"job {rule.name}")


class Job:
    """A CommandHandler. `load`, then `run` until cancelled; `put` and `retire` between two batches."""

    def __init__(self, rule: JobRule, plant: Client, ingest: IngestPort, keeper: Keeper) -> None:
        self.rule = rule
        self.kept = Kept()
        self._plant = plant
        self._ingest = ingest
        self._keeper = keeper
        self._machine = JobMachine(rule.schedule, self._now())
        self._since = self._clock.wall_ns()
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._under_way = asyncio.Event()
        self._stopped_by_hand = False
        self._asked_by = ""
        self._step = 0
        self._published = 0
        self._index = RowIndex(())
        self._group = GroupId(-1)

    @property
    def _clock(self) -> Clock:
        return self._plant.clock

    # ---- its life

    async def load(self) -> None:
        """Take up what was kept when the node stopped. Raises StoreError."""
        self.kept = await self._keeper.load(self.rule.name)
        last = self.kept.runs[0].began if self.kept.runs else 0
        self._machine = JobMachine(self.rule.schedule, self._now(), last_start=last, paused=self.kept.paused)

    def put(self) -> None:
        """Register its tags."""
        self._index = RowIndex(self._ingest.register_tags(specs_of(self.rule)).tolist())
        self._group = self._ingest.register_group(GroupSpec(DRIVER, self.rule.path, PERIOD, STALE, self._index))

    def retire(self) -> None:
        """Take its tags away."""
        self._ingest.withdraw_tags(self._index.handles.tolist())
        self._ingest.end_group(self._group)

    def follow(self, rule: JobRule) -> None:
        """Another declaration of the same job: a run under way goes on as it was declared when it began."""
        if rule.schedule != self.rule.schedule:
            self._machine.reschedule(rule.schedule, self._now())
        self.rule = rule
        self._wake.set()

    async def run(self) -> None:
        """Run it whenever it is due, until cancelled; then a run under way is cut off, and that is kept."""
        self._ingest.report_link(self.rule.path, LinkState.UP, "")
        self._ingest.report_state(self.rule.path, OperationalState.ENABLED)
        self.publish()
        await self._first_values()
        try:
            while True:
                self._look()
                self.publish()
                self._wake.clear()
                delay = self._machine.delay(self._now()) if self._running is None else None
                with suppress(TimeoutError):
                    async with self._clock.timeout(PERIOD if delay is None else min(delay, PERIOD)):
                        await self._wake.wait()
        finally:
            await self._cut_off()

    def changed(self) -> None:
        """A tag that it listens to has another value."""
        self._machine.change()
        self._wake.set()

    # ---- CommandHandler

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        """See CommandHandler: nothing may be written."""
        del value, deadline
        raise RefusedError(f"{path} tells how the job is; its commands are {', '.join(COMMANDS)}")

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """See CommandHandler. `run` gives the number that the run will have."""
        del deadline
        if name not in COMMANDS:
            raise NotFoundError(f"a job has no command {name!r}, only {', '.join(COMMANDS)}")
        if arguments:
            raise RefusedError(f"{name} takes no arguments, given: {len(arguments)}")
        if name == "run":
            if not self._machine.ask():
                raise RefusedError(f"{self.rule.name} runs already, and never twice at once")
            self._asked_by = ASKED_BY.get()
            self._wake.set()
            return self.kept.count + 1
        if name == "stop":
            await self._stop()
        else:
            await self._set_paused(paused=name == "pause")
        return None

    async def _stop(self) -> None:
        if not self._machine.running:
            raise RefusedError(f"{self.rule.name} does not run")
        self._stopped_by_hand = True
        await self._end()

    async def _set_paused(self, *, paused: bool) -> None:
        before, self.kept.paused = self.kept.paused, paused
        try:
            await self._keeper.keep(self.rule.name, self.kept)
        except BaseException:
            self.kept.paused = before
            raise
        if paused:
            self._machine.pause()
        else:
            self._machine.resume(self._now())
        self._wake.set()

    # ---- what it looks like

    def status(self) -> JobStatus:
        """As a job."""
        delay = None if self._machine.running else self._machine.delay(self._now())
        kept = self.kept
        return JobStatus(
            name=self.rule.name,
            path=self.rule.path,
            description=self.rule.description,
            when=self.rule.when,
            actor=self.rule.actor,
            state=self._machine.state,
            next=0 if delay is None else self._clock.wall_ns() + round(delay * 1e9),
            since=self._since,
            runs=kept.count,
            failed=kept.failed,
            skipped=self._machine.skipped,
            steps=len(self.rule.steps),
            under_way=self._step if self._machine.running else 0,
            last=kept.runs[0] if kept.runs else None,
        )

    def detail(self) -> JobDetail:
        """With runs and table."""
        declared = tuple(step.text or step.do for step in self.rule.steps)
        return JobDetail(status=self.status(), runs=tuple(self.kept.runs), table=self.kept.table, steps=declared)

    def device(self) -> DeviceStatus:
        """As a device."""
        now, last = self._clock.wall_ns(), self.kept.runs[0] if self.kept.runs else None
        told = "" if last is None else f"run {last.number} at {iso_time(last.began)}: {last.outcome} {last.reason}"
        group = GroupStatus(DRIVER, PERIOD, 0.0, len(self._index), self._published, 0, 0, 0.0, 0.0, now, False)
        return DeviceStatus(
            path=self.rule.path,
            driver=DRIVER,
            url="",
            state=OperationalState.ENABLED,
            link=LinkState.UP,
            last_error="",
            since=self._since,
            stale_after=STALE,
            groups=(group,),
            description=self.rule.description,
            status=told.strip(),
            commands=tuple(CommandSpec(name=name, description=words) for name, words in COMMANDS.items()),
        )

    def publish(self) -> None:
        """One batch of how it is now."""
        last = self.kept.runs[0] if self.kept.runs else None
        state, outcome = _STATES.index(self._machine.state), OUTCOMES.index(last.outcome if last else OUTCOMES[0])
        seconds = last.seconds if last else 0.0
        values = np.array([seconds, self.kept.failed, outcome, self.kept.count, state], np.float64)
        quality = np.full(len(values), Quality.GOOD, np.uint16)
        self._ingest.publish(
            seal(self._group, self._published + 1, self._index, values, self._clock.wall_ns(), quality)
        )
        self._published += 1

    # ---- inside

    def _now(self) -> Moment:
        return Moment(self._clock.monotonic(), self._clock.wall_ns())

    async def _first_values(self) -> None:
        """When a node starts its devices are not there at once: what a job reads has its time to come."""
        client, end = self._plant.as_actor(actor_of(self.rule)), self._clock.monotonic() + STARTUP
        while self.rule.inputs and not self._machine.asked and self._clock.monotonic() < end:
            with suppress(SerenoError):
                readings = await client.read(*self.rule.inputs)
                if all(reading.quality != Quality.WAITING for reading in readings):
                    return
            self._wake.clear()
            with suppress(TimeoutError):
                async with self._clock.timeout(SOON):
                    await self._wake.wait()

    def _look(self) -> None:
        if self._running is not None:
            return  # the record of its end is not on the disk yet
        why = self._machine.tick(self._now())
        if why is not None:
            self._stopped_by_hand = False
            self._under_way.clear()
            self._running = asyncio.create_task(self._perform(why), name=f"job {self.rule.name}")

    async def _perform(self, why: Why) -> None:
        self._under_way.set()
        number = self.kept.count + 1
        by = self._asked_by if why is Why.ASKED else ""
        run = Run(self.rule, number, why, self._plant.as_actor(actor_of(self.rule)), told=self._at, by=by)
        try:
            self.kept.begun = replace(run.record(), reason="the node ended without a record of it")
            await self._keep(number)
            await run.go()
        except asyncio.CancelledError:
            if self._stopped_by_hand:
                run.outcome, run.reason = STOPPED, "stopped by command"
        except Exception as error:
            log.exception("a job failed otherwise than its steps may", task=f"job {self.rule.name}")
            run.outcome, run.reason = "failed", f"{type(error).__name__}: {error}"
        self._machine.ended(self._now())
        self._step = 0
        try:
            await self._over(run)
        finally:
            self._running = None
            self._wake.set()

    async def _over(self, run: Run) -> None:
        failed = run.outcome not in (DONE, WARNED, STOPPED, CUT_OFF)
        self.kept.add(run.record(), table_of(run.rule.table, run.readings, run.doing.sent), failed=failed)
        await self._keep(run.doing.number)

    def _at(self, step: int) -> None:
        self._step = step

    async def _keep(self, number: int) -> None:
        try:
            await self._keeper.keep(self.rule.name, self.kept)
        except SerenoError as error:
            log.error("a run of a job is not kept", job=self.rule.name, run=number, error=str(error))

    async def _cut_off(self) -> None:
        if self._running is not None:
            await self._end()

    async def _end(self) -> None:
        """Of the run under way; returns when it is on the disk. One that has not had its first moment yet has it."""
        task = self._running
        assert task is not None
        await self._under_way.wait()
        if self._machine.running:
            task.cancel()
        await asyncio.wait((task,))


def specs_of(rule: JobRule) -> tuple[TagSpec, ...]:
    """Its tags, by name."""
    path = rule.path
    return (
        TagSpec(path=f"{path}/duration", unit="s", decimals=2, description="Of the last run"),
        TagSpec(path=f"{path}/failed", type=ValueType.UINT32, description="Runs that failed"),
        TagSpec(path=f"{path}/outcome", type=ValueType.ENUM, labels=OUTCOMES, description="Of the last run"),
        TagSpec(path=f"{path}/runs", type=ValueType.UINT32, description="Runs since it was declared"),
        TagSpec(path=f"{path}/state", type=ValueType.ENUM, labels=_STATES, description="What it does"),
    )
