from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import Actor
from sereno.hub.groups import Groups
from sereno.model import LinkState, OperationalState, Quality, SampleBatch, TagSpec, ValueType


@pytest.fixture
async def told(plant: Any) -> AsyncIterator[list[SampleBatch]]:
    """Batches as a recorder sees them, with freshness running."""
    batches: list[SampleBatch] = []

    class Sink:
        def accept(self, batch: SampleBatch) -> None:
            batches.append(batch)

    plant.hub.add_sink(Sink())
    task = asyncio.create_task(plant.hub.run_freshness())
    yield batches
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_silence_is_told_with_the_last_values(plant: Any, clock: Any, told: list[SampleBatch]) -> None:
    group = plant.group(
        TagSpec(path="a/d/x"),
        TagSpec(path="a/d/n", type=ValueType.INT64),
        TagSpec(path="a/d/s", type=ValueType.STRING),
        stale_after=1.0,
    )
    plant.publish(group, [1.5, 7.0], objects={"a/d/s": "recipe"})
    t_source = clock.wall_ns()
    await clock.advance(1.0)
    assert len(told) == 1
    await clock.advance(0.2)
    stale = told[-1]
    assert len(told) == 2
    assert stale.values.tolist() == [1.5, 7.0]
    assert stale.quality.tolist() == [Quality.STALE] * 2
    assert stale.t_source.tolist() == [t_source] * 2
    assert stale.changed is not None
    assert stale.changed.all()
    assert (stale.complete, stale.seq, stale.t_hub > t_source) == (False, 1, True)
    assert stale.exact is not None
    assert stale.exact.values.tolist() == [7]
    assert (stale.objects[0].value, stale.objects[0].quality) == ("recipe", Quality.STALE)
    await clock.advance(60)
    assert len(told) == 2, "told once"


async def test_values_are_good_again_at_once(plant: Any, clock: Any, told: list[SampleBatch]) -> None:
    group = plant.group(TagSpec(path="a/d/x", deadband=10.0), stale_after=1.0)
    plant.publish(group, [1.5])
    await clock.advance(5)
    plant.publish(group, [1.5])
    assert told[-1].changed is not None
    assert told[-1].changed.tolist() == [True]
    assert plant.hub.table.quality[0] == Quality.GOOD
    assert plant.hub.statistics()["stale_groups"] == 0
    await clock.advance(5)
    assert plant.hub.table.quality[0] == Quality.STALE
    assert plant.hub.statistics()["stale_marks"] == 2


async def test_only_the_silent_device_turns_stale(plant: Any, clock: Any, told: list[SampleBatch]) -> None:
    one = plant.group(TagSpec(path="a/d/x"))
    two = plant.group(TagSpec(path="a/e/x"))
    plant.publish(one, [1.0])
    for value in range(30):
        plant.publish(two, [value])
        await clock.advance(0.1)
    assert plant.hub.table.quality[:2].tolist() == [Quality.STALE, Quality.GOOD]


async def test_a_link_reported_down(plant: Any, clock: Any, told: list[SampleBatch], operator: Actor) -> None:
    group = plant.group(TagSpec(path="river/plc1/x"), stale_after=2.0)
    plant.publish(group, [1.0])
    plant.hub.report_link("river/plc1", LinkState.DOWN, "connection refused")
    await clock.advance(1.9)
    assert plant.hub.table.quality[0] == Quality.GOOD
    await clock.advance(1.3)
    assert plant.hub.table.quality[0] == Quality.NOT_CONNECTED
    reading = (await plant.hub.read([], operator))[0]
    assert reading.reason == "not connected: river/plc1 has not answered for 3.2 s (connection refused)"
    assert reading.value == 1.0
    assert reading.age == pytest.approx(3.2)


async def test_stale_may_turn_to_not_connected_but_a_flapping_link_tells_nothing(
    plant: Any, clock: Any, told: list[SampleBatch]
) -> None:
    group = plant.group(TagSpec(path="a/d/x"))
    plant.publish(group, [1.0])
    await clock.advance(3)
    assert plant.hub.table.quality[0] == Quality.STALE
    for state in (LinkState.DOWN, LinkState.CONNECTING, LinkState.UP, LinkState.DOWN):
        plant.hub.report_link("a/d", state, "")
        await clock.advance(1)
    assert plant.hub.table.quality[0] == Quality.NOT_CONNECTED
    assert len(told) == 3


