"""The PLCs decide: acceptance of set-points, pumps, valves, filters, chlorine."""

from __future__ import annotations

import math
import random

import pytest

from sereno.sim.waterworks.plant import Waterworks
from sereno.sim.waterworks.plc_river import SETTINGS
from sereno.sim.waterworks.plc_town import FILLING, SAVING

STOPPED, STARTING, RUNNING, STOPPING, FAULT = range(5)


@pytest.mark.parametrize(
    ("name", "written", "held"),
    [
        ("chlorine_setpoint", 0.8, 0.8),
        ("chlorine_setpoint", 9.0, 1.5),
        ("chlorine_setpoint", -1.0, 0.2),
        ("chlorine_setpoint", math.inf, 1.5),
        ("chlorine_setpoint", math.nan, SETTINGS["chlorine_setpoint"].first),
        ("pump1_speed_setpoint", 10.0, 70.0),
        ("backwash_dp", 1000.0, 350.0),
        ("mode", 7, FILLING),
    ],
)
def test_a_set_point_is_clamped_to_the_limits_of_the_plc(put, see, name, written, held):
    put(**{name: written})
    assert see(name) == pytest.approx(held)


def test_a_low_level_above_its_high_level_is_put_back(put, see):
    put(tank_setpoint_low=2.9)
    assert see("tank_setpoint_low") == pytest.approx(2.9)
    put(tank_setpoint_high=2.95)
    assert (see("tank_setpoint_low"), see("tank_setpoint_high")) == (pytest.approx(2.9), pytest.approx(3.2))
    put(reservoir1_setpoint_low=3.9)
    assert see("reservoir1_setpoint_low") == pytest.approx(2.4)


def test_strings_are_the_operators_and_the_firmware_is_the_plcs(works, put, see):
    assert see("firmware") == "WW-PLC 2.4.1"
    put(recipe="winter")
    works.run(2.0)
    assert see("recipe") == "winter"


def test_a_command_in_manual_starts_and_stops_and_its_coil_is_taken_back(works, put, see):
    works.run(1.0)
    put(pump2_auto=False)
    put(pump2_start=True)
    assert (see("pump2_start"), see("pump2_state")) == (False, STARTING)
    works.run(10.0)
    assert (see("pump2_state"), see("pump2_running"), see("pump2_stopped")) == (RUNNING, True, False)
    assert see("pump2_speed") == pytest.approx(95.0)
    assert see("pump2_flow") > 100.0
    put(pump2_stop=True)
    assert see("pump2_state") == STOPPING
    works.run(10.0)
    assert (see("pump2_state"), see("pump2_stopped")) == (STOPPED, True)
    assert see("pump2_starts") == 1


def test_in_automatic_the_plc_ignores_start_and_stop(works, put, see):
    works.run(10.0)
    assert (see("pump1_state"), see("pump2_state")) == (RUNNING, STOPPED)
    put(pump1_stop=True)
    put(pump2_start=True)
    works.run(10.0)
    assert (see("pump1_state"), see("pump2_state")) == (RUNNING, STOPPED)
    assert see("pump2_start") is False


def test_changing_to_manual_keeps_a_running_pump_running(works, put, see):
    works.run(10.0)
    put(pump1_auto=False)
    works.run(10.0)
    assert see("pump1_state") == RUNNING


def test_speed_follows_its_set_point_and_flow_the_speed(works, put, see):
    works.run(10.0)
    before = see("pump1_flow")
    put(pump1_speed_setpoint=80.0)
    works.run(10.0)
    assert see("pump1_speed") == pytest.approx(80.0)
    assert see("pump1_flow") < before - 50.0
    assert see("pump1_state") == RUNNING


def test_pumps_call_by_level_with_hysteresis(works, see):
    reservoir = works.physics.reservoir2
    seen = []
    for level in (3.7, 3.0, 2.5, 2.7, 2.2, 2.9, 3.2, 3.7):
        reservoir.volume = level * reservoir.area
        works.run(15.0)
        seen.append((see("pump3_state") == RUNNING) + (see("pump4_state") == RUNNING))
    assert seen == [0, 0, 1, 1, 2, 2, 1, 0]


