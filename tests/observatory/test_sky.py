"""Where a target stands, beside astropy."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sereno_observatory.sky import (
    Altitudes,
    Place,
    Skyline,
    air_mass,
    altitude_above,
    apart,
    equatorial,
    horizontal,
)

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


POINTS = [(20.0, 10.0), (110.0, 30.0), (110.0, 12.0), (340.0, 20.0)]


def test_a_horizon_of_pairs_is_straight_between_them_and_has_edges() -> None:
    given_ = [[340, 20], [20, 10], [110, 30], [110, 12]]
    made = TypeAdapter(Altitudes).validate_python(given_)
    assert made == POINTS
    there = {20: 10.0, 65: 20.0, 110: 30.0, 225: 16.0, 0: 15.0, 360: 15.0, 350: 17.5}
    assert {at: altitude_above(made, at) for at in there} == there
    assert altitude_above([(0.0, 5.0), (180.0, 9.0), (360.0, 7.0)], 0.0) == 7.0
    assert altitude_above([(77.0, 5.0)], 200.0) == 5.0
    sky = Skyline(made, 12.0)
    assert len(sky.altitudes()) == 360
    assert (sky.altitudes()[20], sky.altitudes()[110], sky.altitudes()[225]) == (12.0, 30.0, 16.0)
    assert sky.hides(29.0, 110.0) == "it stands 29 deg high; the horizon there is 30"
    for wrong in ([[10, 95]], [[-5, 10]], [[1, 2, 3]], [], [[10, 10], 5]):
        with pytest.raises(ValidationError):
            TypeAdapter(Altitudes).validate_python(wrong)


@given(st.lists(st.floats(-5, 90), min_size=1, max_size=12), st.floats(0, 360))
def test_pairs_at_equal_steps_are_the_same_as_altitudes(altitudes: list[float], azimuth: float) -> None:
    pairs = [(at * 360.0 / len(altitudes), altitude) for at, altitude in enumerate(altitudes)]
    assert altitude_above(pairs, azimuth) == pytest.approx(altitude_above(altitudes, azimuth), abs=1e-6)


def test_distances() -> None:
    assert apart((0.0, 0.0), (6.0, 0.0)) == pytest.approx(90.0)
    assert apart((23.99, 10.0), (0.01, 10.0)) == pytest.approx(0.2954, abs=1e-3)


@given(st.floats(5, 89), st.floats(0, 359.9))
def test_there_and_back(altitude: float, azimuth: float) -> None:
    ra, dec = equatorial(NIGHT, SITE, altitude, azimuth)
    again = horizontal(NIGHT, SITE, ra, dec)
    assert again[0] == pytest.approx(altitude, abs=1e-6)
    assert (again[1] - azimuth + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-4)


def test_altitude_and_azimuth_are_those_of_astropy(require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("astropy", "astropy")
    from astropy import units as u
    from astropy.coordinates import AltAz, EarthLocation, SkyCoord
    from astropy.time import Time
    from astropy.utils import iers

    iers.conf.auto_download = False
    iers.conf.iers_degraded_accuracy = "ignore"
    moment = Time(NIGHT / 1e9, format="unix")
    place = EarthLocation.from_geodetic(SITE.longitude, SITE.latitude, SITE.elevation)
    for ra, dec in ((0.0, 0.0), (5.0, 40.0), (12.0, -30.0), (18.5, 70.0), (22.0, -60.0)):
        theirs = SkyCoord(ra * u.hourangle, dec * u.deg).transform_to(AltAz(obstime=moment, location=place))
        altitude, azimuth = horizontal(NIGHT, SITE, ra, dec)
        assert altitude == pytest.approx(theirs.alt.deg, abs=0.01)
        assert (azimuth - theirs.az.deg + 180) % 360 - 180 == pytest.approx(0.0, abs=0.03)
