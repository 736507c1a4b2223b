"""DeviceSet: what is refused, who sees what, traces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, cast

import pytest

from sereno.access.actor import NOBODY, ROLES, Actor, Permission, Right, Role
from sereno.client import TraceLine
from sereno.device import DeviceConfig, DeviceSet, GroupConfig, Link
from sereno.device._trace import trace_link
from sereno.model import DeniedError, NotFoundError
from sereno.testing import JumpingClock, MemoryConfig, jumping

ENGINEER = Actor("eva", (ROLES["engineer"],))
NORTH = Actor("nora", (Role("north", (Permission(Right.READ, "north/*"),)),))


def tracing(devices: DeviceSet, device: str, actor: Actor = ENGINEER) -> AsyncGenerator[TraceLine, None]:
    return cast(AsyncGenerator[TraceLine, None], devices.trace(device, actor))


@jumping
async def test_status_says_what_runs(clock: JumpingClock, bench: Any) -> None:
    bench.add("north/plc1", description="intake", driver_name="memory")
    async with bench.run(clock) as devices:
        await clock.sleep(2.5)
        (status,) = await devices.devices(ENGINEER)
    assert (status.path, status.driver, status.url) == ("north/plc1", "memory", "memory://north/plc1")
    assert (status.description, status.stale_after) == ("intake", 2.0)
    assert status.counters == {"failed_scans": 0, "commands": 0, "requests": 3}
    (group,) = status.groups
    assert (group.name, group.period, group.phase, group.tags, group.scans) == ("default", 1.0, 0.0, 2, 3)
    assert not group.stale


@jumping
async def test_only_what_the_actor_may_read_is_shown(clock: JumpingClock, bench: Any) -> None:
    bench.add("south/plc2")
    bench.add("north/plc1")
    devices = bench.run(clock)
    assert [s.path for s in await devices.devices(ENGINEER)] == ["north/plc1", "south/plc2"]
    assert [s.path for s in await devices.devices(NORTH)] == ["north/plc1"]
    assert await devices.devices(NOBODY) == []


@jumping
async def test_tracing_needs_its_right_and_a_device(clock: JumpingClock, bench: Any) -> None:
    bench.add("north/plc1")
    bench.add("south/plc2")
    devices = bench.run(clock)
    with pytest.raises(DeniedError, match="nora may not trace 'north/plc1'"):
        devices.trace("north/plc1", NORTH)
    with pytest.raises(NotFoundError, match="no device 'south/plc2'; did you mean north/plc1"):
        devices.trace("south/plc2", NORTH)
    with pytest.raises(NotFoundError, match="did you mean north/plc1"):
        devices.trace("north/plc", ENGINEER)


@jumping
async def test_a_trace_shows_frames_while_somebody_looks(clock: JumpingClock, bench: Any) -> None:
    bench.add("north/plc1")
    async with bench.run(clock) as devices:
        await clock.sleep(0.5)
        link: Link = bench.wire("north/plc1").link
        lines = tracing(devices, "north/plc1")
        assert not link.taps
        seen = [await anext(lines) for _ in range(3)]
        assert [(line.direction, line.data) for line in seen] == [("tx", b"scan"), ("rx", b"ok"), ("tx", b"scan")]
        assert seen[0].t == clock.wall_ns() - 1_000_000_000
        assert seen[0].link == "memory://north/plc1"
        assert len(link.taps) == 1
        await lines.aclose()
        assert not link.taps


@jumping
async def test_a_trace_goes_with_the_task_that_reads_it(clock: JumpingClock, bench: Any) -> None:
    bench.add("north/plc1")
    async with bench.run(clock) as devices:

        async def read() -> None:
            async for _ in devices.trace("north/plc1", ENGINEER):
                pass

        reader = asyncio.create_task(read())
        await clock.sleep(3)
        link: Link = bench.wire("north/plc1").link
        assert len(link.taps) == 1
        reader.cancel()
        await asyncio.wait([reader])
        assert not link.taps


@jumping
async def test_a_slow_reader_is_told_what_was_left_out(clock: JumpingClock, bench: Any) -> None:
    bench.add("north/plc1")
    bench.run(clock)
    link: Link = bench.wire("north/plc1").link
    lines = cast(AsyncGenerator[TraceLine, None], trace_link(link, limit=3))
    first = asyncio.ensure_future(anext(lines))
    await clock.sleep(0)
    for i in range(10):
        link.trace("tx", bytes([i]), "x")
    seen = [await first] + [await anext(lines) for _ in range(3)]
    assert [line.data for line in seen] == [b"\0", b"\1", b"\2", b""]
    assert (seen[3].direction, seen[3].text) == ("note", "7 frames left out, the reader is too slow")
    link.trace("tx", b"next", "x")
    assert (await anext(lines)).data == b"next"
    await lines.aclose()


def test_declarations_that_cannot_be_are_refused(bench: Any) -> None:
    with pytest.raises(ValueError, match="in scan group 'fast', the device has default"):
        bench.add("a/d", tags=(bench.tag("a/d/level", "fast"),))
    with pytest.raises(ValueError, match="declared at device 'a/d'"):
        bench.add("a/d", tags=(bench.tag("a/other/level"),))
    with pytest.raises(ValueError, match="stale_after"):
        bench.add("a/d", stale_after=0.0)
    with pytest.raises(ValueError, match="lower_snake"):
        DeviceConfig(path="A/d", driver=bench.plant.driver, config=MemoryConfig())
    for period, phase in ((0.0, None), (-1.0, None), (1.0, -0.1)):
        with pytest.raises(ValueError, match="scan group with period"):
            GroupConfig(period, phase)


def test_stale_after_counts_for_groups_that_are_quicker(bench: Any) -> None:
    groups = {"fast": GroupConfig(0.1), "default": GroupConfig(1.0), "slow": GroupConfig(60.0)}
    explicit = bench.add("a/d", tags=(), groups=groups, stale_after=3.0)
    assert [explicit.stale_after_of(name) for name in groups] == [3.0, 3.0, 120.0]
    default = bench.add("a/e", tags=(), groups=groups)
    assert [default.stale_after_of(name) for name in groups] == [1.0, 2.0, 120.0]


@jumping
async def test_a_path_is_taken_once(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    bench.add("a/d")
    with pytest.raises(ValueError, match="declared twice"):
        bench.run(clock)
