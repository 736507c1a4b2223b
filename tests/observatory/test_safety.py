"""Safety apart from the agents: an interlock refuses opening, guards close, and the PLC closes by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sereno.app.plant.load import load_plant
from sereno.model import AckState
from sereno.testing import JumpingClock, jumping
from sereno_observatory.demo import OBSERVATORY
from tests.observatory.rig import WATCH, Site, site

OPEN = "site/plc/dome_open"


async def opened(here: Site) -> None:
    await here.clock.sleep(70.0)
    ack = await here.client.write(OPEN, "open", timeout=30.0)
    assert ack.state is AckState.DONE, ack.reason
    assert here.shutter == "open"


async def closed_within(here: Site, seconds: float) -> None:
    begun = here.clock.monotonic()
    while here.shutter != "closed":
        assert here.clock.monotonic() - begun < seconds, f"the shutter is {here.shutter} after {seconds} s"
        await here.clock.sleep(0.25)


@jumping
async def test_opening_waits_until_nothing_has_called_for_action_for_a_minute(clock: JumpingClock) -> None:
    async with site(clock) as here:
        ack = await here.client.write(OPEN, "open")
        assert ack.state is AckState.REFUSED
        assert "may_open" in ack.reason
        await opened(here)


@jumping
async def test_a_set_point_for_opening_does_not_close_and_one_for_closing_does_not_open(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await opened(here)
        assert (await here.client.write(OPEN, "closed")).state is AckState.REFUSED
        assert (await here.client.write("site/plc/dome_close", "open")).state is AckState.REFUSED
        assert (await here.client.write("site/plc/dome_close", "closed", timeout=30.0)).state is AckState.DONE
        assert here.shutter == "closed"


HAPPENINGS: dict[str, Callable[[Site], None]] = {
    "rain": lambda here: here.force("WXT520", "RainRate", 12.0),
    "rain at the detector alone": lambda here: here.force("DRD11", "digital", 0),
    "wind": lambda here: here.force("WXT520", "WindSpeed", 20.0),
    "clouds": lambda here: here.force("MLX90614-1", "SkyTemperature", 8.0),
    "somebody moves": lambda here: here.force("DOORS", "motion", 1),
    "an open door": lambda here: here.force("DOORS", "dome_door", "open"),
    "a broken weather station": lambda here: here.force("WXT520", "valid", "no"),
}


@pytest.mark.parametrize("happening", HAPPENINGS)
def test_the_dome_closes_on(happening: str) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        async with site(clock) as here:
            await opened(here)
            HAPPENINGS[happening](here)
            await closed_within(here, 15.0)
            assert not here.plc.machine.refuge  # it was told to, and did not need to help itself
            assert (await here.client.write(OPEN, "open")).state is AckState.REFUSED

    run()


@jumping
async def test_rain_closes_with_the_answer_that_brings_it_whatever_the_agents_do(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await opened(here)
        assert (await here.client.call(WATCH, "stop")).state is AckState.DONE
        here.force("WXT520", "RainRate", 12.0)
        seen = here.plc.machine.iterations
        while here.plc.machine.iterations == seen:
            await clock.sleep(0.01)
        await clock.sleep(0.05)
        assert here.shutter == "closing"


@jumping
async def test_an_environment_that_nobody_watches_any_more_closes(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await opened(here)
        assert (await here.client.call(WATCH, "stop")).state is AckState.DONE
        await closed_within(here, 20.0)
        assert not here.plc.machine.refuge
        assert (await here.client.write(OPEN, "open")).state is AckState.REFUSED


@jumping
async def test_the_plc_closes_by_itself_when_the_node_is_not_heard_any_more(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await opened(here)
        here.transports.at(here.plc.port).silent = True
        await closed_within(here, 20.0)
        assert here.plc.machine.refuge


@jumping
async def test_an_agent_that_was_started_anew_trusts_nothing_from_before(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await opened(here)
        await here.client.call(WATCH, "restart")
        await clock.sleep(8.0)
        assert await here.value("observatory/environment/make_safe") is False
        assert await here.value("observatory/environment/safe_for") < 10.0
        assert await here.value(f"{WATCH}/state") == "running"
        assert (await here.client.write(OPEN, "open")).state is AckState.REFUSED


@jumping
async def test_another_node_on_the_plc_is_told_and_not_fought(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await opened(here)
        assert await here.value("site/plc/masters") == 1
        here.plc.machine.answer([{"name": "BEAT", "id": 1, "within": 30.0, "master": "elsewhere"}])
        await clock.sleep(5.0)
        assert await here.value("site/plc/masters") == 2
        (status,) = [one for one in await here.client.devices() if one.path == "site/plc"]
        assert "another master commands this PLC: elsewhere" in status.remarks
        assert (await here.client.write("site/plc/dome_close", "closed", timeout=30.0)).state is AckState.DONE
        await clock.sleep(30.0)
        assert await here.value("site/plc/masters") == 1
    (alarm,) = [one for one in load_plant(OBSERVATORY.plant).alarms if one.id.endswith("another_master")]
    assert alarm.inputs == ("site/plc/masters",)
