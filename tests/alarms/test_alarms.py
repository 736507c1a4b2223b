"""Alarms over a hub: what people see, what they may do, what is kept, and what time does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import AlarmKind, AlarmQuery, AlarmSpec, AlarmState
from sereno.model import DeniedError, NotFoundError, OperationError, RefusedError, TagSpec, seal
from sereno.store.audit import AuditLog
from sereno.store.errors import StoreError
from sereno.testing import JumpingClock, jumping
from tests.alarms.rig import EVA, FLOW, FOUR, LEVEL, OLGA, PUMP, TAGS, VERA, at_work, limit_alarm, limit_alarms

HI = f"{LEVEL}.hi"


@jumping
async def test_an_alarm_comes_is_acknowledged_and_goes(clock: JumpingClock, tmp_path: Path) -> None:
    async with at_work(limit_alarms(LEVEL), clock, tmp_path / "s.db") as bench:
        bench.feed(5.0)
        assert await bench.state(HI) is AlarmState.NORMAL
        bench.feed(8.5)
        assert await bench.state(HI) is AlarmState.UNACKNOWLEDGED
        (done,) = await bench.alarms.acknowledge([HI], OLGA, note="seen")
        assert (done.state, done.actor, done.note, done.value) == (AlarmState.ACKNOWLEDGED, "olga", "seen", 8.5)
        bench.feed(7.9)
        assert await bench.state(HI) is AlarmState.ACKNOWLEDGED
        bench.feed(7.5)
        assert await bench.state(HI) is AlarmState.NORMAL
        bench.feed(9.5)
        bench.feed(5.0)
        assert await bench.state(f"{LEVEL}.hihi") is AlarmState.RETURNED
        await asyncio.sleep(0.1)
        assert [row for row in await bench.journal() if row[0] == HI] == [
            (HI, "raised", "unacknowledged", "sereno"),
            (HI, "acknowledged", "acknowledged", "olga"),
            (HI, "cleared", "normal", "sereno"),
            (HI, "raised", "unacknowledged", "sereno"),
            (HI, "cleared", "returned", "sereno"),
        ]


@jumping
async def test_eight_hours_on_the_shelf(clock: JumpingClock, tmp_path: Path) -> None:
    async with at_work(limit_alarms(LEVEL), clock, tmp_path / "s.db") as bench:
        bench.feed(8.5)
        await bench.alarms.shelve([HI], OLGA, reason="sensor drifts", seconds=8 * 3600)
        bench.feed(5.0)
        bench.feed(8.5)
        assert await bench.state(HI) is AlarmState.SHELVED
        await asyncio.sleep(8 * 3600 - 1)
        assert await bench.state(HI) is AlarmState.SHELVED
        await asyncio.sleep(1.1)
        assert await bench.state(HI) is AlarmState.UNACKNOWLEDGED, "it still is there, and is announced again"
        assert (await bench.journal())[-1] == (HI, "unshelved", "unacknowledged", "sereno")


@jumping
async def test_a_restart_restores_every_state(clock: JumpingClock, tmp_path: Path) -> None:
    specs = [*limit_alarms(LEVEL), *limit_alarms(FLOW, latch=True)]
    file = tmp_path / "s.db"
    tags = [t for t in TAGS if t.path != FLOW]
    flow = TagSpec(path=FLOW, limits=FOUR)
    async with at_work(specs, clock, file, [*tags, flow]) as bench:
        bench.feed(9.5, 5.0, 9.5)
        await bench.alarms.acknowledge([HI], OLGA, note="seen")
        await bench.alarms.shelve([f"{LEVEL}.hihi"], OLGA, reason="why", seconds=3600)
        bench.feed(9.5, 5.0, 5.0)
        await bench.alarms.take_out([f"{LEVEL}.lo"], EVA, reason="rebuilt")
        before = await bench.alarms.alarms(EVA)
    await asyncio.sleep(60)
    async with at_work(specs, clock, file, [*tags, flow]) as bench:
        assert await bench.alarms.alarms(EVA) == before
        assert {s.state for s in before} == {
            AlarmState.NORMAL, AlarmState.ACKNOWLEDGED, AlarmState.SHELVED, AlarmState.LATCHED,
            AlarmState.OUT_OF_SERVICE,
        }  # fmt: skip
        rows = len(await bench.journal())
        bench.feed(8.7, 5.0, 5.0)
        await asyncio.sleep(0.1)
        assert len(await bench.journal()) == rows, "what was there and still is there is no news"
        await asyncio.sleep(3600)
        assert await bench.state(f"{LEVEL}.hihi") is AlarmState.UNACKNOWLEDGED
        await bench.alarms.acknowledge([f"{FLOW}.hi"], OLGA)
        await bench.alarms.reset([f"{FLOW}.hi"], OLGA)
        assert await bench.state(f"{FLOW}.hi") is AlarmState.NORMAL


@jumping
async def test_delays_and_count_in_time(clock: JumpingClock, tmp_path: Path) -> None:
    slow = limit_alarm(LEVEL, AlarmKind.HI, on_delay=10.0, off_delay=5.0)
    often = AlarmSpec(
        id="river/often", source="river/often", kind=AlarmKind.EXPRESSION, inputs=(FLOW,), priority=1, response="Look.",
        condition=f"{FLOW} > 6", count=3, window=60.0,
    )  # fmt: skip
    async with at_work([slow, often], clock, tmp_path / "s.db") as bench:
        bench.feed(8.5)
        await asyncio.sleep(9)
        bench.feed(5.0)
        await asyncio.sleep(20)
        assert await bench.journal() == [], "it was not there for ten seconds at once"
        bench.feed(8.5)
        await asyncio.sleep(10.01)
        assert await bench.state(HI) is AlarmState.UNACKNOWLEDGED
        bench.feed(5.0)
        await asyncio.sleep(4)
        assert await bench.state(HI) is AlarmState.UNACKNOWLEDGED
        await asyncio.sleep(1.01)
        assert await bench.state(HI) is AlarmState.RETURNED
        for value in (7, 5, 7, 5):
            bench.feed(5.0, value)
        assert await bench.state("river/often") is AlarmState.NORMAL
        await asyncio.sleep(100)
        for value in (7, 5, 7, 5, 7):
            bench.feed(5.0, value)
        assert await bench.state("river/often") is AlarmState.UNACKNOWLEDGED


def made(kind: AlarmKind, name: str = "", **more: object) -> AlarmSpec:
    given: dict[str, object] = {"inputs": (FLOW,), "priority": 3, "response": "Look.", **more}
    return AlarmSpec(id=f"river/{name or kind}", source=FLOW, kind=kind, **given)  # type: ignore[arg-type]


@jumping
async def test_every_other_kind(clock: JumpingClock, tmp_path: Path) -> None:
    specs = [
        made(AlarmKind.DEVIATION, inputs=(LEVEL, FLOW), limit=2.0, deadband=0.5),
        made(AlarmKind.RATE, limit=1.0),
        made(AlarmKind.STATE, inputs=(PUMP,), condition=f"{PUMP} == 2"),
        made(AlarmKind.BAD),
        made(AlarmKind.STALE),
        made(AlarmKind.EXPRESSION, inputs=(FLOW, PUMP), condition=f"{FLOW} > 6 and {PUMP} == 1"),
        made(AlarmKind.EXPRESSION, "twin", inputs=(LEVEL, PUMP), condition=f"{LEVEL} > 6 and {PUMP} == 1"),
    ]
    async with at_work(specs, clock, tmp_path / "s.db") as bench:
        families = bench.alarms._evaluator._conditions._own
        assert sorted(len(family.rows) for family in families) == [1, 1, 2], "alike but for their tags: one family"

        async def there(*values: float, quality: int | list[int] = 0) -> set[str]:
            await asyncio.sleep(1)
            bench.feed(*values, quality=quality)
            return {s.spec.id.removeprefix("river/") for s in await bench.alarms.alarms(EVA) if s.active}

        assert await there(5, 5, 0) == set()
        assert await there(5, 5.9, 0) == set()
        assert await there(5, 7.1, 0) == {"deviation", "rate"}
        assert await there(5, 6.6, 0) == {"deviation"}
        assert await there(5, 6.5, 2) == {"state"}
        assert await there(5, 6.5, 1) == {"expression"}
        assert await there(7, 6.5, 1) == {"expression", "twin"}
        assert await there(5, 0.0, 0, quality=[0, 0x808B, 0]) == {"expression", "bad"} - {"expression"}
        assert await there(5, 6.5, 0) == set()
        await asyncio.sleep(5)
        bench.hub._freshness.check()
        found = {s.spec.id.removeprefix("river/") for s in await bench.alarms.alarms(EVA) if s.active}
        assert found == {"bad", "stale"}


@jumping
async def test_suppressed_by_design_and_by_maintenance(clock: JumpingClock, tmp_path: Path) -> None:
    async with at_work(
        [limit_alarm(LEVEL, AlarmKind.HI, suppress_when=f"{PUMP} == 0")], clock, tmp_path / "s.db"
    ) as bench:
        bench.feed(8.5, 5, 0)
        assert await bench.state(HI) is AlarmState.SUPPRESSED
        bench.feed(8.5, 5, 1)
        assert await bench.state(HI) is AlarmState.UNACKNOWLEDGED
        bench.out.add("river/plc1")
        bench.feed(8.5, 5, 1)
        assert await bench.state(HI) is AlarmState.OUT_OF_SERVICE
        bench.out.clear()
        bench.feed(8.5, 5, 1)
        assert await bench.state(HI) is AlarmState.UNACKNOWLEDGED


@jumping
async def test_who_may_do_what(clock: JumpingClock, tmp_path: Path) -> None:
    async with at_work(limit_alarms(LEVEL), clock, tmp_path / "s.db") as bench:
        bench.feed(8.5)
        with pytest.raises(DeniedError, match="vera has no right to acknowledge"):
            await bench.alarms.acknowledge([HI], VERA)
        with pytest.raises(DeniedError, match="no right to configure"):
            await bench.alarms.take_out([HI], OLGA, reason="why")
        elsewhere = Actor("eli", (Role("town", (Permission(Right.READ, "town/*"),)),))
        with pytest.raises(NotFoundError, match="no alarm"):
            await bench.alarms.acknowledge([HI], elsewhere)
        assert await bench.alarms.alarms(elsewhere) == []
        assert await bench.alarms.journal(AlarmQuery(), elsewhere) == []
        for reason, seconds in (("", 60.0), ("why", 0.0), ("why", 8 * 86400.0), ("why", float("nan"))):
            with pytest.raises(RefusedError):
                await bench.alarms.shelve([HI], OLGA, reason=reason, seconds=seconds)
        with pytest.raises(RefusedError, match="501 characters"):
            await bench.alarms.acknowledge([HI], OLGA, note="x" * 501)
        await bench.alarms.acknowledge([HI], OLGA, note="seen")
        log = AuditLog(bench.alarms._journal._store, clock)
        told = [(r.actor, r.action, r.target, r.outcome.split(":")[0], r.comment) async for r in log.all()]
        assert ("olga", "alarm.acknowledged", HI, "done", "seen") in told
        assert ("vera", "alarm.acknowledged", HI, "refused", "") in told


@jumping
async def test_watching(clock: JumpingClock, tmp_path: Path) -> None:
    async with at_work(limit_alarms(LEVEL), clock, tmp_path / "s.db") as bench:
        watching = bench.alarms.watch(OLGA)
        assert len(await anext(watching)) == 4
        bench.feed(8.5)
        bench.feed(9.5)
        bench.feed(8.2)
        changed = await anext(watching)
        assert {s.spec.kind: s.state for s in changed} == {"hi": "unacknowledged", "hihi": "returned"}
        await watching.aclose()
        assert bench.alarms.statistics()["watchers"] == 0


@jumping
async def test_an_act_that_cannot_be_kept_says_so(clock: JumpingClock, tmp_path: Path) -> None:
    async with at_work(limit_alarms(LEVEL), clock, tmp_path / "s.db") as bench:
        add, broken = bench.alarms._journal.add, True

        async def fail(*given: object) -> None:
            if broken:
                raise StoreError("the disk is full")
            await add(*given)  # type: ignore[arg-type]

        bench.alarms._record._journal.add = fail  # type: ignore[method-assign]
        bench.feed(8.5)
        with pytest.raises(OperationError, match="not on record yet: the disk is full"):
            await bench.alarms.acknowledge([HI], OLGA)
        assert bench.alarms.problem == "the disk is full"
        broken = False
        await asyncio.sleep(2)
        assert [event for _, event, _, _ in await bench.journal()] == ["raised", "acknowledged"]
        assert bench.alarms.problem == ""


@jumping
async def test_what_came_first_goes_first(clock: JumpingClock, tmp_path: Path) -> None:
    specs = [limit_alarm(path, AlarmKind.HI) for path in (FLOW, PUMP, LEVEL)]
    tags = [TagSpec(path=p, limits=FOUR) for p in (LEVEL, FLOW, PUMP)]
    async with at_work(specs, clock, tmp_path / "s.db", tags) as bench:
        t = clock.wall_ns()
        bench.hub.publish(seal(bench.group, 1, bench.index, np.array([9.0, 9.0, 9.0]), np.array([t, t - 5, t - 9]), 0))
        await asyncio.sleep(0.1)
        assert [row[0] for row in await bench.journal()] == [f"{PUMP}.hi", f"{FLOW}.hi", f"{LEVEL}.hi"]


@jumping
async def test_other_alarms_take_over_states_shelves_and_delays_under_way(clock: JumpingClock, tmp_path: Path) -> None:
    hi, lo = limit_alarm(LEVEL, AlarmKind.HI), limit_alarm(LEVEL, AlarmKind.LO, on_delay=10.0)
    async with at_work([hi, lo, limit_alarm(LEVEL, AlarmKind.HIHI)], clock, tmp_path / "s.db") as bench:
        bench.feed(8.5)
        await bench.alarms.acknowledge([hi.id], OLGA)
        await bench.alarms.shelve([f"{LEVEL}.hihi"], OLGA, reason="test", seconds=3600)
        bench.feed(1.5)
        await clock.sleep(4.0)
        watching = bench.alarms.watch(OLGA)
        assert len(await anext(watching)) == 3
        changed = [replace(hi, priority=1), lo, limit_alarm(LEVEL, AlarmKind.LOLO)]
        bench.hub.redeclare([replace(TAGS[0], limits=replace(FOUR, lolo=1.6))])
        bench.alarms.replace(await bench.alarms.prepared(changed), bench.hub.held())
        assert [one async for one in watching] == []
        status = {one.spec.id: one for one in await bench.alarms.alarms(EVA)}
        assert status.keys() == {hi.id, lo.id, f"{LEVEL}.lolo"}
        assert (status[hi.id].spec.priority, status[hi.id].actor) == (1, "olga")
        assert status[f"{LEVEL}.lolo"].active  # the new limit is judged by what the tag is
        assert not status[lo.id].active
        await clock.sleep(6.5)
        assert {one.spec.id: one for one in await bench.alarms.alarms(EVA)}[lo.id].active
        bench.alarms.replace(await bench.alarms.prepared([limit_alarm(LEVEL, AlarmKind.HIHI)]), bench.hub.held())
        assert await bench.state(f"{LEVEL}.hihi") is AlarmState.SHELVED  # as the journal has it
