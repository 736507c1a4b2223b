"""A hub with tags, alarms over them, a store in memory, and a clock that tests move by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from sereno.access.actor import ROLES, Actor
from sereno.alarms.alarms import Alarms
from sereno.client import AlarmKind, AlarmSpec, AlarmState, GroupSpec
from sereno.hub.hub import Hub
from sereno.model import Clock, Limits, RowIndex, TagSpec, seal
from sereno.store.alarms import AlarmJournal
from sereno.store.engine import Store

OLGA = Actor("olga", (ROLES["operator"],), origin="page")
VERA = Actor("vera", (ROLES["viewer"],))
EVA = Actor("eva", (ROLES["engineer"],))
FOUR = Limits(lolo=1.0, lo=2.0, hi=8.0, hihi=9.0, deadband=0.5)
LEVEL, FLOW, PUMP = "river/plc1/level", "river/plc1/flow", "river/plc1/pump"
TAGS = (TagSpec(path=LEVEL, limits=FOUR), TagSpec(path=FLOW), TagSpec(path=PUMP))


def limit_alarms(path: str, **more: Any) -> list[AlarmSpec]:
    """All four limits of a tag."""
    kinds = (AlarmKind.LOLO, AlarmKind.LO, AlarmKind.HI, AlarmKind.HIHI)
    return [limit_alarm(path, kind, **more) for kind in kinds]


def limit_alarm(path: str, kind: AlarmKind, **more: Any) -> AlarmSpec:
    given = {"priority": 2, "response": "Look.", **more}
    return AlarmSpec(id=f"{path}.{kind}", source=path, kind=kind, inputs=(path,), **given)


class Bench:
    """Alarms at work. `feed` publishes one scan of all tags; `advance` lets time pass for delays and shelves."""

    def __init__(self, specs: Sequence[AlarmSpec], store: Store, clock: Clock, tags: Sequence[TagSpec] = TAGS) -> None:
        self.hub = Hub(clock)
        self.clock = clock
        index = RowIndex(self.hub.register_tags(tags))
        self.group = self.hub.register_group(GroupSpec("scan", "river/plc1", 1.0, 3.0, index))
        self.index = index
        self.out: set[str] = set()
        self.alarms = Alarms(specs, self.hub, clock, AlarmJournal(store), lambda: self.out)
        self.seq = 0

    def feed(self, *values: float, quality: int | list[int] = 0) -> None:
        self.seq += 1
        full = np.array([*values, *[5.0] * (len(self.index) - len(values))], np.float64)
        codes = quality if isinstance(quality, int) else np.array(quality, np.uint16)
        self.hub.publish(seal(self.group, self.seq, self.index, full, self.clock.wall_ns(), codes))

    async def state(self, alarm: str) -> AlarmState:
        return next(s.state for s in await self.alarms.alarms(EVA) if s.spec.id == alarm)

    async def journal(self) -> list[tuple[str, str, str, str]]:
        """(alarm, event, state, actor), the oldest first, of what is durable."""
        rows = await self.alarms._journal.rows()
        return [(r["alarm"], r["event"], r["state"], r["actor"]) for r in reversed(rows)]


@asynccontextmanager
async def at_work(specs: Sequence[AlarmSpec], clock: Clock, path: Path, tags: Any = TAGS) -> AsyncIterator[Bench]:
    """Loaded and running, everything that is left kept at the end."""
    store = Store.open(path)
    try:
        bench = Bench(specs, store, clock, tags)
        await bench.alarms.load()
        bench.hub.add_sink(bench.alarms)
        tasks = [asyncio.create_task(bench.alarms.run()), asyncio.create_task(bench.alarms.run_journal())]
        try:
            yield bench
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await bench.alarms.stop()
    finally:
        await store.close()
