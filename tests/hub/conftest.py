"""A clock that tests move by hand, a small plant in a hub, and a bench for commands to a device of it."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import ROLES, Actor
from sereno.client import GroupSpec
from sereno.hub.hub import Hub
from sereno.hub.journal import MemoryJournal
from sereno.hub.router import CommandRouter
from sereno.model import (
    Access,
    Ack,
    Clock,
    Command,
    GroupId,
    Marks,
    NotFoundError,
    ObjectSample,
    RowIndex,
    SampleBatch,
    Setpoint,
    TagHandle,
    TagSpec,
    ValueType,
    seal,
)

RW = Access.READ_WRITE
COMMANDED = (
    TagSpec(path="river/plc1/level", unit="m", decimals=1, deadband=0.05),
    TagSpec(
        path="river/plc1/speed",
        unit="%",
        access=RW,
        setpoint=Setpoint(low=0, high=100, tolerance=0.5, timeout=5.0, interlock="river/plc1/level > 1"),
    ),
    TagSpec(path="river/plc1/auto", type=ValueType.BOOL, access=RW),
    TagSpec(path="river/plc1/mode", type=ValueType.ENUM, labels=("off", "on"), access=RW),
    TagSpec(path="river/plc1/valve_wanted", access=Access.WRITE, setpoint=Setpoint(readback="river/plc1/level")),
    TagSpec(path="river/plc1/reset", type=ValueType.BOOL, access=Access.WRITE),
    TagSpec(path="river/plc1/gate", access=RW, setpoint=Setpoint(select=30.0, interlock="river/plc1/level > 1")),
    TagSpec(path="river/plc1/dose", access=RW, setpoint=Setpoint(approval=600.0)),
    TagSpec(path="river/plc1/recipe", access=RW, setpoint=Setpoint(sign=("released", "reviewed"))),
    TagSpec(path="river/plc1/limit", access=RW, setpoint=Setpoint(select=30.0, approval=600.0, sign=("released",))),
    TagSpec(path="river/plc1/valve_back", access=Access.WRITE, setpoint=Setpoint(readback="river/plc1/level")),
)
_READ = [s for s in COMMANDED if s.access is not Access.WRITE]
OLGA = Actor("olga", (ROLES["operator"],))
START_NS = 1_800_000_000_000_000_000


class _Timer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class HandClock:
    """Time stands until `advance`; `skew_ns` moves the wall clock alone."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.skew_ns = 0
        self._timers: list[tuple[float, int, _Timer]] = []
        self._numbers = count()

    def wall_ns(self) -> int:
        return START_NS + int((self.now - 1000.0) * 1e9) + self.skew_ns

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.get_running_loop().create_future()
        timer = self.call_later(seconds, lambda: woken.done() or woken.set_result(None))
        try:
            await woken
        finally:
            timer.cancel()

    @asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        async with asyncio.timeout(None) as scope:
            timer = self.call_later(seconds, lambda: scope.reschedule(asyncio.get_running_loop().time()))
            try:
                yield
            finally:
                timer.cancel()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> _Timer:
        timer = _Timer(callback)
        heapq.heappush(self._timers, (self.now + seconds, next(self._numbers), timer))
        return timer

    async def advance(self, seconds: float) -> None:
        """Let time pass: every timer on the way fires at its moment."""
        end = self.now + seconds
        await settle()
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heapq.heappop(self._timers)
            self.now = max(self.now, when)
            if timer.callback is not None:
                timer.callback()
                await settle()
        self.now = end
        await settle()


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Plant:
    """A hub with groups of tags, and batches for them by tag name."""

    def __init__(self, clock: Clock, **options: Any) -> None:
        self.clock = clock
        self.hub = Hub(clock, **options)
        self.seq: dict[GroupId, int] = {}
        self.rows: dict[GroupId, RowIndex] = {}

    def group(self, *specs: TagSpec, device: str | None = None, stale_after: float = 1.0) -> GroupId:
        handles = self.hub.register_tags(specs)
        index = RowIndex([h for h, s in zip(handles, specs, strict=True) if s.is_row])
        objects = tuple(int(h) for h, s in zip(handles, specs, strict=True) if not s.is_row)
        spec = GroupSpec("scan", device or specs[0].device, 0.1, stale_after, index, objects)
        group = self.hub.register_group(spec)
        self.rows[group], self.seq[group] = index, 0
        return group

    def batch(
        self,
        group: GroupId,
        values: Sequence[float],
        quality: Any = 0,
        *,
        t_source: Any = None,
        seq: int | None = None,
        objects: dict[str, Any] | None = None,
        **options: Any,
    ) -> SampleBatch:
        if seq is None:
            self.seq[group] += 1
            seq = self.seq[group]
        t = self.clock.wall_ns() if t_source is None else t_source
        beside = tuple(
            ObjectSample(TagHandle(self.hub.table.handle(path)), value, self.clock.wall_ns(), 0)
            for path, value in (objects or {}).items()
        )
        column = np.array(values, np.float64)
        return seal(group, seq, self.rows[group], column, t, quality, objects=beside, **options)

    def publish(self, group: GroupId, values: Sequence[float], quality: Any = 0, **options: Any) -> None:
        self.hub.publish(self.batch(group, values, quality, **options))


