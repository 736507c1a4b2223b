"""The http driver: a fleet of members behind HTTP, asked all at once, and totals over them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from sereno.client import BEFORE_IT_BEGINS, CommandSpec
from sereno.device import Driver, DriverTag, Environment, Link, RunnerPort, ScanColumns
from sereno.model import (
    DeliveryError,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    Quality,
    RefusedError,
)

from .aggregate import Total, doubted, total_of
from .asking import Sweep
from .checks import faults_of
from .link import HttpLink
from .protocol import Inventory
from .tags import FACTS, SWEEP, HttpConfig, HttpTagConfig
from .writing import Order, Telling, judge, orders_of


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """What one sweep asks for."""

    rows: tuple[DriverTag, ...]
    objects: tuple[DriverTag, ...]

    @property
    def paths(self) -> list[str]:
        """Each path once."""
        return list(dict.fromkeys(tag.config.get for tag in self.tags if tag.config.get))

    @property
    def tags(self) -> tuple[DriverTag, ...]:
        """All of them."""
        return (*self.rows, *self.objects)

    @property
    def names(self) -> tuple[str, ...]:
        """Of its tags."""
        return tuple(tag.spec.name for tag in self.tags)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last sweep made of a tag, and whom it asked."""

    total: Total
    inventory: Inventory


NOT_SENT = "not sent"


class HttpDriver(Driver):
    """One fleet. A sweep reads the inventory anew and asks exactly those whom it names then."""

    Config: ClassVar[type[HttpConfig]] = HttpConfig
    TagConfig: ClassVar[type[HttpTagConfig]] = HttpTagConfig

    @classmethod
    def link_key(cls, config: HttpConfig) -> str:
        """See Driver."""
        return f"http {config!r}"

    @classmethod
    def open_link(cls, config: HttpConfig, environment: Environment) -> Link:
        """See Driver."""
        return HttpLink(config, environment)

    @classmethod
    def check(cls, config: HttpConfig, tags: Sequence[DriverTag]) -> list[tuple[int, str]]:
        """See Driver: types that do not fit, totals that would be written, names of others that are not there."""
        known = {tag.spec.name: tag for tag in tags}
        return [(i, fault) for i, tag in enumerate(tags) for fault in faults_of(tag, known, config)]

    def __init__(self, config: HttpConfig, link: Link, environment: Environment) -> None:
        assert isinstance(link, HttpLink)
        self._config = config
        self._link = link
        self._clock = environment.clock
        self._members = 0
        self._plans: list[FleetPlan] = []
        self._seen: dict[str, Seen] = {}
        self._last: Inventory | None = None
        self._outcomes: dict[str, str] = {}
        self._waiting: dict[int, list[asyncio.Future[None]]] = {}
        self._once_more = False
        self._runner: RunnerPort | None = None

    def bind(self, runner: RunnerPort) -> None:
        """See Driver."""
        self._runner = runner

    def compile(self, rows: Sequence[DriverTag], objects: Sequence[DriverTag]) -> FleetPlan:
        """See Driver."""
        plan = FleetPlan(tuple(rows), tuple(objects))
        self._plans = [*(old for old in self._plans if not {*old.names} & {*plan.names}), plan]
        return plan

    async def scan(self, plan: FleetPlan) -> ScanColumns:
        """See Driver: one sweep. Raises NoAnswerError when nobody can say who belongs to the fleet."""
        waiting = self._waiting.pop(id(plan), [])
        try:
            columns = await self._swept(plan)
        except BaseException as error:
            for name in plan.names:
                self._seen.pop(name, None)
            failed = error if isinstance(error, DeliveryError) else NoAnswerError("the sweep was cut off")
            _settle(waiting, failed)
            raise
        _settle(waiting, None)
        if self._once_more and self._runner is not None:
            self._once_more = False
            self._poke()
        return columns

    async def _swept(self, plan: FleetPlan) -> ScanColumns:
        getter = self._link.getter
        if getter is None:
            raise NoAnswerError("the link is closed")
        inventory, doubt = await self._link.inventory.now(getter)
        self._members = len(inventory)
        config = self._config
        sweep = Sweep(getter, self._clock, timeout=config.timeout, most=config.max_bytes, at_once=config.in_flight)
        paths = plan.paths
        found = await asyncio.gather(*(sweep.answers(inventory.members.items(), path) for path in paths))
        answers = dict(zip(paths, found, strict=True))
        self._count(answers)
        self._last = inventory
        totals = {tag.spec.name: self._total(tag, answers, doubt) for tag in plan.tags}
        self._seen.update({name: Seen(total, inventory) for name, total in totals.items()})
        return _columns(plan, totals)

    async def write(self, tag: DriverTag, value: Any, *, deadline: float | None = None) -> None:
        """See Driver: to every member of the last sweep, once. A total only while it is the present, good one."""
        try:
            members = self._may_be_written(tag, value)
        except RefusedError:
            self._outcomes[tag.spec.name] = json.dumps(
                dict.fromkeys(self._last.members if self._last else (), NOT_SENT)
            )
            raise
        await self._tell(tag.spec.name, members, orders_of(tag.config, value), deadline)

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """See Driver: `sweep` asks everybody now, the others are told to every member; by member what became of it."""
        if name != SWEEP and name not in self._config.calls:
            raise NotFoundError(f"no command {name!r}, only {', '.join((SWEEP, *self._config.calls))}")
        if arguments:
            raise RefusedError(f"{name} takes no arguments, given: {len(arguments)}")
        if name == SWEEP:
            return await self._sweep_now()
        if self._last is None:
            raise NotConnectedError("nobody knows yet who belongs to the fleet")
        call = self._config.calls[name]
        return await self._tell(name, self._last, [Order(call.method, call.path)], deadline)

    @classmethod
    def named(cls, config: HttpConfig) -> tuple[str, ...]:
        """See Driver."""
        return SWEEP, *config.calls

    @property
    def commands(self) -> tuple[CommandSpec, ...]:
        """See Driver."""
        calls = {name: f"{call.method} {call.path} of every member" for name, call in self._config.calls.items()}
        told = {SWEEP: "Ask every member now", **calls}
        return tuple(CommandSpec(name=name, description=words) for name, words in told.items())

    def _may_be_written(self, tag: DriverTag, value: Any) -> Inventory:
        """Whom it goes to. Raises RefusedError, NotConnectedError."""
        name = tag.config.total
        if not name:
            if self._last is None:
                raise NotConnectedError("nobody knows yet who belongs to the fleet")
            return self._last
        seen = self._seen.get(name)
        if seen is None:
            raise RefusedError(f"nothing is written: {name} has no value of a whole sweep")
        if seen.total.quality != Quality.GOOD:
            raise RefusedError(f"nothing is written: {name} is not good: {seen.total.reason}")
        if not _equal(value, seen.total.value):
            raise RefusedError(f"nothing is written: {name} is {seen.total.value} by now, this is {value}")
        return seen.inventory

    async def _tell(
        self, name: str, inventory: Inventory, orders: Sequence[Order], deadline: float | None
    ) -> dict[str, str]:
        getter, config = self._link.getter, self._config
        if getter is None:
            raise NotConnectedError("the link is closed")
        at_once, check = config.in_flight, BEFORE_IT_BEGINS.get()
        telling = Telling(getter, self._clock, timeout=config.timeout, at_once=at_once, until=deadline, check=check)
        outcomes = await telling.all(inventory.members, orders)
        words = {member: outcome.words for member, outcome in outcomes.items()}
        self._outcomes[name] = json.dumps(words)
        self._link.counters["told"] += len(outcomes)
        self._link.counters["not_taken"] += sum(not outcome.ok for outcome in outcomes.values())
        self._once_more = True  # a readback counts if its sweep began after the write: two sweeps
        self._poke()
        judge(outcomes)
        return words

    async def _sweep_now(self) -> None:
        """Returns when a sweep of each group is over that began after this. Raises DeliveryError."""
        if self._runner is None or not self._plans:
            raise NotConnectedError("nothing is asked for")
        loop = asyncio.get_running_loop()
        waits = []
        for plan in self._plans:
            wait: asyncio.Future[None] = loop.create_future()
            self._waiting.setdefault(id(plan), []).append(wait)
            waits.append(wait)
        self._poke()
        await asyncio.gather(*waits)

    def _poke(self) -> None:
        if self._runner is not None:
            for plan in self._plans:
                self._runner.poke(plan.tags[0].spec.path)

    def _total(self, tag: DriverTag, answers: Mapping[str, Mapping[str, Any]], doubt: str) -> Total:
        if tag.config.reduce == "outcome":
            return Total(self._outcomes.get(tag.config.of, "{}"), Quality.GOOD)
        return doubted(total_of(tag.config, answers[tag.config.get]), doubt)

    def counters(self) -> Mapping[str, int]:
        """See Driver."""
        return {"members": self._members}

    def _count(self, answers: Mapping[str, Mapping[str, Any]]) -> None:
        counters = self._link.counters
        counters["sweeps"] += 1
        for one in answers.values():
            counters["asked"] += len(one)
            counters["unanswered"] += sum(isinstance(answer, Exception) for answer in one.values())


