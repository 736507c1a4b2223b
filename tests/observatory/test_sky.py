"""Where a target stands, beside astropy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno_observatory.sky import Place, air_mass, altitude_above, apart, horizontal

SITE = Place(31.0439, -115.4637, 2800.0)
NIGHT = 1_790_000_000 * 10**9
"""In September 2026."""


@given(st.floats(0, 23.99), st.floats(-89, 89))
def test_a_target_at_the_pole_of_its_site_is_where_the_pole_is(ra: float, dec: float) -> None:
    altitude, azimuth = horizontal(NIGHT, SITE, ra, dec)
    assert -90 <= altitude <= 90
    assert 0 <= azimuth <= 360
    day_later, _ = horizontal(NIGHT + 86_164_090_500_000, SITE, ra, dec)
    assert day_later == pytest.approx(altitude, abs=1e-3)


def test_the_pole_star_and_the_zenith() -> None:
    assert horizontal(NIGHT, SITE, 2.5303, 89.264)[0] == pytest.approx(SITE.latitude, abs=0.8)
    assert air_mass(90.0) == pytest.approx(1.0, abs=1e-3)
    assert air_mass(30.0) == pytest.approx(1.994, abs=0.005)
    assert air_mass(-1.0) is None


def test_the_horizon_between_its_points() -> None:
    assert altitude_above([], 10) == 0.0
    assert altitude_above([20.0], 200) == 20.0
    assert altitude_above([10.0, 20.0, 10.0, 40.0], 45) == 15.0
    assert altitude_above([10.0, 20.0, 10.0, 40.0], 315) == 25.0


def test_distances() -> None:
    assert apart((0.0, 0.0), (6.0, 0.0)) == pytest.approx(90.0)
    assert apart((23.99, 10.0), (0.01, 10.0)) == pytest.approx(0.2954, abs=1e-3)