class FakeDevice:
    """Keeps what it was sent; `fault` is raised after the write took place, `before` instead of it."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {"level": 4.0, "speed": 10.0, "auto": False, "mode": 0}
        self.values |= {"gate": 1.0, "dose": 1.0, "recipe": 1.0, "limit": 1.0}
        self.writes: list[tuple[str, Any]] = []
        self.obey = True
        self.before: Exception | None = None
        self.fault: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.entered = 0
        self.deadlines: list[float | None] = []

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        self.entered += 1
        self.deadlines.append(deadline)
        if self.before is not None:
            raise self.before
        if self.gate is not None:
            await self.gate.wait()
        self.writes.append((path, value))
        if self.obey:
            self.values[path.rpartition("/")[2]] = value
        if self.fault is not None:
            raise self.fault

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        self.entered += 1
        self.deadlines.append(deadline)
        if name != "add":
            raise NotFoundError(f"no command {name!r}")
        if self.gate is not None:
            await self.gate.wait()
        return sum(arguments)


class Bench:
    """A plant with one device, its router, and scans by hand."""

    def __init__(self, plant: Any, journal: MemoryJournal | None = None, **options: Any) -> None:
        self.plant, self.hub, self.clock = plant, plant.hub, plant.clock
        self.journal = journal or MemoryJournal()
        self.device = FakeDevice()
        self.group: GroupId = plant.group(*_READ)
        self.hub.register_tags([s for s in COMMANDED if s.access is Access.WRITE])
        self._marks: dict[str, dict[str, Marks]] = {}
        options = {"marked": lambda path: self._marks.get(path, {}), **options}
        self.router = CommandRouter(self.hub, self.clock, journal=self.journal, **options)
        self.router.register("river/plc1", self.device)
        self.scan()

    def mark(self, marks: dict[str, dict[str, Marks]]) -> None:
        """From now on these named commands wait for people, depend on something or take their time."""
        self._marks = marks

    def scan(self, quality: Any = 0, **values: float) -> None:
        now = {**self.device.values, **values}
        self.plant.publish(self.group, [float(now[s.name]) for s in _READ], quality)

    def command(self, name: str = "speed", value: Any = 50.0, **keys: Any) -> Command:
        return Command(target=f"river/plc1/{name}", value=value, **keys)

    def submit(self, command: Command | None = None, actor: Actor | None = None) -> asyncio.Task[list[Ack]]:
        """Submit and collect in a task of its own."""
        stream = self.router.submit(command or self.command(), actor or OLGA)

        async def collect() -> list[Ack]:
            return [ack async for ack in stream]

        return asyncio.create_task(collect())

    async def settle(self) -> None:
        await self.clock.advance(0)

    async def finish(self, command: Command | None = None, actor: Actor | None = None) -> list[Ack]:
        """Submit, scan every 100 ms as a device does, until the command has its end."""
        collected = self.submit(command, actor)
        await self.settle()
        for _ in range(100):
            if collected.done():
                break
            self.scan()
            await self.clock.advance(0.1)
        return await collected


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def plant(clock: HandClock) -> Iterator[Plant]:
    plant = Plant(clock)
    yield plant
    plant.hub.close()


@pytest.fixture(scope="session")
def make_plant() -> type[Plant]:
    return Plant


@pytest.fixture(scope="session")
def make_clock() -> type[HandClock]:
    return HandClock


@pytest.fixture
def operator() -> Actor:
    return OLGA


@pytest.fixture(scope="session")
def make_bench() -> type[Bench]:
    return Bench


@pytest.fixture
async def bench(plant: Plant) -> AsyncIterator[Bench]:
    bench = Bench(plant)
    yield bench
    await bench.router.close()
