"""The environment agent over the real driver and the simulated PLC, on a jumping clock."""

from __future__ import annotations

import shutil
from pathlib import Path

from sereno.access.actor import ROLES, Actor
from sereno.app.plant.load import load_plant
from sereno.model import AckState, severity
from sereno.sim.jsonplc.devices import site_devices
from sereno.sim.scenario import read_scenario
from sereno.testing import JumpingClock, jumping
from sereno_observatory.demo import OBSERVATORY
from sereno_observatory.environment.fakes import Fake
from sereno_observatory.simulators import SCENARIOS
from tests.observatory.rig import site

BARE = """
[plant]
name = "The original's site"
include = ["{folder}/plc.toml"]

[[device]]
name = "observatory/environment"
class = "sereno_observatory.environment:Environment"
required = ["weather_rain", "weather_wind", "weather_humidity", "weather_cloud"]

[[agent]]
device = "observatory/environment"
"""
ENVIRONMENT = "observatory/environment"


def bare(folder: Path) -> Path:
    path = folder / "plant.toml"
    path.write_text(BARE.format(folder=OBSERVATORY.plant.parent.as_posix()), encoding="utf-8")
    return path


def test_the_scenario_of_the_original_gives_its_table(tmp_path: Path) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        table = []
        async with site(clock, bare(tmp_path), bare=True, scenario=read_scenario(SCENARIOS / "plc.json")) as here:
            for iteration in (2, 4, 6, 8, 10):
                while here.plc.machine.iterations < iteration:
                    await clock.sleep(0.25)
                await clock.sleep(1.0)  # less than the two seconds to the next answer: the agent has seen this one
                table.append(await here.value(f"{ENVIRONMENT}/weather_status"))
        assert table == ["OK", "RAINING", "RAINING", "OK", "OK"]

    run()


def test_the_bare_answer_leaves_the_site_unknown_and_is_safe_where_that_is_not_required(tmp_path: Path) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        async with site(clock, bare(tmp_path), bare=True) as here:
            await clock.sleep(5.0)
            assert await here.value(f"{ENVIRONMENT}/make_safe") is False
            reading = await here.client.get(f"{ENVIRONMENT}/site_doors")
            assert severity(reading.quality) == "bad"
            means = await here.value(f"{ENVIRONMENT}/site_doors_means")
            assert means == "unknown: site/plc/dome_door: configuration error: the PLC does not tell dome_door of DOORS"
            assert await here.value(f"{ENVIRONMENT}/weather_temperature") == 12.12

    run()


