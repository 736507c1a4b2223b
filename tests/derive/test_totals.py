"""Totals: a batch in, a batch out beside it, with its quality and time; totals that survive a restart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from structlog.testing import capture_logs

from sereno.client import GroupSpec
from sereno.derive.counter import AfterReset, CounterRule
from sereno.derive.keeper import PERIOD, Keeper
from sereno.derive.totals import CounterGroup, Totals
from sereno.hub.hub import Hub
from sereno.model import ExactBlock, GroupId, Quality, RowIndex, SampleBatch, SerenoError, TagSpec, ValueType, seal
from sereno.testing import JumpingClock, jumping

PATHS = ("plc/level", "plc/pulses", "plc/turns")


class Plant:
    """A device with two counters among its three tags, a hub, and who keeps what came out."""

    def __init__(self, clock: JumpingClock) -> None:
        self.hub = Hub(clock)
        kinds = (ValueType.FLOAT64, ValueType.UINT16, ValueType.INT64)
        specs = [TagSpec(path=path, type=kind) for path, kind in zip(PATHS, kinds, strict=True)]
        self.index = RowIndex(self.hub.register_tags(specs))
        self.group = self.hub.register_group(GroupSpec("default", "plc", 1.0, 2.0, self.index))
        rules = (
            CounterRule(PATHS[2], "plc/turns_total", 0, 1 << 62),
            CounterRule(PATHS[1], "plc/pulses_total", 65536, 1000, AfterReset.ZERO),
        )
        totals = tuple(TagSpec(path=rule.total, type=ValueType.INT64) for rule in rules)
        group = CounterGroup("plc", "default", 1.0, 2.0, rules, totals)
        self.totals_ = Totals([group], self.hub, self.hub.table.paths.get)
        self.batches: list[SampleBatch] = []
        self.hub.add_sink(self.totals_)
        self.hub.add_sink(self)
        self.seq = 0

    def accept(self, batch: SampleBatch) -> None:
        if batch.group != self.group:
            self.batches.append(batch)

    def scan(self, pulses: float, turns: int, quality: Any = 0, t: int = 1_000) -> SampleBatch:
        """One scan of the device; what came out of it."""
        self.seq += 1
        values = np.array([1.5, pulses, float(turns)])
        exact = ExactBlock(np.array([2], np.int32), np.array([turns], np.int64))
        self.hub.publish(seal(GroupId(self.group), self.seq, self.index, values, t, quality, exact=exact))
        return self.batches[-1]

    def totals(self) -> list[int]:
        """Turns and pulses."""
        block = self.batches[-1].exact
        assert block is not None
        return block.values.tolist()


@jumping
async def test_totals_stand_beside_their_counters(clock: JumpingClock) -> None:
    plant = Plant(clock)
    plant.scan(65000, 1 << 60)
    batch = plant.scan(300, (1 << 60) + 3, t=clock.wall_ns())
    assert plant.totals() == [3, 836]
    assert batch.values.tolist() == [3.0, 836.0]
    assert batch.quality.tolist() == [0, 0]
    assert batch.t_source.tolist() == [clock.wall_ns()] * 2
    assert [plant.hub.spec(int(h)).path for h in batch.handles] == ["plc/turns_total", "plc/pulses_total"]
    assert len(plant.batches) == 2, "its own batches are no input"


@jumping
async def test_quality_is_carried_and_bad_readings_count_for_nothing(clock: JumpingClock) -> None:
    plant = Plant(clock)
    plant.scan(10, 10)
    bad = np.array([0, Quality.DEVICE_FAILURE, Quality.CLOCK_SUSPECT], np.uint16)
    assert plant.scan(0, 11, quality=bad).quality.tolist() == [Quality.CLOCK_SUSPECT, Quality.DEVICE_FAILURE]
    assert plant.totals() == [1, 0]
    plant.scan(float("nan"), 12)
    assert plant.totals() == [2, 0]
    substituted = np.array([0, Quality.SUBSTITUTED, 0], np.uint16)
    assert plant.scan(900, 12, quality=substituted).quality.tolist() == [0, Quality.LAST_USABLE]
    plant.scan(17, 12)
    assert plant.totals() == [2, 7]


@jumping
async def test_a_reset_is_marked_and_told(clock: JumpingClock) -> None:
    plant = Plant(clock)
    plant.scan(30000, 10)
    with capture_logs() as logs:
        batch = plant.scan(5, 10)
    assert batch.quality.tolist() == [0, Quality.UNCERTAIN]
    assert plant.scan(6, 10).quality.tolist() == [0, 0]
    assert plant.totals() == [0, 6]
    assert [(entry["event"], entry["tag"]) for entry in logs] == [("a counter was reset", "plc/pulses")]
    assert plant.totals_.statistics() == {"counters": 2, "counter_resets": 1}


@jumping
async def test_a_restart_goes_on_where_it_stopped(clock: JumpingClock) -> None:
    before, after = Plant(clock), Plant(clock)
    before.scan(100, 7)
    before.scan(160, 8)
    after.totals_.restore({**before.totals_.state(), "12345": (1, 2)})
    after.scan(200, 9)
    assert after.totals() == [2, 100]
    assert after.totals_.state()["12345"] == (1, 2), "a counter that is away for a while keeps its total"


@jumping
async def test_scans_without_counters_pass(clock: JumpingClock) -> None:
    plant = Plant(clock)
    index = RowIndex(plant.hub.register_tags([TagSpec(path="plc/other")]))
    group = plant.hub.register_group(GroupSpec("slow", "plc", 1.0, 2.0, index))
    plant.hub.publish(seal(group, 1, index, np.zeros(1), 5, 0))
    assert [batch.group for batch in plant.batches] == [group]


@jumping
async def test_a_counter_that_is_no_tag_is_refused(clock: JumpingClock) -> None:
    rule, spec = CounterRule("plc/x", "plc/x_total", 0, 1), TagSpec(path="plc/x_total", type=ValueType.INT64)
    hub = Hub(clock)
    with pytest.raises(ValueError, match="'plc/x' is no tag"):
        Totals([CounterGroup("plc", "default", 1.0, 2.0, (rule,), (spec,))], hub, hub.table.paths.get)


@jumping
async def test_what_changed_is_kept_and_a_failure_tried_again(clock: JumpingClock) -> None:
    plant, kept = Plant(clock), []
    fails = [True, True]

    async def keep(state: dict[str, tuple[int, int]]) -> None:
        if fails and fails.pop():
            raise SerenoError("the disk is full")
        kept.append(state)

    keeper = Keeper(plant.totals_, keep, clock)
    await keeper.now()
    plant.scan(1, 1)
    with capture_logs() as logs:
        await keeper.now()
        await keeper.now()
    await keeper.now()
    await keeper.now()
    assert kept == [plant.totals_.state()]
    assert [entry["error"] for entry in logs] == ["the disk is full"]
    assert PERIOD < 60