def test_the_lead_changes_after_a_run_unless_it_is_fixed(works, put, see):
    reservoir = works.physics.reservoir2

    def run_once() -> tuple[bool, bool]:
        reservoir.volume = 2.5 * reservoir.area
        works.run(12.0)
        ran = see("pump3_state") == RUNNING, see("pump4_state") == RUNNING
        reservoir.volume = 3.7 * reservoir.area
        works.run(12.0)
        return ran

    assert [run_once() for _ in range(3)] == [(True, False), (False, True), (True, False)]
    put(alternation=False)
    assert [run_once() for _ in range(2)] == [(False, True), (False, True)]
    assert (see("pump3_lead"), see("pump4_lead")) == (False, True)


def test_the_other_pump_takes_over_from_one_that_tripped(works, put, see):
    works.run(10.0)
    works.physics.pump(3).trip()
    works.run(12.0)
    assert (see("pump3_state"), see("pump3_fault"), see("pump3_trips")) == (FAULT, True, 1)
    assert (see("pump4_state"), see("pump3_ready")) == (RUNNING, False)
    put(pump3_reset=True)
    works.run(1.0)
    assert (see("pump3_state"), see("pump3_fault")) == (RUNNING if see("pump3_speed") > 94 else STARTING, False)


def test_a_trip_is_not_reset_while_the_pump_still_turns(works, put, see):
    works.run(10.0)
    works.physics.pump(3).trip()
    works.step()
    put(pump3_reset=True)
    works.run(1.0)
    assert see("pump3_state") == FAULT


def test_dry_run_protection_stops_both_modes_and_releases_with_hysteresis(works, put, see):
    works.run(10.0)
    put(pump2_auto=False)
    put(pump2_start=True)
    works.run(10.0)
    tank = works.physics.tank
    tank.volume = 0.45 * tank.area
    works.run(1.0)
    assert (see("pump1_interlock"), see("pump2_interlock"), see("pump1_ready")) == (True, True, False)
    works.run(10.0)
    assert (see("pump1_state"), see("pump2_state")) == (STOPPED, STOPPED)
    assert see("tank_low_switch") is see("tank_low_alarm") is True
    put(pump2_start=True)
    tank.volume = 0.7 * tank.area
    works.run(1.0)
    assert see("pump1_interlock") is True
    tank.volume = 0.9 * tank.area
    works.run(12.0)
    assert (see("pump1_state"), see("pump2_state")) == (RUNNING, STOPPED)


def test_a_full_reservoir_stops_the_pumps_and_closes_its_inlet(works, put, see):
    put(mode=FILLING)
    works.run(10.0)
    reservoir = works.physics.reservoir1
    reservoir.volume = 5.2 * reservoir.area
    works.run(12.0)
    assert (see("pump1_state"), see("pump1_interlock"), see("reservoir1_high_switch")) == (STOPPED, True, True)
    works.run(40.0)
    assert (see("valve1_position"), see("valve1_closed"), see("valve1_state")) == (0.0, True, 0)


def test_a_pump_against_a_closed_valve_trips_for_want_of_flow(works, put, see):
    works.run(10.0)
    put(valve1_auto=False)
    put(valve1_setpoint=0.0)
    works.run(41.0)
    assert see("valve1_state") == 0
    assert (see("pump1_state"), see("pump1_flow")) == (RUNNING, 0.0)
    assert see("outlet_pressure") > 5.0
    works.run(31.0)
    assert (see("pump1_state"), see("pump1_trips")) == (FAULT, 1)


