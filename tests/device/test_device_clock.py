"""Clocks of devices: seen at every scan, told when they are off, quiet again when they are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sereno.access.actor import ROLES, Actor
from sereno.device import DeviceSet, ScanColumns
from sereno.device._device_clock import DeviceClock
from sereno.testing import EPOCH_NS, JumpingClock, jumping

ENGINEER = Actor("eva", (ROLES["engineer"],))


@pytest.mark.parametrize(
    ("theirs", "fault"),
    [
        (1000.0, ""),
        (1004.9, ""),
        (1005.2, "a/b/time is 5.2 s ahead"),
        (400.0, "a/b/time is 10 min behind"),
        (1000.0 + 86400, "a/b/time is 24.0 h ahead"),
    ],
)
def test_words(theirs: float, fault: str) -> None:
    clock = DeviceClock("a/b/time")
    assert clock.words == "a/b/time was not seen yet"
    clock.seen(theirs, 1000.0)
    assert clock.fault == fault


async def remarks(devices: DeviceSet) -> tuple[str, ...]:
    return (await devices.devices(ENGINEER))[0].remarks


@jumping
async def test_a_tag_that_is_the_clock_of_its_device(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", tags=(bench.tag("a/d/time", clock=2.0),))
    values = bench.unit("a/d").values
    values["time"] = EPOCH_NS / 1e9 + 31.0
    async with bench.run(clock) as devices:
        await clock.sleep(1.5)
        (words,) = await remarks(devices)
        assert devices.clock_faults() == [words]
        assert words.startswith("a/d/time is 3")
        assert words.endswith("ahead")
        values["time"] = clock.wall_ns() / 1e9 + 0.5
        await clock.sleep(1.0)
        assert await remarks(devices) == ()
        assert devices.clock_faults() == []


@jumping
@pytest.mark.parametrize(("fresh", "told"), [(True, ("the clock of a/d is 60 min behind",)), (False, ())])
async def test_a_driver_that_brings_its_own_times(
    clock: JumpingClock, bench: Any, monkeypatch: pytest.MonkeyPatch, fresh: bool, told: tuple[str, ...]
) -> None:
    bench.add("a/d", tags=(bench.tag("a/d/x"),))
    bench.unit("a/d").values["x"] = 1.0
    late = 3600 * 10**9

    async def scan(self: Any, plan: Any) -> ScanColumns:
        return ScanColumns(np.ones(1), 0, t_source=np.full(1, clock.wall_ns() - late, np.int64), fresh=fresh)

    monkeypatch.setattr(bench.plant.driver, "scan", scan, raising=False)
    async with bench.run(clock) as devices:
        await clock.sleep(1.5)
        assert await remarks(devices) == told