def _equal(value: Any, total: Any) -> bool:
    """A value as it is to be written, and a total: the same numbers."""
    mine, seen = (tuple(one) if isinstance(one, tuple | list) else (one,) for one in (value, total))
    return mine == seen


def _settle(waiting: Sequence[asyncio.Future[None]], error: DeliveryError | None) -> None:
    for one in waiting:
        if one.done():
            continue
        if error is None:
            one.set_result(None)
        else:
            one.set_exception(error)


def _columns(plan: FleetPlan, totals_by_name: Mapping[str, Total]) -> ScanColumns:
    rows = [totals_by_name[tag.spec.name] for tag in plan.rows]
    objects = [totals_by_name[tag.spec.name] for tag in plan.objects]
    named = list(zip((*plan.rows, *plan.objects), (*rows, *objects), strict=True))
    totals = [total for tag, total in named if tag.config.reduce not in FACTS]
    return ScanColumns(
        np.array([total.value for total in rows], np.float64),
        np.array([total.quality for total in rows], np.uint16),
        complete=all(total.quality == 0 for total in totals),
        objects=tuple(_object(i, total) for i, total in enumerate(objects)),
        reasons={tag.spec.name: total.reason for tag, total in named if total.reason},
    )


def _object(position: int, total: Total) -> tuple[int, Any, int]:
    return position, total.value, total.quality
