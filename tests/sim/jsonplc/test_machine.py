"""The simulated PLC: the original's values, its scenario, actuators that take time, and refuge without a beat."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sereno.drivers.jsonplc.protocol import BEAT, SET, STATUS, answer, parse_answer
from sereno.model import ConfigurationError
from sereno.sim.jsonplc.devices import bare_devices, site_devices
from sereno.sim.jsonplc.machine import PlcMachine
from sereno.sim.scenario import parse_scenario
from sereno.testing import JumpingClock, jumping

ORIGINAL: list[Any] = [
    10,
    {"time": 3, "plcSimulator": {"device_name": "WXT520", "value_name": "RainRate", "value": 12.0}},
    {"time": 3, "plcSimulator": {"device_name": "VantagePro", "value_name": "RainRate", "value": 12.0}},
    {"time": 7, "plcSimulator": {"device_name": "WXT520", "value_name": "RainRate", "value": 0.0}},
    {"time": 7, "plcSimulator": {"device_name": "VantagePro", "value_name": "RainRate", "value": 0.0}},
]


def status(machine: PlcMachine) -> Any:
    parts = machine.answer([{"name": STATUS}])
    assert parts is not None
    return parse_answer(answer(*parts)).readings


def put(machine: PlcMachine, device: str, name: str, value: str) -> str:
    parts = machine.answer([{"name": SET, "id": 5, "device": device, "value_name": name, "value": value}])
    assert parts is not None
    return str(parts[0]["reason"])


@jumping
async def test_the_values_of_the_original(clock: JumpingClock) -> None:
    found = status(PlcMachine(bare_devices(), clock))
    assert found["WXT520", "OutsideTemp"].unit == "Celcius"
    assert (found["DRD11", "analog"].value, found["DRD11", "digital"].value) == (2.345, 1)
    assert found["MLX90614-1", "SkyTemperature"].value == -15.67
    assert not found["VantagePro", "DewPoint"].valid
    assert found["LAMP_FLAT_CAGIRE", "current"] == found["LAMP FLAT CAGIRE", "current"]


@jumping
async def test_the_scenario_goes_by_answers(clock: JumpingClock) -> None:
    machine = PlcMachine(bare_devices(), clock, parse_scenario(ORIGINAL, "test"))
    rain = [status(machine)["WXT520", "RainRate"].value for _ in range(10)]
    assert rain == [0.0, 0.0, 12.0, 12.0, 12.0, 12.0, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("action", "found"),
    [
        ({"device_name": "WXT52", "value_name": "RainRate", "value": 1}, "no device 'WXT52'; there are: WXT520"),
        ({"device_name": "WXT520", "value_name": "Rain", "value": 1}, "device WXT520 has no such value"),
        ({"device_name": "WXT520", "value_name": "RainRate"}, "device WXT520 has no such value"),
        ({"device_name": "WXT520", "value_name": "RainRate", "value": "a lot"}, "RainRate of WXT520 is a number"),
        ("rain", "'rain' is no table"),
    ],
)
def test_a_scenario_that_asks_for_what_is_not_there_is_refused_before_it_begins(action: Any, found: str) -> None:
    script = parse_scenario([6, {"time": 2, "plcSimulator": action}], "rain.json")
    with pytest.raises(ConfigurationError, match=f"rain.json: event 1: {re.escape(found)}"):
        PlcMachine(bare_devices(), JumpingClock(), script)


@jumping
async def test_a_device_is_broken_down_for_as_many_answers_as_the_scenario_says(clock: JumpingClock) -> None:
    events: list[Any] = [6, {"time": 2, "plcSimulator": {"device_name": "DRD11", "broken": 2}}]
    machine = PlcMachine(bare_devices(), clock, parse_scenario(events, "test"))
    assert [("DRD11", "digital") in status(machine) for _ in range(5)] == [True, False, False, True, True]


@jumping
async def test_a_plc_that_is_broken_down_does_not_answer(clock: JumpingClock) -> None:
    events: list[Any] = [6, {"time": 2, "plcSimulator": {"device_name": "PLC", "broken": 2}}]
    machine = PlcMachine(bare_devices(), clock, parse_scenario(events, "test"))
    assert [machine.answer([{"name": STATUS}]) is None for _ in range(4)] == [False, True, True, False]


@jumping
async def test_the_shutter_takes_its_time(clock: JumpingClock) -> None:
    machine = PlcMachine(site_devices(), clock)
    assert put(machine, "DOME", "shutter", "open") == ""
    assert status(machine)["DOME", "shutter"].value == "opening"
    await clock.sleep(6.1)
    assert status(machine)["DOME", "shutter"].value == "open"
    assert put(machine, "DOME", "shutter", "ajar") == "'ajar', expected closed or open"
    assert put(machine, "WXT520", "RainRate", "1") == "WXT520:RainRate cannot be set"


@jumping
async def test_without_a_beat_the_dome_closes_by_itself(clock: JumpingClock) -> None:
    machine = PlcMachine(site_devices(), clock)
    put(machine, "DOME", "shutter", "open")
    await clock.sleep(7)
    for _ in range(5):
        machine.answer([{"name": BEAT, "within": 3.0}])
        await clock.sleep(2)
        assert status(machine)["DOME", "shutter"].value == "open"
    await clock.sleep(1.5)
    assert status(machine)["DOME", "shutter"].value == "closing"
    assert machine.refuge
    await clock.sleep(6)
    assert status(machine)["DOME", "shutter"].value == "closed"


@jumping
async def test_a_dome_that_jams_takes_orders_and_arrives_when_it_jams_no_more(clock: JumpingClock) -> None:
    machine = PlcMachine(site_devices(), clock)
    assert not machine.force({"device_name": "DOME", "jammed": True})
    assert not put(machine, "DOME", "shutter", "open")
    await clock.sleep(60.0)
    assert status(machine)["DOME", "shutter"].value == "opening"
    assert not machine.force({"device_name": "DOME", "jammed": False})
    assert status(machine)["DOME", "shutter"].value == "open"
