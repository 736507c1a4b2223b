"""A night with the majordome: it opens, pauses for rain, goes on, shuts down; and what happens when it is gone."""

from __future__ import annotations

from typing import Any

from sereno.model import AckState
from sereno.testing import JumpingClock, jumping
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