def test_a_valve_in_manual_goes_to_its_set_point_and_in_automatic_the_plc_writes_it(works, put, see):
    put(valve2_setpoint=40.0)
    works.run(2.0)
    assert see("valve2_setpoint") == pytest.approx(100.0)
    put(valve2_auto=False)
    put(valve2_setpoint=40.0)
    works.run(10.0)
    assert (see("valve2_state"), see("valve2_opened")) == (3, False)
    works.run(20.0)
    assert (see("valve2_position"), see("valve2_state")) == (pytest.approx(40.0), 4)
    put(valve2_auto=True)
    works.run(30.0)
    assert (see("valve2_position"), see("valve2_opened"), see("valve2_strokes")) == (100.0, True, 2)


def test_the_intake_follows_the_level_of_the_tank(works, see):
    tank = works.physics.tank
    flows = []
    for level in (1.5, 2.6, 3.3):
        for _ in range(20):
            tank.volume = level * tank.area
            works.run(10.0)
        flows.append(see("intake_flow"))
    assert flows[0] == pytest.approx(380.0, abs=8.0)
    assert flows[1] == pytest.approx(190.0, abs=8.0)
    assert flows[2] == 0.0
    assert see("valve_intake_closed") is True


def test_the_intake_in_manual_stands_where_it_was_put(works, put, see):
    put(valve_intake_auto=False)
    put(valve_intake_setpoint=25.0)
    works.run(60.0)
    assert see("valve_intake") == pytest.approx(25.0)
    flow = see("intake_flow")
    works.run(60.0)
    assert see("intake_flow") == pytest.approx(flow, rel=0.05)


def test_a_low_river_closes_the_intake(works, see):
    river = works.physics.river
    river._base_level.mean = river._base_level.value = 0.3
    works.run(70.0)
    assert (see("intake_starved_alarm"), see("valve_intake_closed"), see("intake_flow")) == (True, True, 0.0)


def test_a_backwash_by_command_one_after_the_other(works, put, see):
    put(filter1_backwash=True, filter3_backwash=True)
    works.step()
    assert see("filter3_state") == 2
    assert (see("filter1_washing"), see("filter1_state"), see("filter1_backwash")) == (True, 1, False)
    works.run(481.0)
    assert (see("filter3_state"), see("filter1_state"), see("filter3_washing")) == (3, 2, False)
    assert see("filter1_flow") == 0.0
    assert see("filter3_runtime") < 10


def test_a_dirty_filter_is_washed_by_itself_but_not_with_the_last_water(works, see):
    tank = works.physics.tank
    works.physics.filters.filters[1].clog = 8.0
    tank.volume = 0.9 * tank.area
    works.run(30.0)
    assert see("filter2_state") == 0
    tank.volume = 1.2 * tank.area
    works.run(5.0)
    assert see("filter2_state") == 2


def test_the_chlorine_loop_reaches_a_new_set_point_and_holds_it():
    works = Waterworks(random.Random(2), start_ns=10 * 3600 * 10**9, scan_period=1.0)
    works.run(1800.0)
    assert works.river.chlorine == pytest.approx(0.6, abs=0.02)
    works.river.settings["chlorine_setpoint"] = 0.9
    peak = 0.0
    for _ in range(60):
        works.run(60.0)
        peak = max(peak, works.river.chlorine)
    assert works.river.chlorine == pytest.approx(0.9, abs=0.02)
    assert peak < 1.05


def test_the_dose_in_manual_is_the_operators_and_taking_over_is_bumpless(works, put, see):
    works.run(30.0)
    dose = see("chlorine_dose")
    put(dosing_auto=False)
    assert see("chlorine_dose") == pytest.approx(dose, abs=0.02)
    put(chlorine_dose_setpoint=2.0)
    works.run(5.0)
    assert see("chlorine_dose") == pytest.approx(2.0)
    put(dosing_auto=True)
    assert see("chlorine_dose") == pytest.approx(2.0, abs=0.02)


def test_nothing_is_dosed_into_standing_water(works, put, see):
    put(valve_intake_auto=False)
    put(valve_intake_setpoint=0.0)
    works.run(65.0)
    assert (see("chlorine_dose"), see("intake_flow"), see("chlorine_analyser")) == (0.0, 0.0, 1)


