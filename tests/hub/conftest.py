"""A clock that tests move by hand, and a small plant in a hub."""

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
from sereno.model import Clock, GroupId, ObjectSample, RowIndex, SampleBatch, TagHandle, TagSpec, seal

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
    return Actor("olga", (ROLES["operator"],))
