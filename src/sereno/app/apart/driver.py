"""The mirror of an agent that runs apart: its tags, writes and commands, over the native protocol."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from sereno.client import BEFORE_IT_BEGINS, CommandSpec, Present
from sereno.device import Driver, DriverTag, Environment, Link, ScanColumns, plan_of
from sereno.model import (
    Ack,
    AckState,
    Command,
    ExactBlock,
    ExpiredError,
    NoAnswerError,
    OperationalState,
    Quality,
    RefusedError,
    Verb,
    new_key,
)

from .link import Apart, ApartLink

PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class MirrorPlan:
    """One scan group, by path."""

    rows: tuple[str, ...]
    objects: tuple[str, ...]
    timed: bool


class ApartDriver(Driver):
    """One agent in a process of its own."""

    Config = BaseModel
    TagConfig = BaseModel

    @classmethod
    def link_key(cls, config: Apart) -> str:
        """See Driver: every agent has a process of its own."""
        return config.device

    @classmethod
    def open_link(cls, config: Apart, environment: Environment) -> Link:
        """See Driver."""
        return ApartLink(config, environment)

    @classmethod
    def check(cls, config: Any, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        """See Driver: what can be wrong was found when the class was looked at."""
        del config, tags
        return []

    def __init__(self, config: Apart, link: Link, environment: Environment) -> None:
        assert isinstance(link, ApartLink)
        self._link = link
        self._clock = environment.clock
        plan = plan_of(config.cls)
        self._tags = plan.tags
        self._commands = tuple(command.spec for command in plan.commands.values())
        self._states = {name: command.rule.states for name, command in plan.commands.items()}
        self._at_once = frozenset(name for name, command in plan.commands.items() if command.at_once)
        self._reading = frozenset(name for name, command in plan.commands.items() if command.spec.reads)
        self._timeouts = {name: command.timeout for name, command in plan.commands.items() if command.timeout}

    @property
    def commands(self) -> tuple[CommandSpec, ...]:
        """See Driver."""
        return self._commands

    def allowed(self, name: str, *, call: bool) -> frozenset[OperationalState]:
        """See Driver: as in the node."""
        found = self._states.get(name) if call else self._tags[name.rpartition("/")[2]].rule.states
        return super().allowed(name, call=call) if found is None else found

    def at_once(self, name: str) -> bool:
        """See Driver."""
        return name in self._at_once

    def reads(self, name: str) -> bool:
        """See Driver: as the class says that this node has loaded, whatever runs in the process."""
        return name in self._reading

    def timeouts(self) -> Mapping[str, float]:
        """See Driver."""
        return self._timeouts

    def remarks(self) -> tuple[str, ...]:
        """See Driver."""
        return (f"process {self._link.process_id}",) if self._link.process_id else ()

    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> MirrorPlan:
        """See Driver."""
        timed = not all(self._tags[tag.spec.name].held for tag in (*rows, *objects))
        return MirrorPlan(tuple(t.spec.path for t in rows), tuple(t.spec.path for t in objects), timed)

    async def scan(self, plan: MirrorPlan) -> ScanColumns:
        """See Driver. A timer that has completed no round over there, or none of late, has not answered here either."""
        tags, now = await self._link.read([*plan.rows, *plan.objects])
        row_of = {tags[place].path: row for row, place in enumerate(now.index.tolist())}
        order = np.array([row_of[path] for path in plan.rows], np.intp)
        quality = now.quality[order]
        beside = {tags[place].path: (value, code) for place, value, _, code in now.objects}
        objects = tuple((i, *beside[path]) for i, path in enumerate(plan.objects) if path in beside)
        codes = [*quality.tolist(), *(code for _, _, code in objects)]
        if plan.timed and all(code in (Quality.STALE, Quality.WAITING) for code in codes):
            raise NoAnswerError("its timer completes no round")
        t_source = np.where(now.t_source == 0, now.t_hub, now.t_source)[order]
        exact = _exact(now, order)
        return ScanColumns(values=now.values[order], quality=quality, exact=exact, objects=objects, t_source=t_source)

    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        """See Driver."""
        await self._give(Verb.WRITE, tag.spec.path, deadline, value=value)

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """See Driver."""
        return await self._give(Verb.CALL, self._link.key, deadline, name=name, arguments=arguments)

    async def _give(self, verb: Verb, target: str, deadline: float | None, **what: Any) -> Any:
        """The result of a command over there. Before it begins the process asks whether it still may."""
        client, check = self._link.client, Check(BEFORE_IT_BEGINS.get())
        expires = client.clock.wall_ns() + int(self._left(deadline) * 1e9)
        command = Command(target=target, verb=verb, key=new_key(), actor=client.actor.name, expires=expires, **what)
        with self._link.given(command.key, check):
            ack = await client.final(command)
        if ack.state is not AckState.DONE and check.refusal is not None:
            raise check.refusal
        _require(ack)
        return ack.value

    def _left(self, deadline: float | None) -> float:
        """Raises ExpiredError when nothing is left."""
        left = PATIENCE if deadline is None else deadline - self._clock.monotonic()
        if left <= 0:
            raise ExpiredError("its time was over before it was sent")
        return left


class Check:
    """Asks what is asked before a command begins, and keeps the refusal for whoever gave the command."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self.refusal: RefusedError | None = None

    def __call__(self) -> None:
        """Raises RefusedError."""
        self.refusal = None
        try:
            self._check()
        except RefusedError as error:
            self.refusal = error
            raise


def _exact(now: Present, order: NDArray[np.intp]) -> ExactBlock | None:
    known = dict(zip(now.exact_rows.tolist(), now.exact_values.tolist(), strict=True))
    rows = [i for i, row in enumerate(order.tolist()) if row in known]
    if not rows:
        return None
    return ExactBlock(np.array(rows, np.int32), np.array([known[order[i]] for i in rows], np.int64))


def _require(ack: Ack) -> None:
    if ack.state is AckState.DONE:
        return
    words = ack.reason or str(ack.state)
    if ack.state is AckState.UNKNOWN:
        raise NoAnswerError(words)
    if ack.state in (AckState.TIMED_OUT, AckState.CANCELLED):
        raise ExpiredError(words)
    raise RefusedError(words)
