"""Commands to devices: what follows a write, what is refused, turns on a link."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.client import DeviceStatus
from sereno.device import DeviceSet
from sereno.model import (
    Access,
    ExpiredError,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    RefusedError,
    Setpoint,
)
from sereno.testing import JumpingClock, jumping

ENGINEER = Actor("eva", (ROLES["engineer"],))


async def status_of(devices: DeviceSet, index: int = 0) -> DeviceStatus:
    return (await devices.devices(ENGINEER))[index]


@jumping
async def test_a_write_is_followed_at_once_by_a_scan_and_the_grid_stays(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", period=10.0)
    bench.unit("a/d").duration = 0.5
    async with bench.run(clock) as devices:
        await clock.sleep(12)
        await devices.handlers["a/d"].write("a/d/speed", 42.0)
        assert bench.ingest.latest("a/d/speed").value == 10.0  # a command never writes the live table
        await clock.sleep(17)
    assert bench.ingest.times_of("a/d") == [0.5, 10.5, 13.0, 20.5]
    assert bench.ingest.of("a/d")[2].values.tolist() == [1.5, 42.0]


@jumping
async def test_a_write_during_a_scan_is_read_back_by_a_later_scan(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", period=10.0)
    bench.wire("a/d").pipelines = True
    bench.unit("a/d").duration = 2.0
    async with bench.run(clock) as devices:
        await clock.sleep(10.5)  # the scan of 10 is under way
        bench.unit("a/d").duration = 0.0
        await devices.handlers["a/d"].write("a/d/speed", 42.0)
        await clock.sleep(5)
    assert bench.ingest.times_of("a/d") == [2.0, 12.0, 12.0]


@jumping
async def test_the_readback_may_belong_to_another_device(clock: JumpingClock, bench: Any) -> None:
    far = Setpoint(readback="a/e/level")
    bench.add("a/d", period=100.0, tags=(bench.tag("a/d/speed", access=Access.WRITE, setpoint=far),))
    bench.add("a/e", period=100.0)
    async with bench.run(clock) as devices:
        await clock.sleep(30)
        await devices.handlers["a/d"].write("a/d/speed", 1.0)
        await clock.sleep(30)
        devices.rescan("derived/somewhere/else")
    assert bench.ingest.times_of("a/e") == [0, 30]
    assert bench.ingest.of("a/d") == []


@jumping
async def test_commands_are_refused_unless_enabled(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    bench.wire("a/d").refuse = "connection refused"
    async with bench.run(clock) as devices:
        handler = devices.handlers["a/d"]
        await clock.sleep(0.25)
        with pytest.raises(NotConnectedError, match="connection refused"):
            await handler.write("a/d/speed", 1.0)
        bench.wire("a/d").refuse = ""
        bench.unit("a/d").silent = True
        await clock.sleep(1)
        with pytest.raises(RefusedError, match="disabled, commands need enabled"):
            await handler.write("a/d/speed", 1.0)
        with pytest.raises(RefusedError, match="disabled"):
            await handler.call("reset", ())
    with pytest.raises(NotConnectedError, match="stopped"):
        await handler.write("a/d/speed", 1.0)
    assert ("write", "speed") not in bench.unit("a/d").log


@jumping
async def test_a_command_that_waits_when_the_link_goes_is_never_sent(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    bench.unit("a/d").duration = 1.0
    async with bench.run(clock) as devices:
        await clock.sleep(1.5)
        handler = devices.handlers["a/d"]
        first = asyncio.create_task(handler.write("a/d/speed", 1.0))
        second = asyncio.create_task(handler.write("a/d/speed", 2.0))
        await clock.sleep(0.75)
        bench.wire("a/d").refuse = "gone"
        bench.wire("a/d").cut("gone")
        with pytest.raises(NoAnswerError):
            await first
        with pytest.raises(NotConnectedError, match="gone"):
            await second


@jumping
async def test_answers_of_the_device_to_commands(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    unit = bench.unit("a/d")
    unit.values["add()"] = 3
    async with bench.run(clock) as devices:
        handler = devices.handlers["a/d"]
        await clock.sleep(1)
        assert await handler.call("add", (1, 2)) == 3
        with pytest.raises(NotFoundError, match="subtract"):
            await handler.call("subtract", ())
        with pytest.raises(NotFoundError, match="nothing"):
            await handler.write("a/d/nothing", 1)
        with pytest.raises(RefusedError, match="read only"):
            await handler.write("a/d/level", 1)
        unit.write_error = ConnectionResetError()
        with pytest.raises(NoAnswerError, match="connection reset"):
            await handler.write("a/d/speed", 1)
        unit.write_error = RefusedError("locked")
        with pytest.raises(RefusedError, match="locked"):
            await handler.write("a/d/speed", 1)
        assert (await status_of(devices)).counters["commands"] == 4


@jumping
async def test_devices_on_one_link_share_it_and_take_turns(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", url="memory://line")
    bench.add("a/e", url="memory://line")
    bench.add("a/f", url="memory://line")
    units = [bench.unit(path, "memory://line") for path in ("a/d", "a/e", "a/f")]
    for unit in units:
        unit.duration = 0.25
    async with bench.run(clock) as devices:
        await clock.sleep(5.1)  # the scan of a/d is under way, the others wait
        await devices.handlers["a/f"].write("a/f/speed", 7.0)
        await clock.sleep(1.4)
        assert len(bench.plant.wire("memory://line").attempts) == 1
    assert bench.ingest.times_of("a/d")[-2:] == [5.25, 6.25]
    # the write goes from 5.25 to 5.5, before the scans of e and f that have been waiting since 5
    assert bench.ingest.times_of("a/e")[-2:] == [5.75, 6.5]
    assert 6.0 in bench.ingest.times_of("a/f")
    assert bench.ingest.latest("a/f/speed").value == 7.0


@jumping
async def test_commands_to_devices_on_one_link_go_one_at_a_time(clock: JumpingClock, bench: Any) -> None:
    bench.plant.wire("memory://line").pipelines = True
    for path in ("a/d", "a/e"):
        bench.add(path, url="memory://line", period=100.0)
    async with bench.run(clock) as devices:
        await clock.sleep(1)
        for path in ("a/d", "a/e"):
            bench.unit(path, "memory://line").duration = 2.0
        ends = []

        async def write(path: str) -> None:
            await devices.handlers[path].write(f"{path}/speed", 1.0)
            ends.append(clock.monotonic())

        await asyncio.gather(write("a/d"), write("a/e"))
    assert ends == [3.0, 5.0]


@jumping
async def test_a_command_whose_time_ends_while_it_waits_for_the_link_is_never_sent(
    clock: JumpingClock, bench: Any
) -> None:
    bench.plant.wire("memory://line").pipelines = True
    for path in ("a/d", "a/e"):
        bench.add(path, url="memory://line", period=100.0)
    async with bench.run(clock) as devices:
        await clock.sleep(1)
        slow, late = bench.unit("a/d", "memory://line"), bench.unit("a/e", "memory://line")
        slow.duration = 2.0
        before = asyncio.create_task(devices.handlers["a/d"].write("a/d/speed", 1.0, deadline=1.5))
        await clock.sleep(0.25)
        with pytest.raises(ExpiredError, match="waited for the link of a/e"):
            await devices.handlers["a/e"].write("a/e/speed", 7.0, deadline=clock.monotonic() + 0.5)
        assert clock.monotonic() == 1.75  # it is told at its deadline, not when the link is free
        await before  # sent in time; how long the answer takes does not count
        with pytest.raises(ExpiredError, match="its time was over"):
            await devices.handlers["a/e"].call("reset", (), deadline=clock.monotonic())
        await devices.handlers["a/e"].write("a/e/speed", 8.0, deadline=clock.monotonic() + 0.5)
        assert late.log.count(("write", "speed")) == 1
        assert late.values["speed"] == 8.0


@jumping
async def test_a_command_behind_a_scan_on_a_slow_wire_is_never_sent_late(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", period=10.0)
    bench.unit("a/d").duration = 2.0
    async with bench.run(clock) as devices:
        await clock.sleep(10.5)  # the scan of 10 is on the wire until 12
        with pytest.raises(ExpiredError, match="waited for memory://a/d"):
            await devices.handlers["a/d"].write("a/d/speed", 7.0, deadline=11.5)
    assert ("write", "speed") not in bench.unit("a/d").log
