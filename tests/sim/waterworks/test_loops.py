from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.sim.waterworks.loops import DOSE_LIMIT, ChlorineLoop, IntakeLoop


@pytest.mark.parametrize(("error", "limit"), [(1.0, DOSE_LIMIT), (-1.0, 0.0)])
def test_the_chlorine_loop_leaves_its_limit_as_soon_as_the_error_turns(error, limit):
    loop = ChlorineLoop(1.0)
    for _ in range(36_000):
        loop.step(error, 0.8, 400.0, 1.0)
    assert loop.dose == limit
    loop.step(-error / 10, 0.8, 400.0, 1.0)
    assert loop.dose != limit


def test_the_integral_takes_the_reset_time_to_repeat_the_proportional_part():
    loop = ChlorineLoop(1.0)
    assert loop.step(0.1, 2.0, 400.0, 1e-9) == pytest.approx(1.2)
    for _ in range(400):
        loop.step(0.1, 2.0, 400.0, 1.0)
    assert loop.dose == pytest.approx(1.4)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 10.0)), max_size=50), st.floats(0, 5), st.floats(30, 3600))
def test_the_dose_stays_within_its_limits(steps, gain, reset_time):
    loop = ChlorineLoop(1.0)
    for error, dt in steps:
        assert 0.0 <= loop.step(error, gain, reset_time, dt) <= DOSE_LIMIT


def test_following_is_bumpless():
    loop = ChlorineLoop(1.0)
    loop.follow(2.5, error=-0.3, gain=0.8)
    assert loop.step(-0.3, 0.8, 400.0, 0.1) == pytest.approx(2.5, abs=0.001)


def test_the_intake_opens_closes_and_rests_near_its_flow():
    loop = IntakeLoop(0.5)
    assert loop.step(300.0, 200.0, 1.0) > 0.5
    assert loop.step(200.0, 300.0, 1.0) == pytest.approx(0.5)
    assert loop.step(300.0, 298.0, 1.0) == pytest.approx(0.5)
    assert loop.step(0.0, 100.0, 1.0) == 0.0
    assert loop.step(5.0, 50.0, 1.0) == 0.05
