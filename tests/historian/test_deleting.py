"""History that is deleted by command from a running historian, and history that goes by age."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sereno.historian.ageing import aged
from sereno.historian.cold.manifest import Manifest, load_manifest
from sereno.historian.cold.worker import Order, Outcome, work
from sereno.historian.disk import SystemDisk
from sereno.historian.historian import Historian
from sereno.historian.retention import AGED, KeepRule, Removed
from sereno.model import NotFoundError, RefusedError
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import SECOND, FastDisk, ask, batch, floats, rows, running

LEVEL, FLOW = "north/plc1/tag0", "north/plc1/tag1"
DAY = 86_400 * SECOND


async def at_once(folder: Path, order: Order) -> Outcome:
    return work(folder, order, lambda _: None)


OPTIONS: dict[str, Any] = {"compactor": at_once, "compact_bytes": 1 << 40}


async def scans(historian: Historian, clock: JumpingClock, count: int, step: float = 1.0) -> list[int]:
    """Both tags at `step` seconds; the second one never changes."""
    times: list[int] = []
    for i in range(count):
        times.append(clock.wall_ns())
        historian.accept(batch(times[-1], {0: float(i), 1: 5.0}, changed=[True, i == 0]))
        await historian.durable()
        await clock.sleep(step)
    return times


async def known(historian: Historian, path: str) -> dict[int, object]:
    found = rows(await ask(historian, path, 0, 1 << 62))
    return {t: v for t, v, _ in found if v is not None}


def test_a_range_goes_from_the_log_and_from_what_is_cold(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock, disk=FastDisk(), segment_bytes=1500, **OPTIONS) as historian:
            times = await scans(historian, clock, 40)
            await historian.compact()
            times += await scans(historian, clock, 40)
            assert await historian.delete("north/*/tag0", times[10], times[60]) == 50
            left = [*times[:10], *times[60:]]
            assert sorted(await known(historian, LEVEL)) == left
            assert len(await known(historian, FLOW)) >= 1
            assert (await ask(historian, LEVEL, times[30], times[30] + 1)).quality[-1] >= 0x8000
        async with running(tmp_path, floats(2), clock, disk=FastDisk(), **OPTIONS) as historian:
            assert sorted(await known(historian, LEVEL)) == left

    run_jumping(story)


def test_what_was_in_force_is_not_told_by_the_next_segment_and_the_next_sample_is_stored(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock, disk=FastDisk(), **OPTIONS) as historian:
            times = await scans(historian, clock, 5)
            assert await historian.delete(FLOW, 0, 1 << 62) == 1
            assert await known(historian, FLOW) == {}
            await clock.sleep(5.0)
            now = clock.wall_ns()
            historian.accept(batch(now, {0: 1.0, 1: 5.0}, changed=[True, False]))
            await historian.durable()
            assert await known(historian, FLOW) == {now: 5.0}
            assert len(await known(historian, LEVEL)) == len(times) + 1
            await historian.delete(LEVEL, 0, times[2])
            assert await known(historian, FLOW) == {now: 5.0}

    run_jumping(story)


def test_what_cannot_be_meant_is_refused(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock, disk=FastDisk(), **OPTIONS) as historian:
            (t,) = await scans(historian, clock, 1)
            with pytest.raises(NotFoundError):
                await historian.delete("south/**", 0, t)
            with pytest.raises(RefusedError, match="yet to come"):
                await historian.delete(LEVEL, clock.wall_ns() + DAY, clock.wall_ns() + 2 * DAY)
            assert len(await known(historian, LEVEL)) == 1

    run_jumping(story)


def test_each_tag_goes_by_the_first_rule_that_names_it(tmp_path: Path) -> None:
    told: list[Removed] = []
    keep = [KeepRule("north/plc1/tag0", raw=2 * 86_400.0), KeepRule("north", raw=4 * 86_400.0)]

    async def story(clock: JumpingClock) -> None:
        options = {**OPTIONS, "keep": keep, "removed": told.append, "disk": FastDisk()}
        async with running(tmp_path, floats(2), clock, **options) as historian:
            start = clock.wall_ns()
            for i in range(7 * 24):
                historian.accept(batch(clock.wall_ns(), {0: float(i), 1: float(i)}))
                await historian.durable()
                await clock.sleep(3600.0)
            now = clock.wall_ns()
            await clock.sleep(300.0)
            days = (now // DAY - start // DAY) + 1
            for path, kept in ((LEVEL, 2), (FLOW, 4)):
                by_day = [0] * days
                for t in await known(historian, path):
                    by_day[t // DAY - start // DAY] += 1
                old = [n for day, n in enumerate(by_day) if now - (start // DAY + day + 1) * DAY >= kept * DAY]
                assert set(old) == {1}, "the last sample of each day stays"
                assert min(by_day[len(old) + 1 : -1]) == 24
            trend = await ask(historian, LEVEL, start // DAY * DAY + DAY, start // DAY * DAY + 2 * DAY, 1)
            assert trend.count is not None
            assert trend.count[0] == 24
            generation = load_manifest(SystemDisk(), tmp_path).generation
            await clock.sleep(600.0)
            assert load_manifest(SystemDisk(), tmp_path).generation == generation, "once is enough"

    run_jumping(story)
    assert {removed.reason for removed in told} == {AGED}


def test_nothing_is_asked_for_where_nothing_is_old() -> None:
    assert aged([KeepRule("**", raw=86_400.0)], Manifest(), {LEVEL: 1}, DAY) is None


def test_roll_ups_go_one_after_the_other() -> None:
    rule = KeepRule("**", raw=10.0, minutes=20.0, hours=30.0)
    assert [rule.expired(age) for age in (5.0, 10.0, 20.0, 99.0)] == [
        (),
        ("raw",),
        ("raw", "1m"),
        ("raw", "1m", "1h"),
    ]
