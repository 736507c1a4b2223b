"""Scan groups as they run: what they publish, when, and what slow or failing devices do to them."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np

from sereno.access.actor import ROLES, Actor
from sereno.client import GroupStatus
from sereno.device import DeviceSet, GroupConfig
from sereno.device._group import FAULT_PAUSE
from sereno.model import Access, OperationError, Quality, ValueType
from sereno.testing import EPOCH_NS, JumpingClock, jumping, run_jumping

ENGINEER = Actor("eva", (ROLES["engineer"],))


async def group_status(devices: DeviceSet, index: int = 0) -> GroupStatus:
    return (await devices.devices(ENGINEER))[0].groups[index]


@jumping
async def test_a_scan_is_one_batch_with_time_of_receipt(clock: JumpingClock, bench: Any) -> None:
    bench.add("north/plc1")
    bench.unit("north/plc1").duration = 0.25
    async with bench.run(clock):
        await clock.sleep(3.5)
    batches = bench.ingest.of("north/plc1")
    assert [b.seq for b in batches] == [1, 2, 3, 4]
    assert bench.ingest.times_of("north/plc1") == [0.25, 1.25, 2.25, 3.25]
    assert batches[1].values.tolist() == [1.5, 10.0]
    assert batches[1].t_source.tolist() == [EPOCH_NS + 1_250_000_000] * 2
    assert batches[1].complete
    assert not batches[1].values.flags.writeable


@jumping
async def test_handles_are_consecutive_and_rows_sorted_group_by_group(clock: JumpingClock, bench: Any) -> None:
    tags = (
        bench.tag("a/d/one", "slow"),
        bench.tag("a/d/name", type=ValueType.STRING),
        bench.tag("a/d/two"),
        bench.tag("a/d/reset", access=Access.WRITE),
        bench.tag("a/d/three"),
    )
    bench.add(
        "a/d", tags=tags, groups={"default": GroupConfig(1.0), "slow": GroupConfig(5.0), "unused": GroupConfig(9)}
    )
    bench.add("a/e")
    bench.run(clock)
    assert [t.path for t in bench.ingest.tags] == [
        "a/d/two",
        "a/d/three",
        "a/d/name",
        "a/d/one",
        "a/d/reset",
        "a/e/level",
        "a/e/speed",
    ]
    groups = list(bench.ingest.groups.values())
    assert [(g.device, g.name, g.index.handles.tolist(), g.object_handles) for g in groups] == [
        ("a/d", "default", [0, 1], (2,)),
        ("a/d", "slow", [3], ()),
        ("a/e", "default", [5, 6], ()),
    ]
    assert [g.stale_after for g in groups] == [2.0, 10.0, 2.0]


@jumping
async def test_values_of_every_kind(clock: JumpingClock, bench: Any) -> None:
    tags = (
        bench.tag("a/d/flow", low=0.0, high=10.0),
        bench.tag("a/d/total", type=ValueType.UINT64),
        bench.tag("a/d/name", type=ValueType.STRING),
        bench.tag("a/d/curve", shape=(3,)),
        bench.tag("a/d/absent"),
    )
    bench.add("a/d", tags=tags)
    bench.unit("a/d").values.update(flow=10.5, total=2**53 + 1, name="pump", curve=np.array([1.0, 2.0, 3.0]))
    async with bench.run(clock):
        await clock.sleep(0.5)
    latest = bench.ingest.latest
    assert (latest("a/d/flow").value, latest("a/d/flow").quality) == (10.5, Quality.OUT_OF_RANGE)
    assert latest("a/d/total").value == 2**53 + 1
    assert latest("a/d/name").value == "pump"
    assert latest("a/d/curve").value.tolist() == [1.0, 2.0, 3.0]
    assert latest("a/d/absent").quality == Quality.REFUSED_BY_DEVICE
    assert not bench.ingest.batches[0].complete


@jumping
async def test_an_incomplete_scan_is_published_and_counted(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    del bench.unit("a/d").values["level"]
    async with bench.run(clock) as devices:
        await clock.sleep(2.5)
        status = await group_status(devices)
    assert [b.complete for b in bench.ingest.batches] == [False] * 3
    assert (status.scans, status.incomplete) == (3, 3)


@jumping
async def test_times_of_the_source_are_kept(clock: JumpingClock, bench: Any) -> None:
    class Stamping(bench.plant.driver):
        async def scan(self, plan: Any) -> Any:
            columns = await super().scan(plan)
            columns.t_source = np.array([7, 8], np.int64)
            return columns

    bench.plant.driver = Stamping
    bench.add("a/d")
    async with bench.run(clock):
        await clock.sleep(0.5)
    assert bench.ingest.batches[0].t_source.tolist() == [7, 8]


@jumping
async def test_phase_is_counted_from_the_start_and_the_first_scan_is_at_once(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", period=10.0, phase=3.0)
    bench.add("a/e", period=10.0, phase=7.5)
    async with bench.run(clock):
        await clock.sleep(30)
    assert bench.ingest.times_of("a/d") == [0, 3, 13, 23]
    assert bench.ingest.times_of("a/e") == [0, 7.5, 17.5, 27.5]


@jumping
async def test_phases_are_spread_where_none_is_given(clock: JumpingClock, bench: Any) -> None:
    for i in range(20):
        bench.add(f"a/d{i}", period=10.0, phase=None)
    async with bench.run(clock) as devices:
        phases = [status.groups[0].phase for status in await devices.devices(ENGINEER)]
    assert len(set(phases)) == 20
    assert min(phases) < 2
    assert max(phases) > 8
    assert max(phases) < 10


@jumping
async def test_a_day_of_scans_does_not_drift(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", period=30.0)
    bench.unit("a/d").duration = 0.1
    async with bench.run(clock):
        await clock.sleep(86400)
    times = bench.ingest.times_of("a/d")
    assert len(times) == 2880
    assert max(abs(t - 0.1 - 30 * k) for k, t in enumerate(times)) < 1e-9


@jumping
async def test_overruns_are_counted_and_scans_stay_on_the_grid(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", period=1.0)
    async with bench.run(clock) as devices:
        await clock.sleep(1.5)
        bench.unit("a/d").duration = 2.5
        await clock.sleep(7)  # scans from 2, 5 and 8
        bench.unit("a/d").duration = 0.0
        await clock.sleep(4)
        status = await group_status(devices)
    assert bench.ingest.times_of("a/d") == [0, 1, 4.5, 7.5, 10.5, 11, 12]
    assert status.overruns == 6
    assert status.worst_duration == 2.5
    assert status.last_duration == 0


@jumping
async def test_a_slow_or_silent_device_never_delays_another(clock: JumpingClock, bench: Any) -> None:
    for name in ("slow", "silent", "good"):
        bench.add(f"a/{name}")
    bench.unit("a/slow").duration = 50.0
    bench.unit("a/silent").silent = True
    async with bench.run(clock):
        await clock.sleep(99.5)
    assert bench.ingest.times_of("a/good") == list(range(100))


@jumping
async def test_groups_of_a_device_run_apart(clock: JumpingClock, bench: Any) -> None:
    tags = (bench.tag("a/d/level", "fast"), bench.tag("a/d/speed", "slow"))
    bench.add("a/d", tags=tags, groups={"fast": GroupConfig(0.1, 0.0), "slow": GroupConfig(2.0, 0.05)})
    async with bench.run(clock):
        await clock.sleep(3.95)
    assert len(bench.ingest.of("a/d", "fast")) == 40
    assert bench.ingest.times_of("a/d", "slow") == [0, 0.05, 2.05]


@jumping
async def test_a_failed_scan_publishes_nothing_and_says_why_once(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", period=0.1)
    async with bench.run(clock) as devices:
        await clock.sleep(0.95)
        bench.unit("a/d").error = OSError(5, "Input/output error")
        before = len(bench.ingest.links)
        await clock.sleep(0.5)
        assert [(r.state, r.error) for r in bench.ingest.links[before:]] == [("up", "Input/output error")]
        bench.unit("a/d").error = None
        await clock.sleep(0.5)
        status = (await devices.devices(ENGINEER))[0]
    assert status.counters["failed_scans"] == 5
    assert status.last_error == ""
    assert len(bench.ingest.batches) == 15
    assert bench.ingest.batches[-1].seq == 15
    assert bench.ingest.links[before + 1].error == ""


@jumping
async def test_a_driver_that_cannot_is_scanned_rarely_until_it_can(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", period=0.5)
    unit = bench.unit("a/d")
    async with bench.run(clock) as devices:
        await clock.sleep(0.75)
        unit.error = OperationError("register map has changed")
        await clock.sleep(20)
        status = (await devices.devices(ENGINEER))[0]
        assert (status.state, status.last_error) == ("fault", "register map has changed")
        assert len(unit.log) == 2 + 20 // FAULT_PAUSE
        assert status.groups[0].overruns == 0
        unit.error = None
        await clock.sleep(FAULT_PAUSE + 0.6)
        assert (await devices.devices(ENGINEER))[0].state == "enabled"
    assert bench.ingest.states_of("a/d")[-7:] == [
        "fault",
        "standby",
        "disabled",
        "enabled",
        "disabled",
        "standby",
        "offline",
    ]


@jumping
async def test_a_bug_in_a_driver_is_a_fault_and_logged_once(clock: JumpingClock, bench: Any, logs: Any) -> None:
    bench.add("a/d", period=0.5)
    bench.add("a/e")
    bench.unit("a/d").error = ZeroDivisionError("oops")
    async with bench.run(clock) as devices:
        await clock.sleep(20)
        status = (await devices.devices(ENGINEER))[0]
        assert (status.state, status.last_error) == ("fault", "ZeroDivisionError: oops")
    assert logs.events == ["scan failed", "device fault"]
    assert len(bench.ingest.of("a/e")) == 21


@jumping
async def test_columns_of_the_wrong_length_are_a_fault_not_a_batch(clock: JumpingClock, bench: Any) -> None:
    class Short(bench.plant.driver):
        async def scan(self, plan: Any) -> Any:
            columns = await super().scan(plan)
            columns.values = columns.values[:1]
            return columns

    bench.plant.driver = Short
    bench.add("a/d")
    async with bench.run(clock) as devices:
        await clock.sleep(2)
        assert (await devices.devices(ENGINEER))[0].state == "fault"
    assert bench.ingest.batches == []


def test_the_same_seed_gives_the_same_hour_bit_for_bit(bench: Any) -> None:
    for i in range(5):
        bench.add(f"a/d{i}", period=2.0, phase=None)

    def hour(seed: int) -> list[Any]:
        dice = random.Random(seed)
        for i in range(5):
            bench.unit(f"a/d{i}").duration = dice.uniform(0, 3)

        async def main(clock: JumpingClock) -> list[Any]:
            async with bench.run(clock, seed):
                for _ in range(20):
                    await clock.sleep(dice.uniform(60, 180))
                    bench.wire(f"a/d{dice.randrange(5)}").cut()
            return [
                (t, b.group, b.seq, b.t_source.tolist())
                for t, b in zip(bench.ingest.times, bench.ingest.batches, strict=True)
            ]

        return run_jumping(main)

    first = hour(3)
    assert len(first) > 2000
    assert hour(3) == first
    assert hour(4) != first


@jumping
async def test_ages_that_round_to_just_under_the_limit_do_not_ring_for_ever(clock: JumpingClock, bench: Any) -> None:
    for i in range(40):
        bench.add(f"a/d{i}", period=0.1, phase=0.0137 * i)
    timers: Counter[float] = Counter()
    call_later = clock.call_later

    def counted(seconds: float, callback: Any) -> Any:
        timers[clock.monotonic()] += 1
        assert timers[clock.monotonic()] < 1000, "time stands still"
        return call_later(seconds, callback)

    clock.call_later = counted  # type: ignore[method-assign]
    async with bench.run(clock):
        for i in range(40):
            await clock.sleep(1.37)
            bench.unit(f"a/d{i}").silent = True
        await clock.sleep(100.0)
    assert len(timers) > 1000
