"""Stale is shown as stale, whatever becomes of the task that says so."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.hub.freshness import LATE
from sereno.model import Quality, SampleBatch, TagSpec

READER = Actor("reader", (Role("reader", (Permission(Right.READ),)),))


def codes(plant: Any) -> list[int]:
    return plant.hub.table.quality[: len(plant.hub.table)].tolist()


async def read(plant: Any) -> dict[str, int]:
    return {one.tag.path: one.quality for one in await plant.hub.read([], READER)}


@pytest.fixture
async def freshness(plant: Any) -> Any:
    task = asyncio.create_task(plant.hub.run_freshness())
    yield task
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_group_that_cannot_be_told_keeps_no_other_from_it(
    plant: Any, clock: Any, freshness: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (plant.group(TagSpec(path=f"a/{name}/x"), stale_after=1.0) for name in ("d", "e"))
    for group in (first, second):
        plant.publish(group, [1.0])
    again, told = plant.hub._freshness._publish, []

    def publish(batch: SampleBatch) -> None:
        told.append(int(batch.group))
        if batch.group == first and told.count(int(first)) < 3:
            raise ValueError("planted")
        again(batch)

    monkeypatch.setattr(plant.hub._freshness, "_publish", publish)
    await clock.advance(1.2)
    assert codes(plant) == [Quality.STALE] * 2
    assert plant.hub.statistics()["freshness_failures"] >= 1
    await clock.advance(2)
    assert (told.count(int(first)), told.count(int(second))) == (3, 1), "tried again until it was told"
    assert not freshness.done()
    plant.publish(first, [2.0])
    assert codes(plant)[0] == Quality.GOOD


async def test_what_cannot_be_judged_is_stale(
    plant: Any, clock: Any, freshness: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.publish(plant.group(TagSpec(path="a/d/x"), stale_after=60.0), [1.0])

    def planted(now: float) -> list[int]:
        raise RuntimeError("planted")

    monkeypatch.setattr(type(plant.hub.groups), "overdue", lambda groups, now: planted(now))
    await clock.advance(1)
    assert codes(plant) == [Quality.STALE]
    assert not freshness.done()


async def test_without_its_task_who_reads_sees_silence(plant: Any, clock: Any) -> None:
    plant.publish(plant.group(TagSpec(path="a/d/x"), stale_after=1.0), [1.0])
    plan = plant.hub.plan(["a/d/x"], READER)
    await clock.advance(LATE + 1)
    assert plan.row()[4] == Quality.STALE
    assert plan.present().quality.tolist() == [Quality.STALE]
    assert await read(plant) == {"a/d/x": Quality.STALE}


async def test_without_its_task_each_batch_of_another_tells_silence(plant: Any, clock: Any) -> None:
    silent, other = (plant.group(TagSpec(path=f"a/{name}/x"), stale_after=1.0) for name in ("d", "e"))
    told: list[SampleBatch] = []

    class Sink:
        def accept(self, batch: SampleBatch) -> None:
            told.append(batch)

    plant.hub.add_sink(Sink())
    for group in (silent, other):
        plant.publish(group, [1.0])
    for _ in range(int(LATE) + 3):
        await clock.advance(0.9)
        plant.publish(other, [1.0])
    stale = [batch.group for batch in told if batch.quality[0] == Quality.STALE]
    assert stale == [silent]
