"""Positions of date, held against astropy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sereno.device.instruments.sky import _angles, equatorial, horizontal, of_date, of_j2000, separation, sidereal_time

WHEN = (1_000_000_000.0, 1_700_000_000.0, 1_796_000_000.0)
places = st.tuples(st.floats(0, 23.999), st.floats(-90, 90))
ARCSECOND = 1 / 3600


@contextmanager
def _offline(iers: Any) -> Iterator[None]:
    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        yield


@given(places, st.floats(-6e8, 4e9))
def test_there_and_back(place: tuple[float, float], when: float) -> None:
    assert separation(of_j2000(*of_date(*place, when), when), place) < 0.001 * ARCSECOND


@example(46.0, 3.9e-303, 46.0)
@given(st.floats(1, 89), st.floats(0, 359.9), st.floats(-80, 80))
def test_horizon_and_back(altitude: float, azimuth: float, latitude: float) -> None:
    found = horizontal(*equatorial(altitude, azimuth, latitude), latitude)
    exact = 0.01 * ARCSECOND  # at the pole a sine of 64 bits tells no more
    assert found[0] == pytest.approx(altitude, abs=exact)
    assert separation((found[1] / 15, found[0]), (azimuth / 15, altitude)) < exact


@pytest.mark.parametrize("when", WHEN)
def test_apparent_places_are_those_of_astropy(require_package: Any, when: float) -> None:
    require_package("astropy", "astropy")
    from astropy.coordinates import TETE, SkyCoord
    from astropy.time import Time
    from astropy.utils import iers

    with _offline(iers), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # polar motion of times beyond the tables
        time = Time(when, format="unix")
        for ra, dec in ((0.1, 0.0), (5.5, -5.4), (12.0, 60.0), (18.6, 38.8), (20.0, -75.0)):
            there = SkyCoord(ra * 15, dec, unit="deg").transform_to(TETE(obstime=time))
            ours = of_date(ra, dec, when)
            assert separation(ours, (there.ra.deg / 15, there.dec.deg)) < 0.7 * ARCSECOND
            back = SkyCoord(TETE(ra=there.ra, dec=there.dec, obstime=time)).transform_to("icrs")
            assert separation(of_j2000(there.ra.deg / 15, there.dec.deg, when), (back.ra.deg / 15, back.dec.deg)) < (
                0.7 * ARCSECOND
            )


@pytest.mark.parametrize("when", WHEN)
def test_heights_are_those_of_astropy(require_package: Any, when: float) -> None:
    require_package("astropy", "astropy")
    from astropy.coordinates import AltAz, EarthLocation, SkyCoord
    from astropy.time import Time
    from astropy.utils import iers

    latitude, longitude = 31.0439, -115.4637
    with _offline(iers), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time = Time(when, format="unix")
        site = EarthLocation(lat=latitude, lon=longitude, height=2800)
        for ra, dec in ((5.5, -5.4), (12.0, 60.0), (18.6, 38.8)):
            there = SkyCoord(ra * 15, dec, unit="deg").transform_to(AltAz(obstime=time, location=site))
            seen = of_date(ra, dec, when)
            altitude, azimuth = horizontal(sidereal_time(when, longitude) - seen[0], seen[1], latitude)
            assert separation((azimuth / 15, altitude), (there.az.deg / 15, there.alt.deg)) < 20 * ARCSECOND


def test_right_ascension_is_below_24_hours() -> None:
    assert _angles((1.0, -1e-18, 0.0)) == (0.0, 0.0)
