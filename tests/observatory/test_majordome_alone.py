"""The majordome among fakes: what is due is executed, danger interrupts, parks and closes, people act by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from structlog.testing import capture_logs

from sereno import Device, DeviceError, command, on_write, tag
from sereno.client import BEING_DONE, Client
from sereno.model import Ack, AckState, NotConnectedError, Quality, RefusedError, SerenoError
from sereno.testing import AsyncTestedDevice, DeviceTest, JumpingClock, jumping
from sereno_observatory.majordome import Majordome
from sereno_observatory.majordome.hour import Hour

MIDNIGHT = 6 * 3600
"""Seconds after the clock's epoch at which it is deep night at the site."""
PATHS = {"dome": "site/plc", "telescope": "site/telescope", "observer": "obs/observer", "sequences": "obs/book"}
DONE: list[str] = []
"""What the fakes were told, in order."""


class Air(Device):
    """The environment."""

    make_safe: bool = tag(default=False, write=True)
    safe_for: float = tag(default=100.0, unit="s", write=True)


class Node(Device):
    """What the node says of its clock."""

    clock: str = tag(default="synchronised", write=True)

    @command
    def doubt(self) -> None:
        self.push("clock", "", quality=int(Quality.BAD))


class Plc(Device):
    """Dome, light and power."""

    shutter: str = tag(default="closed")
    dome_open: str = tag(write=True, default="")
    dome_close: str = tag(write=True, default="")
    dome_light: bool = tag(write=True, default=False)
    telescope_power: bool = tag(write=True, default=False)
    jammed: bool = tag(write=True, default=False)

    @on_write("dome_open")
    def _open(self, value: str) -> None:
        DONE.append("open")
        self.shutter = value

    @on_write("dome_close")
    def _close(self, value: str) -> None:
        DONE.append("close")
        self.shutter = value

    @command
    def begins_to_close(self) -> None:
        self.shutter = self.shutter if self.jammed else "closing"


class Mount(Device):
    """The telescope."""

    parked: bool = tag(default=True)
    pointing: str = tag(name="state", default="idle", write=True)
    stuck: bool = tag(default=False, write=True)
    slow: bool = tag(default=False, write=True)

    @command
    async def park(self) -> None:
        if self.stuck:
            await self.client.clock.sleep(1e6)
        DONE.append("park")
        self.parked = not self.slow
        self.pointing = "slewing" if self.slow else "idle"

    @command
    def unpark(self) -> None:
        DONE.append("unpark")
        self.parked = False

    @command
    def slew(self, right_ascension: float, declination: float) -> None:
        DONE.append(f"slew {right_ascension:g} {declination:g}")

    @command
    def abort(self) -> None:
        DONE.append("abort")


class Hand(Device):
    """The observer."""

    hung: bool = tag(default=False, write=True)
    sequence: int = tag(default=0, write=True)
    ready: bool = tag(default=True, write=True)
    dark: bool = tag(default=False, write=True)

    @command
    async def execute(self, number: int) -> str:
        if self.hung:
            await self.client.clock.sleep(1e6)
        DONE.append(f"execute {number}")
        self.sequence = number
        return "M31"

    @command
    def doubt(self) -> None:
        self.push("sequence", self.sequence, quality=int(Quality.BAD))

    @command
    def interrupt(self, why: str) -> bool:
        DONE.append(f"interrupt: {why}")
        self.sequence = 0
        return True


class Shelf(Device):
    """The book."""

    due: int = tag(default=0, write=True)
    calibration: int = tag(default=0, write=True)

    @command
    def cancel(self, number: int, why: str) -> str:
        DONE.append(f"cancel {number} {why}")
        return "CANCELLED"


@asynccontextmanager
async def among_fakes(clock: JumpingClock) -> AsyncIterator[tuple[AsyncTestedDevice, Client]]:
    DONE.clear()
    clock.step_wall(MIDNIGHT)

    class Here(Majordome):
        """At the site, as its defaults say."""

        latitude, longitude, hold = 31.0439, -115.4637, 60.0
        environment = "obs/environment"
        dome, telescope, observer, sequences = PATHS["dome"], PATHS["telescope"], PATHS["observer"], PATHS["sequences"]

    fakes: dict[str, Any] = {"obs/environment": Air, "site/plc": Plc, "site/telescope": Mount}
    fakes |= {"obs/observer": Hand, "obs/book": Shelf, "obs/majordome": Here, "sereno/node": Node}
    async with DeviceTest(fakes, clock=clock, patience=30.0) as devices:
        yield devices["obs/majordome"], devices["obs/majordome"].client