async def test_a_device_that_never_answered(plant: Any, clock: Any, told: list[SampleBatch], operator: Actor) -> None:
    plant.group(TagSpec(path="a/d/x"))
    plant.hub.report_state("a/d", OperationalState.FAULT)
    await clock.advance(1.5)
    reading = (await plant.hub.read([], operator))[0]
    assert (reading.value, reading.quality, reading.age) == (None, Quality.STALE, float("inf"))
    assert reading.reason == "stale: a/d has not answered since its start 1.5 s ago (device in fault)"
    assert told[0].seq == 0


async def test_the_wall_clock_may_jump(plant: Any, clock: Any, told: list[SampleBatch]) -> None:
    group = plant.group(TagSpec(path="a/d/x"))
    plant.publish(group, [1.0])
    for skew in (10**15, -(10**15)):
        clock.skew_ns = skew
        await clock.advance(0.4)
    assert plant.hub.table.quality[0] == Quality.GOOD


async def test_fast_groups_are_checked_more_often(plant: Any, clock: Any, told: list[SampleBatch]) -> None:
    group = plant.group(TagSpec(path="a/d/x"), stale_after=0.02)
    await clock.advance(0.1)
    plant.publish(group, [1.0])
    await clock.advance(0.026)
    assert plant.hub.table.quality[0] == Quality.STALE


async def test_it_looks_only_when_something_may_be_overdue(
    plant: Any, clock: Any, told: list[SampleBatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, overdue = [], Groups.overdue

    def counted(groups: Groups, now: float) -> list[int]:
        looks.append(now)
        return overdue(groups, now)

    monkeypatch.setattr(Groups, "overdue", counted)
    group = plant.group(TagSpec(path="a/d/x"), stale_after=5.0)
    for _ in range(20):
        plant.publish(group, [1.0])
        await clock.advance(1.0)
    assert len(looks) <= 45
    await clock.advance(4.15)
    assert plant.hub.table.quality[0] == Quality.STALE


async def test_a_held_up_loop_is_not_the_devices_silence(plant: Any, clock: Any, told: list[SampleBatch]) -> None:
    group = plant.group(TagSpec(path="a/d/x"))
    plant.publish(group, [1.0])
    await clock.advance(0.05)
    clock.now += 30  # nothing ran in this time
    await clock.advance(0.0)
    assert plant.hub.table.quality[0] == Quality.GOOD
    await clock.advance(0.15)
    assert plant.hub.table.quality[0] == Quality.STALE, "one interval later it counts"


async def test_subscribers_hear_of_it_with_the_reason(
    plant: Any, clock: Any, told: list[SampleBatch], operator: Actor
) -> None:
    group = plant.group(TagSpec(path="a/d/x"), TagSpec(path="a/d/s", type=ValueType.STRING), stale_after=1.0)
    plant.publish(group, [1.0], objects={"a/d/s": "recipe"})
    plant.hub.report_link("a/d", LinkState.UP, "timed out")
    subscription = await plant.hub.subscribe([], operator)
    names = [spec.name for spec in subscription.tags]
    assert (await anext(subscription)).reasons == {}
    await clock.advance(1.1)
    update = await anext(subscription)
    assert update.quality.tolist() == [Quality.STALE]
    assert update.values.tolist() == [1.0]
    text = "stale: a/d has not answered for 1.1 s (timed out)"
    assert update.reasons == {names.index("x"): text, names.index("s"): text}
    assert update.objects[0][1:] == ("recipe", plant.clock.wall_ns() - 1_100_000_000, Quality.STALE)
    plant.publish(group, [1.0], objects={"a/d/s": "recipe"})
    assert (await anext(subscription)).quality.tolist() == [Quality.GOOD]
    await subscription.close()


async def test_many_groups_grow_their_columns(plant: Any, clock: Any, told: list[SampleBatch]) -> None:
    groups = [plant.group(TagSpec(path=f"a/d{i}/x"), stale_after=1.0 + i) for i in range(40)]
    for group in groups:
        plant.publish(group, [1.0])
    await clock.advance(20.05)
    assert int(np.count_nonzero(plant.hub.table.quality[:40] == Quality.STALE)) == 20
