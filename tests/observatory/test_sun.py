"""Sun, moon and sidereal time against astropy 8.0.2, without refraction, at four places."""

from __future__ import annotations

import math
from datetime import datetime

import pytest

from sereno_observatory.majordome.sun import moon_lit, moon_place, sidereal_hours, sun_altitude, sun_place


@pytest.mark.parametrize(
    ("time", "latitude", "longitude", "altitude"),
    [
        ("2026-01-15T03:00:00", 31.0439, -115.4637, -24.9986),
        ("2026-03-20T12:00:00", 31.0439, -115.4637, -23.1851),
        ("2026-06-21T05:30:00", 31.0439, -115.4637, -26.8173),
        ("2026-09-05T18:45:00", 31.0439, -115.4637, 62.3140),
        ("2026-11-28T01:10:00", 31.0439, -115.4637, -6.8231),
        ("2027-12-21T23:59:00", 31.0439, -115.4637, 7.4855),
        ("2026-01-15T03:00:00", -29.2567, -70.7377, -32.8152),
        ("2026-03-20T12:00:00", -29.2567, -70.7377, 15.1468),
        ("2026-06-21T05:30:00", -29.2567, -70.7377, -78.3132),
        ("2026-09-05T18:45:00", -29.2567, -70.7377, 43.4583),
        ("2026-11-28T01:10:00", -29.2567, -70.7377, -20.0787),
        ("2027-12-21T23:59:00", -29.2567, -70.7377, -4.1532),
        ("2026-01-15T03:00:00", 0.0, 0.0, -43.2869),
        ("2026-03-20T12:00:00", 0.0, 0.0, 88.1404),
        ("2026-06-21T05:30:00", 0.0, 0.0, -7.2830),
        ("2026-09-05T18:45:00", 0.0, 0.0, -11.5238),
        ("2026-11-28T01:10:00", 0.0, 0.0, -60.7570),
        ("2027-12-21T23:59:00", 0.0, 0.0, -66.5631),
        ("2026-01-15T03:00:00", 78.2, 15.6, -26.9551),
        ("2026-03-20T12:00:00", 78.2, 15.6, 11.4098),
        ("2026-06-21T05:30:00", 78.2, 15.6, 24.4769),
        ("2026-09-05T18:45:00", 78.2, 15.6, 1.1166),
        ("2026-11-28T01:10:00", 78.2, 15.6, -30.5996),
        ("2027-12-21T23:59:00", 78.2, 15.6, -34.7430),
    ],
)
def test_as_astropy_has_it(time: str, latitude: float, longitude: float, altitude: float) -> None:
    t_ns = int(datetime.fromisoformat(f"{time}+00:00").timestamp()) * 10**9
    assert sun_altitude(t_ns, latitude, longitude) == pytest.approx(altitude, abs=0.02)


@pytest.mark.parametrize(
    ("time", "latitude", "longitude", "sun", "altitude", "azimuth", "lit", "sidereal"),
    [
        ("2026-01-15T03:00:00", 31.0439, -115.4637, 259.411, -66.280, 271.477, 0.128, 2.9413),
        ("2026-06-21T05:30:00", 31.0439, -115.4637, 325.531, 21.468, 257.886, 0.425, 15.7646),
        ("2026-11-28T01:10:00", 31.0439, -115.4637, 249.238, -27.636, 33.747, 0.831, 21.9329),
        ("2027-12-21T23:59:00", 31.0439, -115.4637, 236.815, -47.657, 285.640, 0.328, 22.3074),
        ("2026-01-15T03:00:00", -29.2567, -70.7377, 211.461, -31.626, 162.060, 0.125, 5.9230),
        ("2026-06-21T05:30:00", -29.2567, -70.7377, 117.219, -18.701, 261.718, 0.421, 18.7463),
        ("2026-11-28T01:10:00", -29.2567, -70.7377, 229.647, -22.598, 73.993, 0.829, 0.9147),
        ("2027-12-21T23:59:00", -29.2567, -70.7377, 240.149, -48.619, 176.474, 0.327, 1.2892),
        ("2026-01-15T03:00:00", 78.2, 15.6, 62.889, -24.969, 109.181, 0.125, 11.6789),
        ("2026-06-21T05:30:00", 78.2, 15.6, 92.417, -10.573, 16.067, 0.432, 0.5022),
        ("2026-11-28T01:10:00", 78.2, 15.6, 39.694, 34.290, 161.942, 0.833, 6.6705),
        ("2027-12-21T23:59:00", 78.2, 15.6, 17.704, -13.610, 91.420, 0.321, 7.0450),
    ],
)
def test_the_moon_and_the_direction_of_the_sun_too(
    time: str,
    latitude: float,
    longitude: float,
    sun: float,
    altitude: float,
    azimuth: float,
    lit: float,
    sidereal: float,
) -> None:
    t_ns = int(datetime.fromisoformat(f"{time}+00:00").timestamp()) * 10**9
    moon = moon_place(t_ns, latitude, longitude)
    assert sun_place(t_ns, latitude, longitude).azimuth == pytest.approx(sun, abs=0.1)
    assert moon.altitude == pytest.approx(altitude, abs=0.5)
    apart = (moon.azimuth - azimuth + 180.0) % 360.0 - 180.0
    assert abs(apart) * math.cos(math.radians(altitude)) < 0.5
    assert moon_lit(t_ns) == pytest.approx(lit, abs=0.02)
    assert sidereal_hours(t_ns, longitude) == pytest.approx(sidereal, abs=0.001)
