"""Devices over their life: link, states, errors."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.client import DeviceStatus
from sereno.device import DeviceSet, RetryConfig
from sereno.model import (
    ConfigurationError,
    Fault,
    LinkState,
    NoAnswerError,
    RefusedError,
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
    assert (down, lost) == ("link down", {"link": "memory://a/d", "devices": ["a/d"], "error": "connection reset"})
    assert (up, back["link"], back["devices"]) == ("link up again", "memory://a/d", ["a/d"])
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