@jumping
async def test_what_is_due_is_executed_until_it_rains_and_again_afterwards(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await client.write("obs/book/due", 4)
        await clock.sleep(20.0)
        assert DONE == ["open", "execute 4"]
        assert (await majordome.read("activity"), await majordome.read("decision")) == (
            "EXECUTING",
            "sequence 4 is executed",
        )
        await client.call("site/telescope", "unpark")
        await client.write("obs/environment/make_safe", True)
        await clock.sleep(10.0)
        assert sorted(DONE[3:]) == ["close", "interrupt: the environment is not safe", "park"]
        assert await majordome.read("activity") == "PAUSED"
        await client.write("obs/environment/make_safe", False)
        await clock.sleep(20.0)
        assert DONE[-2:] == ["open", "execute 4"]


@jumping
async def test_a_telescope_that_parks_is_told_once_and_again_when_it_stopped_half_way(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await clock.sleep(10.0)
        await client.call("site/telescope", "unpark")
        await client.write("site/telescope/slow", True)
        clock.step_wall(12 * 3600)
        await clock.sleep(60.0)
        assert DONE.count("park") == 1
        assert await majordome.read("activity") == "SHUTDOWN"
        await client.write("site/telescope/state", "tracking")
        await clock.sleep(7.0)
        assert DONE.count("park") == 2
        await clock.sleep(330.0)
        assert DONE.count("park") == 3, "no telescope slews for ever"


@jumping
async def test_the_end_of_the_night_parks_and_closes(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await clock.sleep(10.0)
        await client.call("site/telescope", "unpark")
        clock.step_wall(12 * 3600)
        await clock.sleep(20.0)
        assert sorted(DONE) == ["close", "open", "park", "unpark"]
        assert await majordome.read("activity") == "IDLE"


@jumping
async def test_calibrations_are_taken_by_day_in_a_closed_dome(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        clock.step_wall(12 * 3600)
        await clock.sleep(20.0)
        DONE.clear()
        await client.write("obs/observer/dark", True)
        await client.write("obs/book/due", 4)
        await client.write("obs/book/calibration", 5)
        await clock.sleep(20.0)
        assert DONE == ["execute 5"]
        assert await majordome.read("decision") == "calibration 5 is executed"


@jumping
async def test_a_telescope_that_does_not_park_does_not_hold_up_the_dome(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await clock.sleep(10.0)
        await client.call("site/telescope", "unpark")
        await client.write("site/telescope/stuck", True)
        await client.write("obs/environment/make_safe", True)
        await clock.sleep(6.0)
        assert DONE[-1] == "close"
        await clock.sleep(30.0)
        assert "park: timed out" in await majordome.read("last_order")


@jumping
async def test_by_hand_only_in_manual_but_closing_and_cancelling_always(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await client.write("obs/book/due", 4)
        await clock.sleep(20.0)
        for words in (("open_dome",), ("slew", 1.0, 2.0), ("park",), ("light", True), ("power", "telescope", True)):
            with pytest.raises(RefusedError, match="the majordome is in AUTO; set its mode to MANUAL first"):
                await majordome.call(*words)
        assert await majordome.call("cancel", "clouds") == 4
        assert await majordome.call("close_dome") == "done"
        assert DONE[2:4] == ["cancel 4 clouds", "close"]
        await majordome.write("mode", "MANUAL")
        await clock.sleep(10.0)
        assert DONE[-1] == "interrupt: manual: people open and close"
        for words in (("open_dome",), ("slew", 1.0, 2.0), ("stop_telescope",), ("park",), ("light", True)):
            await majordome.call(*words)
        await majordome.call("power", "telescope", True)
        assert DONE[-5:] == ["open", "unpark", "slew 1 2", "abort", "park"]
        assert (await client.get("site/plc/dome_light")).value is True
        assert (await client.get("site/plc/telescope_power")).value is True
        with pytest.raises(RefusedError, match=r"'kettle' .* is none of telescope, cameras"):
            await majordome.call("power", "kettle", True)
        with pytest.raises(DeviceError, match="no sequence is executed"):
            await majordome.call("cancel")
        await client.write("obs/observer/sequence", 9)
        await clock.sleep(10.0)
        assert (await client.get("obs/observer/sequence")).value == 9


@jumping
async def test_its_own_sequence_is_taken_back_in_manual_though_nobody_knew_it_at_the_switch(
    clock: JumpingClock,
) -> None:
    async with among_fakes(clock) as (majordome, client):
        await client.write("obs/book/due", 4)
        await clock.sleep(20.0)
        assert DONE == ["open", "execute 4"]
        await client.call("obs/observer", "doubt")
        await clock.sleep(10.0)
        await majordome.write("mode", "MANUAL")
        await clock.sleep(10.0)
        await client.write("obs/observer/sequence", 4)
        await clock.sleep(10.0)
        assert DONE[2:] == ["interrupt: manual: people open and close"]


@jumping
async def test_without_instruments_nothing_is_begun(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await client.write("obs/observer/ready", False)
        await client.write("obs/book/due", 4)
        await clock.sleep(30.0)
        assert (DONE, await majordome.read("activity")) == (["open"], "RUNNING")


@jumping
async def test_made_safe_it_stays_so(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await client.write("obs/book/due", 4)
        await clock.sleep(20.0)
        await client.call("site/telescope", "unpark")
        assert await majordome.call("make_safe") == "close: done; interrupt: done; park: done"
        assert await majordome.read("mode") == "MANUAL"
        await clock.sleep(30.0)
        assert (await client.get("site/plc/shutter")).value == "closed"
        assert DONE.count("open") == 1


@jumping
async def test_an_observer_that_hangs_does_not_keep_people_from_closing(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await clock.sleep(10.0)
        await client.write("obs/observer/hung", True)
        await client.write("obs/book/due", 4)
        await clock.sleep(7.0)
        assert await majordome.call("close_dome") == "done"
        assert DONE[-1] == "close"
        assert await majordome.call("make_safe") == "close: done"


@jumping
async def test_an_order_that_cannot_be_given_is_told_and_the_others_are_given(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await clock.sleep(10.0)
        device = majordome.device
        order = device._order

        async def lost(which: Any, *more: Any) -> Any:
            if which == "park":
                raise NotConnectedError("the node is gone")
            return await order(which, *more)

        device._order = lost
        await client.call("site/telescope", "unpark")
        with pytest.raises(DeviceError, match="close: done; park: not sent, the node is gone"):
            await majordome.call("make_safe")


@jumping
async def test_a_majordome_that_begins_in_the_night_knows_that_it_is_night(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, _):
        device = majordome.device
        device.startup()
        assert (await device._known()).night is True


@jumping
async def test_a_site_without_a_telescope(clock: JumpingClock) -> None:
    async with DeviceTest(
        {"obs/environment": Air, "site/plc": Plc, "obs/majordome": Bare}, clock=clock, patience=30.0
    ) as devices:
        majordome = devices["obs/majordome"]
        await majordome.write("mode", "MANUAL")
        with pytest.raises(SerenoError, match="this site has no telescope"):
            await majordome.call("park")
        with pytest.raises(SerenoError, match="this site has no observer"):
            await majordome.call("cancel")
        assert await majordome.call("make_safe") == "close: done"


@jumping
async def test_devices_that_the_plant_has_not_are_nobody_s_knowledge(clock: JumpingClock) -> None:
    class Elsewhere(Bare):
        """Told of devices that are not there."""

        telescope, observer, sequences = "site/telescope", "obs/observer", "obs/book"

    async with DeviceTest({"site/plc": Plc, "obs/majordome": Elsewhere}, clock=clock, patience=30.0) as devices:
        await clock.sleep(20.0)
        doubt = "nobody knows whether the clock of this machine is synchronised"
        assert await devices["obs/majordome"].read("decision") == doubt


class Bare(Majordome):
    """Without instruments."""

    latitude, longitude, environment = 31.0439, -115.4637, "obs/environment"


@jumping
async def test_a_majordome_whose_round_hangs_closes_all_the_same(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await clock.sleep(10.0)
        device = majordome.device
        known, hangs = device._known, True

        async def hanging() -> Any:
            if hangs:
                await clock.sleep(1e6)
            return await known()

        device._known = hanging
        await clock.sleep(100.0)
        begun = clock.monotonic()
        assert await majordome.call("close_dome") == "done"
        assert clock.monotonic() < begun + 0.1
        hangs = False
        await client.write("site/plc/dome_open", "open")
        assert await majordome.call("make_safe") == "close: done"
        assert (await client.get("site/plc/shutter")).value == "closed"


@jumping
async def test_a_sequence_that_begins_while_it_is_made_safe_is_interrupted(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await clock.sleep(10.0)
        device = majordome.device
        order = device._order

        async def slow(which: Any, *more: Any) -> Any:
            if which == "execute":
                await clock.sleep(1.0)
            return await order(which, *more)

        device._order = slow
        await client.write("obs/book/due", 4)
        while "execute" not in str(await majordome.read("last_order")):
            await clock.sleep(0.1)
        await majordome.call("make_safe")
        await clock.sleep(20.0)
        assert (await client.get("obs/observer/sequence")).value == 0
        assert DONE[-1] == "interrupt: manual: people open and close"


@jumping
async def test_who_has_it_made_safe_is_told_that_the_dome_does_not_close(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, _):
        await clock.sleep(10.0)
        device = majordome.device
        order = device._order

        async def stuck(which: Any, *more: Any) -> Any:
            if which == "close":
                raise NotConnectedError("the dome is not connected")
            return await order(which, *more)

        device._order = stuck
        with pytest.raises(DeviceError, match="close: not sent, the dome is not connected"):
            await majordome.call("make_safe")


@jumping
async def test_who_has_it_made_safe_while_a_guard_closes_is_told_that_it_closes(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await client.write("obs/majordome/mode", "MANUAL")
        await client.write("site/plc/dome_open", "open")
        device = majordome.device
        order = device._order

        async def held(which: Any, *more: Any) -> Any:
            if which != "close":
                return await order(which, *more)
            await client.call("site/plc", "begins_to_close")
            details = {"fields": {BEING_DONE: True}}
            return Ack(key="k", state=AckState.REFUSED, t=0, reason="another command is under way", details=details)

        device._order = held
        assert await majordome.call("make_safe") == "close: done"
        await client.write("site/plc/jammed", True)
        await client.write("site/plc/dome_open", "open")
        with pytest.raises(DeviceError, match="close: taken and the shutter does not move, another command"):
            await majordome.call("make_safe")


@jumping
async def test_what_counts_seconds_is_logged_once(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        with capture_logs() as logs:
            for safe_for in (0.0, 5.0, 10.0, 15.0):
                await client.write("site/plc/dome_close", "closed")
                await client.write("obs/environment/safe_for", safe_for)
                await clock.sleep(5.1)
                assert await majordome.read("decision") == f"safe for {safe_for:.0f} s of 60 s"
        told = [line["why"] for line in logs if line["event"] == "decision"]
        assert [why for why in told if why.startswith("safe for")] == ["safe for 0 s of 60 s"]


@jumping
async def test_a_dome_that_is_open_stays_so_until_the_node_has_said_anything_of_its_clock(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await clock.sleep(10.0)
        await client.call("sereno/node", "doubt")
        majordome.device._hour = Hour(needed=True)
        DONE.clear()
        await clock.sleep(20.0)
        assert await majordome.read("decision") == "nobody knows whether the clock of this machine is synchronised"
        assert (await client.read("site/plc/shutter"))[0].value == "open"
        await client.write("sereno/node/clock", "synchronised")
        await clock.sleep(10.0)
        assert (str(await majordome.read("activity")), DONE) == ("RUNNING", [])


@jumping
async def test_nothing_is_opened_before_the_clock_is_said_to_be_kept_right(clock: JumpingClock) -> None:
    async with among_fakes(clock) as (majordome, client):
        await clock.sleep(10.0)
        await client.write("sereno/node/clock", "unsynchronised")
        await clock.sleep(20.0)
        assert majordome.device._hour.doubt(None) == "", "it was right once"
        majordome.device._hour = Hour(needed=True)
        await client.write("site/plc/dome_close", "closed")
        DONE.clear()
        for said, why in (
            ("unsynchronised", "the clock of this machine is not synchronised"),
            ("unknown", "nobody knows whether the clock of this machine is synchronised"),
        ):
            await client.write("sereno/node/clock", said)
            await clock.sleep(20.0)
            assert await majordome.read("decision") == why
            assert (str(await majordome.read("activity")), DONE) == ("PAUSED", [])
        await client.write("sereno/node/clock", "synchronised")
        await clock.sleep(20.0)
        assert DONE == ["open"]
        await client.write("sereno/node/clock", "unsynchronised")
        await clock.sleep(20.0)
        assert await majordome.read("decision") == "the night is safe and the dome open"


@jumping
async def test_a_site_whose_clock_nobody_knows_may_say_that_it_is_right(clock: JumpingClock) -> None:
    class Container(Bare):
        """Where the system does not tell."""

        wait_for_clock = False

    clock.step_wall(12 * 3600)
    async with DeviceTest({"site/plc": Plc, "obs/majordome": Container}, clock=clock, patience=30.0) as devices:
        await clock.sleep(20.0)
        assert await devices["obs/majordome"].read("decision") in ("it is day", "the environment is not known")
