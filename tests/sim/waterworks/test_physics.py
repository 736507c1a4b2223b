from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.sim.waterworks.demand import CURVE, curve
from sereno.sim.waterworks.drift import Drift
from sereno.sim.waterworks.physics import Physics
from sereno.sim.waterworks.treatment import WASH_SECONDS, Chlorination, FilterStage, FilterState

UNIT = st.floats(0.0, 1.0)
ACTIONS = st.one_of(
    st.tuples(st.just("run"), st.integers(1, 4), st.booleans()),
    st.tuples(st.just("speed"), st.integers(1, 4), UNIT),
    st.tuples(st.just("trip"), st.integers(1, 4), st.booleans()),
    st.tuples(st.just("valve"), st.sampled_from(["intake_valve", "inlet1", "outlet1", "outlet2"]), UNIT),
    st.tuples(st.just("wash"), st.integers(0, 2), st.none()),
    st.tuples(st.just("burst"), st.none(), st.floats(0.0, 0.3)),
    st.tuples(st.just("rain"), st.none(), st.floats(0.0, 2.5)),
)
COMMANDS = st.lists(st.tuples(ACTIONS, st.floats(0.05, 120.0), st.integers(1, 120)), min_size=1, max_size=25)


def _act(physics: Physics, action: tuple) -> None:
    kind, which, value = action
    if kind == "run":
        physics.pump(which).run = value
    elif kind == "speed":
        physics.pump(which).speed_wanted = value
    elif kind == "trip":
        physics.pump(which).tripped = value
    elif kind == "valve":
        getattr(physics, which).wanted = value
    elif kind == "wash":
        physics.filters.filters[which].request_wash()
    elif kind == "burst":
        physics.burst = value
    else:
        physics.river.rain(value)


@settings(max_examples=60)
@given(COMMANDS, st.integers(0, 2**32))
def test_no_litre_is_made_or_lost_whatever_is_commanded_and_however_long_the_step(commands, seed):
    physics = Physics(random.Random(seed))
    storage = physics.storage
    flows_in = flows_out = 0.0
    for action, dt, count in commands:
        _act(physics, action)
        for _ in range(count):
            physics.step(dt)
            flows = physics.flows
            flows_in += flows.intake * dt
            flows_out += (flows.low_zone + flows.high_zone + flows.leak + flows.wash) * dt
            flows_out += sum(t.overflow for t in (physics.tank, physics.reservoir1, physics.reservoir2)) * dt
            assert min(physics.tank.volume, physics.reservoir1.volume, physics.reservoir2.volume) >= 0.0
    change = physics.storage - storage
    scale = 1e-9 * (storage + flows_in + flows_out)
    assert change == pytest.approx(flows_in - flows_out, abs=scale)
    assert change == pytest.approx(physics.ledger.balance(), abs=scale)


def test_it_is_repeatable_for_a_seed():
    first, second = Physics(random.Random(5)), Physics(random.Random(5))
    for physics in (first, second):
        for _ in range(1000):
            physics.step(1.0)
    assert first.ledger == second.ledger
    assert first.river.turbidity == second.river.turbidity


def test_demand_peaks_in_the_morning_and_in_the_evening_and_its_mean_is_one():
    day = [curve(minute * 60.0) for minute in range(1440)]
    assert sum(day) / len(day) == pytest.approx(1.0, rel=1e-3)
    hours = [sum(day[h * 60 : h * 60 + 60]) / 60 for h in range(24)]
    assert max(range(12), key=hours.__getitem__) == 7
    assert max(range(12, 24), key=hours.__getitem__) in (19, 20)
    assert min(hours) == pytest.approx(min(hours[2:4]))
    assert len(CURVE) == 24


@pytest.mark.parametrize("dt", [0.1, 10.0, 1000.0])
def test_a_drift_has_the_spread_that_was_asked_for_whatever_the_step(dt):
    drift = Drift(5.0, 2.0, 100.0, random.Random(3))
    count = 20_000
    values = [drift.step(dt) for _ in range(count)]
    if dt >= 10.0:
        mean = sum(values) / count
        assert mean == pytest.approx(5.0, abs=0.25)
        assert (sum((v - mean) ** 2 for v in values) / count) ** 0.5 == pytest.approx(2.0, abs=0.2)
    else:
        assert max(abs(b - a) for a, b in pairwise(values)) < 0.6


def test_a_filter_clogs_is_washed_one_at_a_time_and_comes_back_clean():
    stage = FilterStage()
    for _ in range(3600):
        stage.step(0.08, 50.0, 1.0)
    dirty = [f.clog for f in stage.filters]
    for item in stage.filters:
        item.request_wash()
    stage.step(0.08, 50.0, 1.0)
    assert [f.state for f in stage.filters].count(FilterState.BACKWASH) == 1
    assert stage.filters[2].state is FilterState.BACKWASH
    assert stage.filters[2].flow == 0.0
    assert stage.filters[0].flow == pytest.approx(0.04)
    assert stage.wash_flow > 0.0
    for _ in range(int(3 * WASH_SECONDS) + 300):
        stage.step(0.08, 50.0, 1.0)
    assert [f.backwashes for f in stage.filters] == [1, 1, 1]
    assert stage.wash_flow == 0.0
    assert all(f.state is FilterState.FILTERING for f in stage.filters)
    assert all(f.clog < before - 0.3 for f, before in zip(stage.filters, dirty, strict=True))
    assert sum(f.flow for f in stage.filters) == pytest.approx(0.08)


def test_chlorine_follows_the_dose_with_the_time_of_the_contact_tank():
    dosing = Chlorination()
    dosing.dose, dosing.residual = 1.0, 0.0
    flow = 0.1
    for _ in range(int(dosing.VOLUME / flow)):
        dosing.step(flow, 0.1, 1.0)
    assert dosing.residual == pytest.approx(0.77 * (1 - 0.3679), abs=0.01)
    one = Chlorination()
    one.dose, one.residual = 1.0, 0.0
    one.step(flow, 0.1, dosing.VOLUME / flow)
    assert one.residual == pytest.approx(dosing.residual, abs=1e-3)
    one.dose = 0.0
    one.step(0.0, 0.1, 86400.0)
    assert 0.0 < one.residual < 0.5


def test_an_empty_dosing_tank_doses_nothing_until_the_delivery():
    dosing = Chlorination()
    dosing.dose, dosing.stock = 4.0, 30.0
    seen_empty = False
    for _ in range(9 * 60):
        dosing.step(0.1, 0.1, 60.0)
        seen_empty |= dosing.stock == 0.0 and dosing.residual < 0.05
    assert seen_empty
    assert dosing.stock > 100.0


def test_rain_muddies_dilutes_and_passes():
    physics = Physics(random.Random(1))
    before = physics.river.turbidity, physics.river.level, physics.river.conductivity
    physics.river.rain(1.0)
    for _ in range(180):
        physics.step(60.0)
    assert physics.river.turbidity > before[0] + 50
    assert physics.river.level > before[1] + 0.3
    assert physics.river.conductivity < before[2] - 30


def test_closing_an_outlet_takes_the_pressure_from_its_zone():
    physics = Physics(random.Random(1))
    physics.step(1.0)
    assert physics.pressure_low > 30.0
    physics.outlet1.wanted = 0.0
    for _ in range(60):
        physics.step(1.0)
    assert (physics.pressure_low, physics.flows.low_zone, physics.flows.leak) == (0.0, 0.0, 0.0)
    assert physics.flows.high_zone > 0.0
