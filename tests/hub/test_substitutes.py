"""Substituted values on their way: in the table, to readers, to recorders; and back to the device's own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import numpy as np
import pytest

from sereno.hub.held import Held
from sereno.model import Quality, SampleBatch, TagSpec, ValueType

SPECS = (
    TagSpec(path="a/d/x", deadband=5.0),
    TagSpec(path="a/d/y"),
    TagSpec(path="a/d/n", type=ValueType.UINT64),
    TagSpec(path="a/d/s", type=ValueType.STRING),
)
BEYOND_FLOAT = (1 << 53) + 1


class Sink:
    def __init__(self) -> None:
        self.batches: list[SampleBatch] = []

    def accept(self, batch: SampleBatch) -> None:
        self.batches.append(batch)


@pytest.fixture
def sink(plant: Any) -> Sink:
    sink = Sink()
    plant.hub.add_sink(sink)
    return sink


def forced(plant: Any, value: float = 99.0, **keys: Any) -> Held:
    return Held(value, plant.clock.wall_ns(), int(Quality.SUBSTITUTED), **keys)


def shown(plant: Any, path: str) -> tuple[Any, int]:
    reading = plant.hub.readings.one(plant.hub.table.handle(path))
    return reading.value, reading.quality


async def test_it_stands_at_once_and_over_what_the_device_delivers(plant: Any, sink: Sink) -> None:
    group = plant.group(*SPECS)
    plant.publish(group, [1.0, 2.0, 3.0], objects={"a/d/s": "own"})
    plant.hub.substitute(0, forced(plant))
    assert shown(plant, "a/d/x") == (99.0, Quality.SUBSTITUTED)
    assert shown(plant, "a/d/y") == (2.0, 0)
    told = sink.batches[-1]
    assert (told.values[0], told.quality[0], told.changed.tolist()) == (99.0, 0x96, [True, False, False])
    plant.publish(group, [7.0, 8.0, 9.0])
    assert shown(plant, "a/d/x") == (99.0, Quality.SUBSTITUTED)
    assert shown(plant, "a/d/y") == (8.0, 0)
    assert sink.batches[-1].values.tolist() == [99.0, 8.0, 9.0], "recorders get what people see"
    own = plant.hub.own(0)
    assert (own.value, own.quality) == (7.0, 0)


async def test_the_own_value_comes_back_marked_good(plant: Any, sink: Sink) -> None:
    group = plant.group(*SPECS)
    plant.publish(group, [1.0, 2.0, 3.0])
    plant.hub.substitute(0, forced(plant, 2.0))
    plant.publish(group, [1.5, 2.0, 3.0])
    plant.hub.release(0)
    assert shown(plant, "a/d/x") == (1.5, 0)
    assert sink.batches[-1].changed[0], "within the deadband, but of another quality"
    with pytest.raises(KeyError):
        plant.hub.own(0)
    plant.publish(group, [3.0, 2.0, 3.0])
    assert plant.hub.table.value[0] == 3.0


async def test_in_history_the_own_value_follows_the_substitute(plant: Any, clock: Any, sink: Sink) -> None:
    group = plant.group(*SPECS)
    plant.publish(group, [1.0, 2.0, 3.0])
    await clock.advance(1)
    plant.hub.substitute(0, forced(plant))
    await clock.advance(1)
    plant.hub.release(0)
    times = [int(b.t_source[0]) for b in sink.batches]
    assert times == sorted(times)
    assert times[-1] == clock.wall_ns()


async def test_integers_and_texts(plant: Any, sink: Sink) -> None:
    group = plant.group(*SPECS)
    plant.publish(group, [1.0, 2.0, 3.0], objects={"a/d/s": "own"})
    plant.hub.substitute(2, forced(plant, float(BEYOND_FLOAT), exact=BEYOND_FLOAT))
    plant.hub.substitute(3, forced(plant, np.nan, beside="forced"))
    plant.publish(group, [1.0, 2.0, 4.5], objects={"a/d/s": "later"})
    assert shown(plant, "a/d/n") == (BEYOND_FLOAT, Quality.SUBSTITUTED)
    assert shown(plant, "a/d/s") == ("forced", Quality.SUBSTITUTED)
    assert plant.hub.own(2).value == 4.5, "a fraction of a scaled register"
    plant.publish(group, [1.0, 2.0, 5.0], objects={"a/d/s": "latest"})
    plant.hub.release(2)
    plant.hub.release(3)
    assert shown(plant, "a/d/n") == (5, 0)
    assert shown(plant, "a/d/s") == ("latest", 0)


async def test_a_silent_device_does_not_hide_it_and_is_known_to_be_silent(plant: Any, clock: Any) -> None:
    group = plant.group(*SPECS, stale_after=1.0)
    plant.publish(group, [1.0, 2.0, 3.0])
    freshness = asyncio.create_task(plant.hub.run_freshness())
    plant.hub.substitute(0, forced(plant))
    await clock.advance(1.5)
    assert shown(plant, "a/d/x") == (99.0, Quality.SUBSTITUTED)
    assert shown(plant, "a/d/y") == (2.0, Quality.STALE)
    assert (plant.hub.own(0).value, plant.hub.own(0).quality) == (1.0, Quality.STALE)
    plant.hub.release(0)
    assert shown(plant, "a/d/x") == (1.0, Quality.STALE)
    freshness.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await freshness


async def test_a_tag_that_never_had_a_value(plant: Any) -> None:
    plant.group(*SPECS)
    plant.hub.substitute(0, forced(plant))
    assert shown(plant, "a/d/x") == (99.0, Quality.SUBSTITUTED)
    assert (plant.hub.own(0).value, plant.hub.own(0).quality) == (None, Quality.WAITING)
    plant.hub.release(0)
    assert shown(plant, "a/d/x") == (None, Quality.WAITING)


async def test_subscribers_hear_of_begin_and_end(plant: Any, operator: Any) -> None:
    group = plant.group(*SPECS)
    plant.publish(group, [1.0, 2.0, 3.0])
    subscription = await plant.hub.subscribe(["a/d/x"], operator)
    updates = aiter(subscription)
    await anext(updates)
    plant.hub.substitute(0, forced(plant))
    update = await anext(updates)
    assert (update.values.tolist(), update.quality.tolist()) == ([99.0], [0x96])
    assert update.reasons == {0: "substituted by hand"}
    plant.hub.release(0)
    assert (await anext(updates)).values.tolist() == [1.0]


async def test_a_second_substitute_keeps_the_own_value(plant: Any) -> None:
    plant.publish(plant.group(*SPECS), [1.0, 2.0, 3.0])
    plant.hub.substitute(0, forced(plant))
    plant.hub.substitute(0, forced(plant, 55.0))
    assert shown(plant, "a/d/x") == (55.0, Quality.SUBSTITUTED)
    plant.hub.release(0)
    assert shown(plant, "a/d/x") == (1.0, 0)


async def test_a_substitute_satisfies_no_command(bench: Any) -> None:
    collected = bench.submit()
    await bench.settle()
    bench.device.obey = False
    handle = bench.hub.table.handle("river/plc1/speed")
    bench.device.values["speed"] = 10.0
    bench.hub.substitute(handle, Held(50.0, bench.clock.wall_ns(), int(Quality.SUBSTITUTED)))
    for _ in range(80):
        bench.scan()
        await bench.clock.advance(0.1)
    end = (await collected)[-1]
    assert end.state == "unknown"
    assert "substituted" in end.reason
