"""One run of a job: its steps one after another, and the record of what came of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import structlog

from sereno.client import Client, JobRun, Reading, StepDone
from sereno.model import Clock, SerenoError

from .machine import Why
from .rule import JobRule, Step
from .steps import Doing, perform
from .table import paths_of

log = structlog.get_logger(__name__)
DONE, WARNED, FAILED, TIMED_OUT = "done", "warned", "failed", "timed_out"
STOPPED, CUT_OFF = "stopped", "cut_off"
OUTCOMES = ("none", DONE, WARNED, FAILED, TIMED_OUT, STOPPED, CUT_OFF)


class Run:
    """One run of a rule. `go` once; `record` whenever, also after it was cancelled."""

    def __init__(
        self, rule: JobRule, number: int, why: Why, client: Client, *, told: Callable[[int], None], by: str = ""
    ) -> None:
        self.rule = rule
        self.doing = Doing(rule.name, number, client, client.clock.monotonic())
        self.outcome, self.reason = CUT_OFF, "the node stopped"
        self._why, self._by = why, by
        self._told = told
        self._began = self._clock.wall_ns()
        self._steps: list[StepDone] = []

    @property
    def _clock(self) -> Clock:
        return self.doing.client.clock

    @property
    def readings(self) -> dict[str, Reading]:
        """What it has read, by path."""
        return self.doing.readings

    async def go(self) -> None:
        """All steps, or up to the one that stops it, at most for the time that a run may take."""
        try:
            async with self._clock.timeout(self.rule.timeout):
                await self._all()
        except TimeoutError:
            at = f"step {len(self._steps) + 1} ({self.rule.steps[len(self._steps)].do})" if self._left else "its end"
            self.outcome, self.reason = TIMED_OUT, f"not over within {self.rule.timeout:g} s, it was at {at}"
        await self._look_at_table()

    def record(self) -> JobRun:
        """As it is kept."""
        return JobRun(
            number=self.doing.number,
            why=self._why,
            began=self._began,
            ended=self._clock.wall_ns(),
            outcome=self.outcome,
            reason=self.reason,
            steps=tuple(self._steps),
            by=self._by,
        )

    @property
    def _left(self) -> int:
        return len(self.rule.steps) - len(self._steps)

    async def _all(self) -> None:
        warnings: list[str] = []
        for number, step in enumerate(self.rule.steps, 1):
            self._told(number)
            done = await self._one(step)
            self._steps.append(done)
            if done.state == FAILED:
                self.outcome, self.reason = FAILED, f"step {number} ({step.do}): {done.words}"
                return
            if done.state == WARNED:
                warnings.append(f"step {number} ({step.do}): {done.words}")
        self.outcome, self.reason = (WARNED, "; ".join(warnings)) if warnings else (DONE, "")

    async def _one(self, step: Step) -> StepDone:
        began, t = self._clock.monotonic(), self._clock.wall_ns()
        try:
            state, words = "ok", await perform(step, self.doing)
        except SerenoError as error:
            state, words = (WARNED if step.warn else FAILED), str(error)
            level = log.warning if step.warn else log.error
            level("a step of a job failed", job=self.rule.name, run=self.doing.number, step=step.do, reason=words)
        seconds = round(self._clock.monotonic() - began, 6)
        return StepDone(do=step.do, text=step.text, state=state, words=words[:2000], t=t, seconds=seconds)

    async def _look_at_table(self) -> None:
        """What of the table no step has read, as it is now."""
        missing = [path for path in paths_of(self.rule.table) if path not in self.readings]
        if missing:
            with suppress(SerenoError, asyncio.TimeoutError):
                found = await self.doing.client.read(*missing)
                self.readings.update({reading.tag.path: reading for reading in found})
