from __future__ import annotations

import asyncio
import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import Actor, Permission, Right, Role
from sereno.client import Update
from sereno.hub.subscription import QueueLimits
from sereno.model import DeliveryError, GroupId, NotFoundError, Quality, TagSpec, ValueType


def four(plant: Any) -> GroupId:
    return plant.group(*(TagSpec(path=f"a/d/x{i}") for i in range(4)))


async def taken(subscription: Any) -> Update | None:
    """The update that is there now, None if the reader would wait."""
    task = asyncio.ensure_future(anext(subscription))
    for _ in range(5):
        await asyncio.sleep(0)
    if task.done():
        return task.result()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return None


async def test_first_a_snapshot_then_only_what_changed(plant: Any, operator: Actor) -> None:
    group = four(plant)
    plant.publish(group, [0, 1, 2, 3])
    subscription = await plant.hub.subscribe(["a/d/x1", "a/d/x3"], operator)
    assert [t.path for t in subscription.tags] == ["a/d/x1", "a/d/x3"]
    snapshot = await anext(subscription)
    assert (snapshot.seq, snapshot.snapshot, snapshot.t_hub) == (0, True, plant.clock.wall_ns())
    assert snapshot.values.tolist() == [1, 3]
    plant.publish(group, [9, 1, 9, 7])
    update = await anext(subscription)
    assert (update.seq, update.snapshot, update.dropped) == (1, False, 0)
    assert (update.index.tolist(), update.values.tolist()) == ([1], [7])
    plant.publish(group, [0, 1, 0, 7])
    assert await taken(subscription) is None
    await subscription.close()
    await subscription.close()
    assert plant.hub.statistics()["subscriptions"] == 0


async def test_a_slow_reader_gets_the_latest_of_everything_that_changed(plant: Any, operator: Actor) -> None:
    group = four(plant)
    plant.publish(group, [0, 0, 0, 0])
    subscription = await plant.hub.subscribe([], operator)
    await anext(subscription)
    for values in ([1, 0, 0, 0], [2, 0, 0, 0], [2, 5, 0, 0]):
        plant.publish(group, values)
    update = await anext(subscription)
    assert (update.index.tolist(), update.values.tolist(), update.dropped) == ([0, 1], [2, 5], 2)
    assert subscription.statistics() == {"delivered": 2, "dropped": 2, "queued": 0, "peak": 3}
    plant.publish(group, [2, 5, 0, 1])
    update = await anext(subscription)
    assert (update.index.tolist(), update.dropped, update.seq) == ([3], 0, 2)
    plant.publish(group, [2, 5, 1, 1])
    plant.publish(group, [2, 5, 1, 2])
    assert (await anext(subscription)).index.tolist() == [2, 3], "what was told once is not told again"


async def test_what_a_waiting_reader_is_spared_is_not_dropped(plant: Any, operator: Actor) -> None:
    group = four(plant)
    subscription = await plant.hub.subscribe([], operator)
    await anext(subscription)
    reader = asyncio.ensure_future(anext(subscription))
    await asyncio.sleep(0)
    for value in range(3):
        plant.publish(group, [value, 0, 0, 0])
    update = await reader
    assert (update.values[0], update.dropped) == (2, 0)


async def test_at_most_one_update_in_an_interval(plant: Any, clock: Any, operator: Actor) -> None:
    group = four(plant)
    subscription = await plant.hub.subscribe([], operator, min_interval=1.0)
    await anext(subscription)
    plant.publish(group, [1, 0, 0, 0])
    reader = asyncio.ensure_future(anext(subscription))
    await clock.advance(0.9)
    plant.publish(group, [2, 0, 0, 0])
    await clock.advance(0.05)
    assert not reader.done()
    await clock.advance(0.1)
    assert (await reader).values[0] == 2
    await clock.advance(5)
    plant.publish(group, [3, 0, 0, 0])
    assert (await anext(subscription)).values[0] == 3, "an idle reader hears of it at once"


async def test_close_ends_a_waiting_reader(plant: Any, clock: Any, operator: Actor) -> None:
    four(plant)
    for interval in (0.0, 5.0):
        subscription = await plant.hub.subscribe([], operator, min_interval=interval)
        await anext(subscription)
        reader = asyncio.ensure_future(anext(subscription, None))
        await clock.advance(0)
        await subscription.close()
        assert await reader is None
    other = await plant.hub.subscribe([], operator)
    plant.hub.close()
    assert [u async for u in other] == []


async def test_one_reader_at_a_time(plant: Any, operator: Actor) -> None:
    four(plant)
    subscription = await plant.hub.subscribe([], operator)
    await anext(subscription)
    reader = asyncio.ensure_future(anext(subscription, None))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="one reader"):
        await anext(subscription)
    await subscription.close()
    await reader


