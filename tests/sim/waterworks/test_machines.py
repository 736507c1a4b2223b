from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.sim.waterworks.machines import Pump, PumpCurve, Tank, Valve, parallel

CURVE = PumpCurve(shut_off=60.0, slope=5000.0, rated_power=45.0)
SPEEDS = st.floats(0.0, 1.0)


def _at_speed(speed: float) -> Pump:
    pump = Pump(CURVE)
    pump.speed = speed
    return pump


@given(SPEEDS, SPEEDS, st.floats(1.0, 50.0), st.floats(1.0, 1e5))
def test_flows_of_two_pumps_meet_the_resistance_of_the_main(first, second, lift, resistance):
    pumps = (_at_speed(first), _at_speed(second))
    flows = parallel(pumps, lift, resistance)
    head = lift + resistance * sum(flows) ** 2
    for pump, flow in zip(pumps, flows, strict=True):
        own = CURVE.shut_off * pump.speed**2 - CURVE.slope * flow**2
        assert flow >= 0.0
        if flow > 0.0:
            assert own == pytest.approx(head, abs=1e-6)
        else:
            assert own <= head + 1e-6


@given(SPEEDS, st.floats(0.3, 1.0))
def test_affinity_flow_goes_with_speed_and_head_with_its_square(flow, speed):
    head = CURVE.shut_off - CURVE.slope * (0.05 * flow) ** 2
    assert CURVE.flow_at(speed, head * speed**2) == pytest.approx(0.05 * flow * speed, abs=1e-6)


def test_a_closed_main_or_too_little_head_gives_no_flow():
    assert parallel((_at_speed(1.0), _at_speed(1.0)), 20.0, math.inf) == (0.0, 0.0)
    assert parallel((_at_speed(0.5), _at_speed(0.0)), 20.0, 100.0) == (0.0, 0.0)


def test_two_pumps_give_more_than_one_but_less_than_twice():
    one = sum(parallel((_at_speed(1.0), _at_speed(0.0)), 25.0, 1200.0))
    two = sum(parallel((_at_speed(1.0), _at_speed(1.0)), 25.0, 1200.0))
    assert one < two < 2 * one


def test_a_drive_ramps_counts_its_starts_and_stops_on_a_trip():
    pump = Pump(CURVE)
    pump.run = True
    speeds = []
    for _ in range(100):
        pump.ramp(0.1)
        speeds.append(pump.speed)
    assert speeds[39] == pytest.approx(0.5)
    assert speeds[-1] == 0.95
    assert pump.starts == 1
    pump.trip()
    for _ in range(100):
        pump.ramp(0.1)
    assert (pump.speed, pump.starts) == (0.0, 1)
    pump.reset()
    pump.ramp(0.1)
    assert pump.starts == 2


def test_power_energy_hours_and_temperature():
    pump = _at_speed(1.0)
    for _ in range(3600):
        pump.settle(0.06, 1.0, 20.0)
    head = 60.0 - 5000.0 * 0.06**2
    assert pump.head == pytest.approx(head)
    assert pump.power == pytest.approx(9.81 * 0.06 * head / 0.72 + 3.6)
    assert pump.energy == pytest.approx(pump.power * 1000.0)
    assert pump.hours == pytest.approx(1.0)
    assert 50.0 < pump.temperature < 20.0 + 45.0 * pump.power / 45.0
    pump.speed = 0.0
    pump.settle(0.0, 1.0, 20.0)
    assert pump.power == 0.0
    assert pump.hours == pytest.approx(1.0)


def test_a_valve_takes_its_travel_time_and_counts_its_strokes():
    valve = Valve(40.0, 1.0)
    valve.wanted = 0.25
    for _ in range(299):
        valve.step(0.1)
    assert valve.moving == -1
    assert valve.position == pytest.approx(0.2525)
    for _ in range(5):
        valve.step(0.1)
    assert (valve.position, valve.moving, valve.strokes) == (0.25, 0, 1)
    valve.wanted = 0.0
    valve.step(100.0)
    assert valve.position == 0.0
    assert math.isinf(valve.resistance(50.0))
    assert Valve(1.0, 0.5).resistance(50.0) == 200.0


@given(
    st.floats(0.0, 5.0), st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.01, 600.0))), SPEEDS
)
def test_a_tank_keeps_every_litre(level, steps, chlorine):
    tank = Tank(100.0, 5.0, level, elevation=0.0)
    start = tank.volume
    balance = 0.0
    for inflow, asked, dt in steps:
        outflow = asked * tank.share(asked, dt)
        tank.mix(inflow, chlorine, 1e-5, dt)
        spilled = tank.step(inflow, outflow, dt)
        balance += (inflow - outflow) * dt - spilled
        assert 0.0 <= tank.level <= 5.0 + 1e-9
        assert 0.0 <= tank.chlorine <= max(0.6, chlorine)
    assert tank.volume - start == pytest.approx(balance, abs=1e-9 * (1.0 + sum(i * d for i, _, d in steps)))
