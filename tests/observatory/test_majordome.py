"""A night with the majordome: it opens, pauses for rain, goes on, shuts down; and what happens when it is gone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sereno.model import AckState
from sereno.testing import JumpingClock, jumping, run_jumping
from tests.observatory.rig import Site, site

MAJORDOME = "observatory/majordome"
DUSK, DAWN = 6300, 49_400
"""Seconds after the clock's epoch at which the sun is at -11.6 degrees and sinking, at -12.1 degrees and rising."""


async def told(here: Site) -> tuple[Any, Any]:
    return await here.value(f"{MAJORDOME}/activity"), here.shutter


@jumping
async def test_a_night_from_dusk_to_dawn_with_rain_in_it(clock: JumpingClock) -> None:
    clock.step_wall(DUSK)
    async with site(clock, mode="AUTO") as here:
        await clock.sleep(100.0)
        assert await told(here) == ("IDLE", "closed")
        await clock.sleep(80.0)
        assert await told(here) == ("RUNNING", "open")
        assert await here.value(f"{MAJORDOME}/last_order") == "open: done"
        here.force("WXT520", "RainRate", 3.0)
        await clock.sleep(20.0)
        assert await told(here) == ("PAUSED", "closed")
        assert await here.value(f"{MAJORDOME}/decision") == "the environment is not safe"
        here.force("WXT520", "RainRate", 0.0)
        await clock.sleep(40.0)
        assert await told(here) == ("PAUSED", "closed")
        await clock.sleep(50.0)
        assert await told(here) == ("RUNNING", "open")
        clock.step_wall(DAWN - DUSK)
        await clock.sleep(60.0)
        assert await told(here) == ("IDLE", "closed")
        assert not here.plc.machine.refuge


@jumping
async def test_in_manual_people_open_and_close_and_the_guards_stay(clock: JumpingClock) -> None:
    clock.step_wall(DUSK + 600)
    async with site(clock) as here:
        await clock.sleep(90.0)
        assert await told(here) == ("PAUSED", "closed")
        assert (await here.client.write("site/plc/dome_open", "open", timeout=30.0)).state is AckState.DONE
        await clock.sleep(30.0)
        assert here.shutter == "open"
        here.force("WXT520", "WindSpeed", 20.0)
        await clock.sleep(12.0)
        assert here.shutter == "closed"


@jumping
async def test_a_lost_majordome_closes_the_dome(clock: JumpingClock) -> None:
    clock.step_wall(DUSK + 600)
    async with site(clock, mode="AUTO") as here:
        await clock.sleep(90.0)
        assert await told(here) == ("RUNNING", "open")
        assert (await here.client.call(f"{MAJORDOME}/supervision", "stop")).state is AckState.DONE
        await clock.sleep(60.0)
        assert here.shutter == "closed"
        assert (await here.client.call(f"{MAJORDOME}/supervision", "start")).state is AckState.DONE
        await clock.sleep(30.0)
        assert await told(here) == ("RUNNING", "open")


@jumping
async def test_a_dome_that_does_not_answer_is_told_to_close_until_it_does(clock: JumpingClock) -> None:
    clock.step_wall(DUSK + 600)
    async with site(clock, mode="AUTO") as here:
        await clock.sleep(90.0)
        assert here.shutter == "open"
        assert not here.plc.machine.force({"device_name": "DOME", "broken": 8})
        here.force("WXT520", "RainRate", 3.0)
        await clock.sleep(12.0)
        assert here.shutter == "open"
        assert "DOME does not answer" in await here.value(f"{MAJORDOME}/last_order")
        await clock.sleep(30.0)
        assert here.shutter == "closed"


async def opening(here: Site) -> None:
    """It has begun, by the majordome's order."""
    for _ in range(1200):
        await here.clock.sleep(0.1)
        if here.shutter == "opening":
            return
    raise AssertionError("the dome does not open")


@pytest.mark.parametrize("name", ["make_safe", "close_dome"])
def test_who_has_it_closed_while_it_opens_waits_for_nothing(name: str) -> None:
    async def played(clock: JumpingClock) -> None:
        clock.step_wall(DUSK + 600)
        async with site(clock, mode="AUTO") as here:
            await opening(here)
            await clock.sleep(1.0)
            asked, begun = asyncio.create_task(here.client.call(MAJORDOME, name, timeout=30.0)), clock.monotonic()
            while here.shutter != "closing":
                await clock.sleep(0.01)
                assert clock.monotonic() < begun + 0.2, "it waited for the order to open"
            ack = await asked
            if name == "close_dome":
                assert (ack.state, ack.value) == (AckState.DONE, "done")
            else:  # there is no telescope to park
                assert (ack.state, "close: done; park: failed" in ack.reason) == (AckState.FAILED, True), ack
            assert here.shutter == "closed"

    run_jumping(played)


def test_an_order_to_open_that_is_overtaken_ends_as_failed_and_says_by_what() -> None:
    async def played(clock: JumpingClock) -> None:
        clock.step_wall(DUSK + 600)
        async with site(clock) as here:
            await clock.sleep(90.0)
            order = asyncio.create_task(here.client.write("site/plc/dome_open", "open", timeout=30.0))
            await clock.sleep(2.0)
            assert here.shutter == "opening"
            begun = clock.monotonic()
            closed = asyncio.create_task(here.client.write("site/plc/dome_close", "closed", timeout=30.0))
            ack = await order
            assert clock.monotonic() < begun + 0.2
            assert (ack.state, "overtaken by site/plc/dome_close" in ack.reason) == (AckState.FAILED, True), ack
            assert (await closed).state is AckState.DONE
            assert here.shutter == "closed"

    run_jumping(played)


@jumping
async def test_it_goes_on_deciding_while_the_dome_opens(clock: JumpingClock) -> None:
    clock.step_wall(DUSK + 600)
    async with site(clock, mode="AUTO") as here:
        await opening(here)
        assert await here.value(f"{MAJORDOME}/last_order") == "open: under way"
        assert (await here.client.write(f"{MAJORDOME}/mode", "MANUAL", timeout=1.0)).state is AckState.DONE
        await clock.sleep(30.0)
        assert await told(here) == ("PAUSED", "open")
        assert await here.value(f"{MAJORDOME}/last_order") == "open: done"