def test_the_analyser_calibrates_at_three_and_the_dose_is_held():
    works = Waterworks(random.Random(2), start_ns=(3 * 3600 - 30) * 10**9, scan_period=1.0)
    cells = works.river.cells
    works.run(25.0)
    works.physics.chlorination.residual = 0.1
    works.run(10.0)
    dose = cells["chlorine_dose"].get()
    held = cells["chlorine"].get()
    works.run(200.0)
    assert cells["chlorine_analyser"].get() == 2
    assert (cells["chlorine_dose"].get(), cells["chlorine"].get()) == (dose, held)
    works.run(120.0)
    assert cells["chlorine_analyser"].get() == 0
    assert cells["chlorine_dose"].get() != dose


def test_saving_mode_slows_the_boosters_and_filling_mode_fills(works, put, see):
    works.run(10.0)
    put(mode=SAVING)
    works.run(5.0)
    assert see("pump3_speed") == pytest.approx(88.0)
    reservoir = works.physics.reservoir2
    reservoir.volume = 3.7 * reservoir.area
    works.run(12.0)
    reservoir.volume = 3.4 * reservoir.area
    works.run(12.0)
    assert see("pump3_state") == see("pump4_state") == STOPPED
    put(mode=FILLING)
    works.run(12.0)
    assert RUNNING in (see("pump3_state"), see("pump4_state"))


def test_status_word_and_its_bits_agree(works, see):
    works.run(10.0)
    for pump in ("pump1", "pump2", "pump3", "pump4"):
        word = see(f"{pump}_status")
        for bit, name in ((0, "running"), (1, "stopped"), (2, "fault"), (3, "ready"), (4, "interlock"), (6, "lead")):
            assert see(f"{pump}_{name}") == bool(word >> bit & 1)
        assert bool(word >> 5 & 1) == see(f"{pump}_auto")


def test_clock_heartbeat_and_totals(works):
    river, town = works.river.cells, works.town.cells
    works.run(100.0)
    assert river["heartbeat"].get() == pytest.approx(100, abs=2)
    assert river["plc_time"].get() == pytest.approx((8 * 3600 + 100) * 1000, abs=2000)
    assert river["uptime"].get() == pytest.approx(100, abs=2)
    assert river["scan_time"].get() == pytest.approx(100.0)
    physics = works.physics
    assert river["intake_total"].get() == pytest.approx(physics.ledger.intake * 1e3, abs=300)
    assert town["total_volume"].get() == pytest.approx(physics.ledger.delivered * 1e3, abs=300)
    assert river["outlet_total"].get() > 1000
    forecast = town["demand_forecast"].get()
    assert len(forecast) == 24
    assert max(forecast) == forecast[7]


def test_the_forecast_learns_from_what_an_hour_took():
    works = Waterworks(random.Random(2), start_ns=9 * 3600 * 10**9, scan_period=5.0)
    before = list(works.town.forecast)
    works.physics.low_demand.mean *= 2
    works.run(3660.0)
    assert works.town.forecast[9] > before[9] * 1.1
    assert works.town.forecast[11:] == before[11:]


def test_every_measurement_is_published(works):
    for plc in (works.river, works.town):
        shown = set()
        plc.publish = shown.update
        works.run(1.1)
        bound = {name for name, cell in plc.cells.items() if cell.binding.table in ("input", "discrete")}
        bits = {name for name, cell in plc.cells.items() if cell.binding.bit is not None}
        assert bound - bits - shown == {"firmware", "scan_time"}


def test_showing_less_often_changes_nothing_but_what_is_shown():
    often, once = (Waterworks(random.Random(4), scan_period=1.0) for _ in range(2))
    for _ in range(300):
        often.step()
    once.run(300.0)
    assert often.physics.ledger == once.physics.ledger
    assert often.river.flow == once.river.flow


@pytest.mark.parametrize("period", [0.0, -1.0, 5.1, math.nan])
def test_a_scan_period_that_cannot_be_is_refused(period):
    with pytest.raises(ValueError, match="scan period"):
        Waterworks(random.Random(1), scan_period=period)
