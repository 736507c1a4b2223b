"""Devices over their life: link, states, errors, commands."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.client import DeviceStatus
from sereno.device import DeviceSet, RetryConfig
from sereno.model import (
    Access,
    ConfigurationError,
    Fault,
    LinkState,
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
async def test_a_device_comes_up_and_goes_down_through_all_states(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    bench.wire("a/d").connect_time = 0.5
    async with bench.run(clock) as devices:
        assert bench.ingest.states_of("a/d") == ["standby"]
        await clock.sleep(1)
        status = await status_of(devices)
        assert (status.state, status.link, status.last_error) == ("enabled", LinkState.UP, "")
    assert bench.ingest.states_of("a/d") == ["standby", "disabled", "enabled", "disabled", "standby", "offline"]
    assert bench.ingest.times_of("a/d")[0] == 0.5


@jumping
async def test_connecting_again_follows_the_back_off(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", retry=RetryConfig(jitter=0.0, max=4.0))
    wire = bench.wire("a/d")
    wire.refuse = "connection refused"
    async with bench.run(clock) as devices:
        await clock.sleep(16)
        status = await status_of(devices)
        assert (status.state, status.link, status.last_error) == ("standby", LinkState.DOWN, "connection refused")
        wire.refuse = ""
        await clock.sleep(4)
    assert wire.attempts == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5]
    assert bench.ingest.times_of("a/d")[0] == 19.5
    reports = [(r.t, r.state, r.error) for r in bench.ingest.links]
    assert reports[:3] == [(0, "connecting", ""), (0, "down", "connection refused"), (19.5, "up", "")]


@jumping
async def test_jitter_spreads_the_attempts_of_many_devices(clock: JumpingClock, bench: Any) -> None:
    for i in range(50):
        bench.add(f"a/d{i}", retry=RetryConfig(initial=10, jitter=0.5))
        bench.wire(f"a/d{i}").refuse = "no"
    async with bench.run(clock):
        await clock.sleep(12)
    seconds = sorted(bench.wire(f"a/d{i}").attempts[1] for i in range(50))
    assert 5 <= seconds[0] < 6
    assert 9 < seconds[-1] <= 10
    assert len(set(seconds)) == 50


@jumping
async def test_an_outage_and_its_end_are_logged_once_each(clock: JumpingClock, bench: Any, logs: Any) -> None:
    bench.add("a/d")
    wire = bench.wire("a/d")
    async with bench.run(clock):
        await clock.sleep(10)
        wire.refuse = "connection refused"
        wire.cut("connection reset")
        await clock.sleep(600)
        wire.refuse = ""
        await clock.sleep(60)
    (down, lost), (up, back) = logs.lines
    assert (down, lost) == ("link down", {"link": "memory://a/d", "error": "connection reset"})
    assert (up, back["link"]) == ("link up again", "memory://a/d")
    assert 600 < back["down_s"] < 630


@jumping
async def test_a_cut_connection_is_told_at_once_and_values_come_back_by_themselves(
    clock: JumpingClock, bench: Any
) -> None:
    bench.add("a/d")
    bench.add("a/e")
    async with bench.run(clock):
        await clock.sleep(5.25)
        bench.wire("a/d").cut("pulled out")
        assert bench.ingest.links[-1].error == "pulled out"
        assert bench.ingest.links[-1].state is LinkState.DOWN
        assert bench.ingest.states_of("a/d")[-2:] == ["disabled", "standby"]
        await clock.sleep(3)
    times = bench.ingest.times_of("a/d")
    assert times == [0, 1, 2, 3, 4, 5, 5.75, 6, 7, 8]  # at once after the connection, then on the grid
    assert bench.ingest.times_of("a/e") == list(range(9))


@jumping
async def test_a_scan_that_the_cut_ends_does_not_hide_its_reason(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", period=10.0)
    bench.unit("a/d").duration = 2.0
    bench.wire("a/d").refuse = ""
    async with bench.run(clock) as devices:
        await clock.sleep(11)
        bench.wire("a/d").refuse = "no route"
        bench.wire("a/d").cut("pulled out")
        await clock.sleep(0.25)
        assert (await status_of(devices)).last_error == "pulled out"
        assert [r.error for r in bench.ingest.links[-2:]] == ["", "pulled out"]


@jumping
async def test_time_without_a_link_is_no_overrun(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    async with bench.run(clock) as devices:
        await clock.sleep(5.5)
        bench.wire("a/d").refuse = "no route"
        bench.wire("a/d").cut()
        await clock.sleep(100)
        bench.wire("a/d").refuse = ""
        await clock.sleep(100)
        (group,) = (await status_of(devices)).groups
    assert group.overruns == 0
    assert group.scans > 80


@jumping
async def test_a_greeting_ends_with_the_link(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    unit = bench.unit("a/d")
    unit.probe_error = NoAnswerError("no hello")
    async with bench.run(clock) as devices:
        await clock.sleep(2.5)
        bench.wire("a/d").refuse = "no route"
        bench.wire("a/d").cut()
        unit.probe_error = None
        await clock.sleep(20)
        status = await status_of(devices)
        assert (status.state, status.counters["failed_scans"]) == ("standby", 0)


@jumping
async def test_a_silent_device_is_reported_within_stale_after_then_disabled_then_connected_anew(
    clock: JumpingClock, bench: Any
) -> None:
    bench.add("a/d", period=0.1, stale_after=1.0, retry=RetryConfig(jitter=0.0, silence=6.0))
    bench.unit("a/d").timeout = 3.0
    async with bench.run(clock) as devices:
        await clock.sleep(10.05)
        bench.unit("a/d").silent = True
        seen = len(bench.ingest.links)
        await clock.sleep(1.0)
        (report,) = bench.ingest.links[seen:]
        assert report.t <= 11.0 + 1e-9
        assert "no answer for 1.0 s" in report.error
        await clock.sleep(3)
        status = await status_of(devices)
        assert (status.state, status.last_error) == ("disabled", "no answer within 3 s")
        assert status.groups[0].stale
        await clock.sleep(7)
        assert len(bench.wire("a/d").attempts) == 2
        bench.unit("a/d").silent = False
        await clock.sleep(10)
        assert (await status_of(devices)).state == "enabled"
        assert not (await status_of(devices)).groups[0].stale


@jumping
async def test_one_lost_answer_does_not_disable_a_device(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", stale_after=3.0)
    async with bench.run(clock) as devices:
        await clock.sleep(5.5)
        bench.unit("a/d").error = NoAnswerError("one lost")
        await clock.sleep(1)
        assert (await status_of(devices)).state == "enabled"
        bench.unit("a/d").error = None
        await clock.sleep(1)
    assert bench.ingest.states_of("a/d") == ["standby", "disabled", "enabled", "disabled", "standby", "offline"]


@jumping
async def test_an_attempt_that_hangs_is_given_up(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", retry=RetryConfig(jitter=0.0, connect_timeout=2.0))
    bench.wire("a/d").connect_time = 1e6
    async with bench.run(clock) as devices:
        await clock.sleep(3.25)
        assert (await status_of(devices)).last_error == "no answer in time"
    assert bench.wire("a/d").attempts == [0, 2.5]


@jumping
async def test_a_device_is_scanned_only_after_its_probe(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    unit = bench.unit("a/d")
    unit.probe_error = NoAnswerError("no hello")
    async with bench.run(clock) as devices:
        await clock.sleep(3.5)
        status = await status_of(devices)
        assert (status.state, status.last_error) == ("disabled", "no hello")
        assert bench.ingest.batches == []
        unit.probe_error = RefusedError("another model")
        await clock.sleep(1)
        status = await status_of(devices)
        assert (status.state, status.last_error) == ("fault", "another model")
        unit.probe_error = None
        await clock.sleep(5)
        status = await status_of(devices)
        assert (status.state, status.last_error) == ("enabled", "")


@jumping
async def test_a_bug_in_probe_is_a_fault(clock: JumpingClock, bench: Any, logs: Any) -> None:
    bench.add("a/d")
    bench.unit("a/d").probe_error = KeyError("hello")
    async with bench.run(clock) as devices:
        await clock.sleep(1)
        assert (await status_of(devices)).state == "fault"
    assert logs.events[0] == "probe failed"


@jumping
async def test_a_driver_that_cannot_compile_faults_its_device_alone(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    bench.add("a/e")
    bench.unit("a/d").compile_error = ConfigurationError([Fault("plant.toml:7", "no such table")])
    async with bench.run(clock) as devices:
        await clock.sleep(1.5)
        status = await status_of(devices)
        assert status.state == "fault"
        assert status.last_error == "scan group 'default': plant.toml:7: no such table"
        bench.wire("a/d").cut()
        await clock.sleep(5)
        assert (await status_of(devices)).state == "fault"
        with pytest.raises(RefusedError, match=r"fault.*no such table"):
            await devices.handlers["a/d"].write("a/d/speed", 1.0)
    assert len(bench.ingest.of("a/e")) == 7
    assert bench.ingest.of("a/d") == []


@jumping
async def test_a_device_without_tags_is_enabled_by_its_connection(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d", tags=())
    bench.unit("a/d").values["reset()"] = "done"
    async with bench.run(clock) as devices:
        await clock.sleep(1)
        assert (await status_of(devices)).state == "enabled"
        assert await devices.handlers["a/d"].call("reset", ()) == "done"


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
async def test_a_dead_device_on_a_shared_link_does_not_restart_it_for_the_others(
    clock: JumpingClock, bench: Any
) -> None:
    bench.plant.wire("memory://line").pipelines = True
    for path in ("a/dead", "a/alive"):
        bench.add(path, url="memory://line")
    bench.unit("a/dead", "memory://line").silent = True
    async with bench.run(clock) as devices:
        await clock.sleep(60)
        assert [s.state for s in await devices.devices(ENGINEER)] == ["enabled", "disabled"]
    assert len(bench.plant.wire("memory://line").attempts) == 1


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.5, 0.75, 1.6, 2.2])
@jumping
async def test_stopping_at_any_moment_leaves_nothing_running(clock: JumpingClock, bench: Any, moment: float) -> None:
    bench.add("a/d")
    bench.add("a/refused")
    bench.add("a/hello")
    bench.wire("a/d").connect_time = 0.5
    bench.wire("a/refused").refuse = "no"
    bench.unit("a/d").duration = 0.6
    bench.unit("a/hello").probe_error = NoAnswerError("no")
    devices = bench.run(clock)
    await devices.start()
    await clock.sleep(moment)
    await devices.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    published = len(bench.ingest.batches)
    assert all(bench.ingest.states_of(path)[-1] == "offline" for path in ("a/d", "a/refused", "a/hello"))
    await clock.sleep(100)
    assert len(bench.ingest.batches) == published
    assert len(bench.wire("a/d").attempts) == 1
    assert {r.error for r in bench.ingest.links[-3:]} == {"stopped"}


@jumping
async def test_devices_may_be_stopped_before_the_start_and_started_again(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    devices = bench.run(clock)
    await devices.stop()
    for _ in range(2):
        await devices.start()
        await clock.sleep(2.5)
        await devices.stop()
    assert [b.seq for b in bench.ingest.batches] == [1, 2, 3, 4, 5, 6]


@jumping
async def test_a_link_that_does_not_close_does_not_keep_the_stop(clock: JumpingClock, bench: Any, logs: Any) -> None:
    bench.add("a/d")
    async with bench.run(clock):
        await clock.sleep(1)
        link = bench.wire("a/d").link

        async def never() -> None:
            await asyncio.Event().wait()

        link.close = never
    assert clock.monotonic() == 6.0
    assert logs.events[0] == "link did not close"


@jumping
async def test_a_link_with_a_bug_is_tried_again(clock: JumpingClock, bench: Any, logs: Any) -> None:
    bench.add("a/d")
    devices = bench.run(clock)
    link = bench.wire("a/d").link
    right = link.connect

    async def wrong() -> None:
        link.connect = right
        raise LookupError("bug")

    link.connect = wrong
    async with devices:
        await clock.sleep(0.25)
        assert (await status_of(devices)).last_error == "LookupError: bug"
        await clock.sleep(1)
        assert (await status_of(devices)).state == "enabled"
    assert logs.events[0] == "link failed"