async def test_lossless_keeps_every_step(plant: Any, operator: Actor) -> None:
    group = four(plant)
    plant.publish(group, [0, 0, 0, 0])
    subscription = await plant.hub.subscribe(["a/d/x0", "a/d/x1"], operator, lossless=True)
    for values in ([1, 0, 0, 0], [1, 0, 9, 0], [2, 4, 0, 0]):
        plant.publish(group, values)
    updates = [await anext(subscription) for _ in range(3)]
    assert [(u.snapshot, u.index.tolist(), u.values.tolist()) for u in updates] == [
        (True, [0, 1], [0, 0]),
        (False, [0], [1]),
        (False, [0, 1], [2, 4]),
    ]
    assert await taken(subscription) is None
    assert subscription.statistics() == {"delivered": 3, "dropped": 0, "queued": 0, "peak": 3}


@pytest.mark.parametrize("limits", [QueueLimits(updates=3), QueueLimits(values=6)])
async def test_lossless_ends_with_an_error_when_it_overflows(
    make_plant: Any, clock: Any, operator: Actor, limits: QueueLimits
) -> None:
    plant = make_plant(clock, limits=limits)
    group = four(plant)
    plant.publish(group, [0, 0, 0, 0])
    subscription = await plant.hub.subscribe([], operator, lossless=True)
    for value in range(1, 10):
        plant.publish(group, [value, 0, 0, 0])
    got = [float((await anext(subscription)).values[0]) for _ in range(3)]
    assert got == [0, 1, 2], "what was queued comes first, in order, without a hole"
    with pytest.raises(DeliveryError, match="left 3 updates waiting"):
        await anext(subscription)
    assert await anext(subscription, None) is None
    assert plant.hub.statistics()["dropped"] == 1
    assert plant.hub.statistics()["subscriptions"] == 0


async def test_memory_of_a_stalled_reader_is_bounded(plant: Any, operator: Actor) -> None:
    group = four(plant)
    subscription = await plant.hub.subscribe([], operator)
    await anext(subscription)
    for value in range(5000):
        plant.publish(group, [value, 0, 0, 0])
    assert subscription.statistics()["queued"] == 5000
    update = await anext(subscription)
    assert (update.index.size, update.dropped) == (4, 4999)


async def test_exact_integers_and_objects_travel_beside(plant: Any, operator: Actor) -> None:
    group = plant.group(
        TagSpec(path="a/d/i", type=ValueType.INT64),
        TagSpec(path="a/d/f"),
        TagSpec(path="a/d/s", type=ValueType.STRING),
    )
    subscription = await plant.hub.subscribe([], operator)
    names = [t.name for t in subscription.tags]
    snapshot = await anext(subscription)
    assert snapshot.objects == ((names.index("s"), None, 0, Quality.WAITING),)
    assert set(snapshot.reasons) == {0, 1, 2}
    plant.publish(group, [2.0**53, 0.5], objects={"a/d/s": "x"})
    for merged in (False, True):
        update = await anext(subscription)
        columns = dict(zip(update.index.tolist(), update.values.tolist(), strict=True))
        exact = {int(update.index[r]): v for r, v in zip(update.exact_rows, update.exact_values.tolist(), strict=True)}
        assert columns == {names.index("f"): 0.5 + 2 * merged, names.index("i"): 2.0**53 + 8 * merged}
        assert exact == {names.index("i"): 2**53 + 8 * merged}
        assert [(p, v) for p, v, _, _ in update.objects] == [(names.index("s"), "xy"[merged])]
        plant.publish(group, [2.0**53 + 4, 1.5], objects={"a/d/s": "x"})
        plant.publish(group, [2.0**53 + 8, 2.5], objects={"a/d/s": "y"})


async def test_reasons_come_once_per_change_of_code(plant: Any, operator: Actor) -> None:
    group = four(plant)
    plant.publish(group, [0, 0, 0, 0])
    subscription = await plant.hub.subscribe([], operator)
    await anext(subscription)
    codes = np.array([Quality.OUT_OF_RANGE, 0, 0, 0], np.uint16)
    plant.publish(group, [7, 0, 0, 0], codes)
    assert (await anext(subscription)).reasons == {0: "outside its range"}
    plant.publish(group, [8, 0, 0, 0], codes.copy())
    assert (await anext(subscription)).reasons == {}
    plant.publish(group, [9, 0, 0, 0], codes.copy() * 0)
    plant.publish(group, [9, 1, 0, 0], codes.copy())
    assert (await anext(subscription)).reasons == {0: "outside its range"}
    plant.publish(group, [9, 1, 0, 0])
    assert (await anext(subscription)).reasons == {}