@jumping
async def test_the_triples_of_the_demo(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await clock.sleep(5.0)
        tags = await here.client.read(ENVIRONMENT)
        found = {reading.tag.name: reading.value for reading in tags}
        assert (found["weather_status"], found["site_status"], found["make_safe"]) == ("OK", "OK", False)
        assert (found["weather_rain"], found["weather_rain_means"]) == (0.0, "it does not rain")
        assert (found["weather_cloud_means"], found["site_shutter_means"]) == ("clear", "closed")
        here.force("WXT520", "RainRate", 5.0)
        await clock.sleep(5.0)
        found = {reading.tag.name: reading.value for reading in await here.client.read(ENVIRONMENT)}
        triple = (found["weather_rain"], found["weather_rain_means"], found["weather_rain_make_safe"])
        assert triple == (5.0, "it rains hard", True)
        assert (found["weather_status"], found["make_safe"], found["safe_for"]) == ("RAINING", True, 0.0)


@jumping
async def test_a_sensor_that_is_not_valid_is_left_out_and_another_takes_its_place(clock: JumpingClock) -> None:
    async with site(clock) as here:
        here.force("VantagePro", "OutsideTemp", 99.0)
        await clock.sleep(5.0)
        assert await here.value(f"{ENVIRONMENT}/weather_temperature") == 12.12
        here.force("WXT520", "valid", "no")
        await clock.sleep(5.0)
        assert await here.value(f"{ENVIRONMENT}/weather_status") == "UNKNOWN"
        assert "calls WXT520 not valid" in await here.value(f"{ENVIRONMENT}/weather_wind_means")
        assert await here.value(f"{ENVIRONMENT}/weather_rain_means") == "it does not rain"  # the detector still says so
        here.force("VantagePro", "valid", "yes")
        here.force("VantagePro", "OutsideTemp", 12.45)
        await clock.sleep(5.0)
        assert await here.value(f"{ENVIRONMENT}/weather_status") == "OK"
        assert await here.value(f"{ENVIRONMENT}/weather_temperature") == 12.45


@jumping
async def test_inside_sensors_are_put_together_once_both_are_valid(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await clock.sleep(5.0)
        assert await here.value(f"{ENVIRONMENT}/site_temperature") == 14.2
        here.force("VantagePro", "valid", "yes")
        here.force("VantagePro", "InsideHumidity", 52.5)
        await clock.sleep(5.0)
        assert await here.value(f"{ENVIRONMENT}/site_temperature") == (14.2 + 20.28) / 2
        assert await here.value(f"{ENVIRONMENT}/site_humidity") == 52.5
        here.force("INSIDE", "valid", "no")
        await clock.sleep(5.0)
        assert await here.value(f"{ENVIRONMENT}/site_temperature") == 20.28


@jumping
async def test_every_value_that_the_plc_tells_has_a_tag(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await clock.sleep(5.0)
        told = {f"{device.name}:{name}" for device in site_devices() for name in device.values}
        devices = load_plant(OBSERVATORY.plant).linked_devices
        plc = next(one for one in devices if one.table.name == "site/plc")
        assert told <= {getattr(tag.driver_tag.config, "address", "") for tag in plc.tags}
        assert await here.value("site/plc/flat_lamp_2") is True
        assert await here.value("site/plc/vantage_wind_cardinal") == "SW"


@jumping
async def test_a_lost_plc_makes_safe_and_its_return_is_seen(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await clock.sleep(5.0)
        here.transports.at(here.plc.port).silent = True
        await clock.sleep(20.0)
        assert await here.value(f"{ENVIRONMENT}/weather_status") == "UNKNOWN"
        assert await here.value(f"{ENVIRONMENT}/make_safe") is True
        here.transports.at(here.plc.port).silent = False
        await clock.sleep(40.0)
        assert await here.value(f"{ENVIRONMENT}/make_safe") is False


@jumping
async def test_lightning_holds_for_half_an_hour_over_a_restart_of_the_agent_too(clock: JumpingClock) -> None:
    async with site(clock) as here:
        here.force("LIGHTNING", "Strikes", 3.0)
        await clock.sleep(5.0)
        assert await here.value(f"{ENVIRONMENT}/weather_status") == "LIGHTNING"
        assert await here.value(f"{ENVIRONMENT}/weather_lightning_means") == "there is lightning"
        here.force("LIGHTNING", "Strikes", 0.0)
        await clock.sleep(5.0)
        clock.step_wall(600.0)
        assert (await here.client.call(f"{ENVIRONMENT}/supervision", "restart")).state is AckState.DONE
        await clock.sleep(10.0)
        assert await here.value(f"{ENVIRONMENT}/make_safe") is True
        means = await here.value(f"{ENVIRONMENT}/weather_lightning_means")
        assert means == "the last lightning was 10 min ago, expected 30"
        clock.step_wall(1200.0)
        await clock.sleep(5.0)
        assert await here.value(f"{ENVIRONMENT}/make_safe") is False
        assert await here.value(f"{ENVIRONMENT}/may_open") is False
        await clock.sleep(60.0)
        assert await here.value(f"{ENVIRONMENT}/may_open") is True


@jumping
async def test_a_clock_that_is_set_on_does_not_shorten_the_hold_after_lightning(
    clock: JumpingClock, tmp_path: Path
) -> None:
    home = shutil.copytree(OBSERVATORY.plant.parent, tmp_path / "site")
    text = (home / "site.toml").read_text("utf-8")
    (home / "site.toml").write_text(text.replace("lightning_hold = 1800.0", "lightning_hold = 300.0"), "utf-8")
    async with site(clock, home / OBSERVATORY.plant.name) as here:
        here.force("LIGHTNING", "Strikes", 3.0)
        await clock.sleep(5.0)
        here.force("LIGHTNING", "Strikes", 0.0)
        await clock.sleep(5.0)
        clock.step_wall(7200.0)
        await clock.sleep(200.0)
        assert await here.value(f"{ENVIRONMENT}/make_safe") is True
        await clock.sleep(120.0)
        assert await here.value(f"{ENVIRONMENT}/make_safe") is False


@jumping
async def test_a_fake_event_closes_the_dome_says_whose_it_is_and_ends(clock: JumpingClock) -> None:
    async with site(clock) as here:
        await clock.sleep(70.0)
        assert (await here.client.write("site/plc/dome_open", "open", timeout=30.0)).state is AckState.DONE
        assert (await here.client.call(ENVIRONMENT, "fake", "rain", 60.0)).state is AckState.DONE
        await clock.sleep(12.0)
        assert here.shutter == "closed"
        assert await here.value(f"{ENVIRONMENT}/weather_rain_means") == "a fake of admin"
        assert await here.value(f"{ENVIRONMENT}/fakes") == "rain by admin"
        assert await here.value(f"{ENVIRONMENT}/weather_status") == "RAINING"
        await clock.sleep(60.0)
        assert await here.value(f"{ENVIRONMENT}/make_safe") is False
        assert await here.value(f"{ENVIRONMENT}/fakes") == ""


@jumping
async def test_a_fake_event_adds_danger_and_hides_none_and_may_be_ended(clock: JumpingClock) -> None:
    async with site(clock) as here:
        here.force("WXT520", "RainRate", 3.0)
        for event in Fake:
            assert (await here.client.call(ENVIRONMENT, "fake", event.value)).state is AckState.DONE
        await clock.sleep(5.0)
        assert await here.value(f"{ENVIRONMENT}/weather_rain_means") == "it rains"
        assert await here.value(f"{ENVIRONMENT}/site_motion_make_safe") is True
        assert (await here.client.call(ENVIRONMENT, "end_fakes")).state is AckState.DONE
        await clock.sleep(5.0)
        assert await here.value(f"{ENVIRONMENT}/site_motion_make_safe") is False
        assert await here.value(f"{ENVIRONMENT}/weather_rain_means") == "it rains"
        assert (await here.client.call(ENVIRONMENT, "fake", "sunshine")).state is not AckState.DONE
        assert (await here.client.call(ENVIRONMENT, "fake", "rain", 1e9)).state is not AckState.DONE
        viewer = here.client.as_actor(Actor("guest", (ROLES["viewer"],)))
        assert (await viewer.call(ENVIRONMENT, "fake", "rain")).state is not AckState.DONE