async def test_subscribers_of_the_same_tags_share_their_columns(plant: Any, operator: Actor) -> None:
    group = four(plant)
    subscriptions = [await plant.hub.subscribe(["a/d/*"], operator) for _ in range(3)]
    for subscription in subscriptions:
        await anext(subscription)
    assert plant.hub.statistics()["selections"] == 1
    plant.publish(group, [1, 2, 3, 4])
    updates = [await anext(s) for s in subscriptions]
    assert updates[0].values is updates[1].values is updates[2].values
    with pytest.raises(ValueError, match="read-only"):
        updates[0].values[0] = 5.0


async def test_a_tag_grouped_later_is_heard(plant: Any, operator: Actor) -> None:
    from sereno.client import GroupSpec
    from sereno.model import RowIndex, seal

    handles = plant.hub.register_tags([TagSpec(path="a/d/late")])
    subscription = await plant.hub.subscribe([], operator)
    assert (await anext(subscription)).reasons == {0: "waiting for the first value"}
    index = RowIndex(handles)
    group = plant.hub.register_group(GroupSpec("g", "a/d", 1, 1, index))
    plant.hub.publish(seal(group, 1, index, np.array([3.0]), 1, 0))
    assert (await anext(subscription)).values.tolist() == [3.0]
    with pytest.raises(ValueError, match="'a/d/late' already is in a group"):
        plant.hub.register_group(GroupSpec("h", "a/d", 1, 1, index))
    with pytest.raises(ValueError, match="never registered"):
        plant.hub.register_group(GroupSpec("h", "a/d", 1, 1, RowIndex([9])))


def reader_of(*globs: str) -> Actor:
    return Actor("rita", (Role("part", tuple(Permission(Right.READ, g) for g in globs)),))


async def test_an_actor_sees_only_what_it_may_read(plant: Any) -> None:
    four(plant)
    rita = reader_of("a/d/x1", "a/d/x2")
    assert [t.path for t in await plant.hub.tags([], rita)] == ["a/d/x1", "a/d/x2"]
    assert [r.tag.path for r in await plant.hub.read(["a/*"], rita)] == ["a/d/x1", "a/d/x2"]
    subscription = await plant.hub.subscribe(["a/d/x2", "a/d/*"], rita)
    assert [t.path for t in subscription.tags] == ["a/d/x1", "a/d/x2"]
    for call in (plant.hub.read, plant.hub.subscribe):
        with pytest.raises(NotFoundError, match="'a/d/xx2'; did you mean 'a/d/x2'"):
            await call(["a/d/xx2"], rita)
        with pytest.raises(NotFoundError, match=r"no tag 'a/d/x3'; nothing that you may read is like it$"):
            await call(["a/d/x3"], rita)
    assert await plant.hub.tags(["a/d/x3"], rita) == []
    assert await plant.hub.read([], Actor("nobody")) == []
    assert [t.path for t in await plant.hub.tags([], replace(rita, bound=reader_of("*2").roles))] == ["a/d/x2"]
    plant.group(TagSpec(path="a/d/x1/x2"), device="a/d/x1")
    assert [t.path for t in await plant.hub.tags(["*x2"], rita)] == ["a/d/x2"]
    assert [t.path for t in await plant.hub.tags([], reader_of("*x2"))] == ["a/d/x1/x2", "a/d/x2"]


async def test_a_million_rows_past_stalled_readers_cost_what_was_declared(
    make_plant: Any, clock: Any, operator: Actor
) -> None:
    limits = QueueLimits(updates=20, values=15_000)
    plant = make_plant(clock, limits=limits)
    group = plant.group(*(TagSpec(path=f"a/d/x{i:03}") for i in range(1000)))
    latest = await plant.hub.subscribe([], operator)
    await anext(latest)
    lossless = await plant.hub.subscribe([], operator, lossless=True)
    values = np.arange(1000.0)
    for number in range(20):
        plant.publish(group, (values + number).tolist())
    tracemalloc.start()
    held = tracemalloc.get_traced_memory()[0]
    for number in range(20, 1020):
        plant.publish(group, (values + number).tolist())
    grown = tracemalloc.get_traced_memory()[0] - held
    tracemalloc.stop()
    assert grown < 200_000, "four columns of a million rows are 26 MB"
    waiting = [await anext(lossless) for _ in range(lossless.statistics()["queued"])]
    assert sum(update.index.size for update in waiting) <= limits.values + 1000
    with pytest.raises(DeliveryError):
        await anext(lossless)
    update = await anext(latest)
    assert (update.values.tolist(), update.dropped) == ((values + 1019).tolist(), 1019)
