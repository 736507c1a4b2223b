"""Where things are in the sky: J2000 to the equinox of date and back, sidereal time, height above the horizon.

Positions of date are geocentric apparent places: precession, nutation and aberration to better than an arcsecond
between 1950 and 2100. Refraction is left out. Right ascension in hours, angles in degrees, time in Unix seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import asin, atan2, cos, degrees, pi, radians, sin, sqrt
from typing import TypeAlias

Vector: TypeAlias = "tuple[float, float, float]"
Matrix: TypeAlias = "tuple[Vector, Vector, Vector]"

_J2000 = 946728000.0
_TT = 69.184
"""Seconds that terrestrial time is ahead of UTC."""
_ABERRATION = 9.936508e-5
"""The Earth's mean speed in units of that of light."""


def of_date(right_ascension: float, declination: float, when: float) -> tuple[float, float]:
    """The apparent place, of the equinox of date, of a J2000 position."""
    t = _centuries(when)
    moved = _normal(_plus(_vector(right_ascension, declination), _velocity(t), 1.0))
    return _angles(_times(_nutation(t), _times(_precession(t), moved)))


def of_j2000(right_ascension: float, declination: float, when: float) -> tuple[float, float]:
    """The J2000 position of an apparent place of the equinox of date."""
    t = _centuries(when)
    seen = _times(_turned(_precession(t)), _times(_turned(_nutation(t)), _vector(right_ascension, declination)))
    velocity, true = _velocity(t), seen
    for _ in range(3):
        bare = _plus(true, velocity, 1.0)
        length = sqrt(sum(one * one for one in bare))
        true = _normal(_plus(_three(one * length for one in seen), velocity, -1.0))
    return _angles(true)


def sidereal_time(when: float, longitude: float) -> float:
    """Apparent sidereal time in hours at a longitude, east positive."""
    days = (when - _J2000) / 86400.0
    t = _centuries(when)
    era = 360.0 * ((0.7790572732640 + 1.00273781191135448 * days) % 1.0)
    seconds = 0.014506 + 4612.156534 * t + 1.3915817 * t * t
    turning, _ = _nutation_angles(t)
    return ((era + seconds / 3600.0 + turning / 3600.0 * cos(_obliquity(t)) + longitude) / 15.0) % 24.0


def horizontal(hour_angle: float, declination: float, latitude: float) -> tuple[float, float]:
    """Altitude and azimuth (north 0, east 90) of a place at this hour angle (hours)."""
    turn, dec, lat = radians(hour_angle * 15.0), radians(declination), radians(latitude)
    up = sin(dec) * sin(lat) + cos(dec) * cos(lat) * cos(turn)
    north = sin(dec) * cos(lat) - cos(dec) * sin(lat) * cos(turn)
    east = -cos(dec) * sin(turn)
    return degrees(asin(max(-1.0, min(1.0, up)))), degrees(atan2(east, north)) % 360.0


def equatorial(altitude: float, azimuth: float, latitude: float) -> tuple[float, float]:
    """Hour angle (hours, -12 to 12) and declination of what stands at this altitude and azimuth."""
    alt, turn, lat = radians(altitude), radians(azimuth), radians(latitude)
    dec = asin(max(-1.0, min(1.0, sin(alt) * sin(lat) + cos(alt) * cos(lat) * cos(turn))))
    angle = atan2(-cos(alt) * sin(turn), sin(alt) * cos(lat) - cos(alt) * sin(lat) * cos(turn))
    return degrees(angle) / 15.0, degrees(dec)


def separation(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Degrees between two places, each right ascension (hours) and declination."""
    a, b = _vector(*one), _vector(*other)
    cross = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    return degrees(atan2(sqrt(sum(one * one for one in cross)), sum(x * y for x, y in zip(a, b, strict=True))))


def _three(numbers: Iterable[float]) -> Vector:
    x, y, z = numbers
    return x, y, z


def _centuries(when: float) -> float:
    return (when + _TT - _J2000) / 86400.0 / 36525.0


def _vector(right_ascension: float, declination: float) -> Vector:
    ra, dec = radians(right_ascension * 15.0), radians(declination)
    return cos(dec) * cos(ra), cos(dec) * sin(ra), sin(dec)


def _angles(v: Vector) -> tuple[float, float]:
    # twice: a tiny negative angle modulo 24 is 24
    return degrees(atan2(v[1], v[0])) / 15.0 % 24.0 % 24.0, degrees(asin(max(-1.0, min(1.0, v[2]))))


def _plus(a: Vector, b: Vector, times: float) -> Vector:
    return a[0] + times * b[0], a[1] + times * b[1], a[2] + times * b[2]


def _normal(v: Vector) -> Vector:
    length = sqrt(sum(one * one for one in v))
    return v[0] / length, v[1] / length, v[2] / length


def _times(m: Matrix, v: Vector) -> Vector:
    return _three(sum(a * b for a, b in zip(row, v, strict=True)) for row in m)


def _product(a: Matrix, b: Matrix) -> Matrix:
    columns = _turned(b)
    x, y, z = (_three(sum(p * q for p, q in zip(row, column, strict=True)) for column in columns) for row in a)
    return x, y, z


def _turned(m: Matrix) -> Matrix:
    x, y, z = (_three(column) for column in zip(*m, strict=True))
    return x, y, z


def _about_x(angle: float) -> Matrix:
    return (1.0, 0.0, 0.0), (0.0, cos(angle), sin(angle)), (0.0, -sin(angle), cos(angle))


def _about_y(angle: float) -> Matrix:
    return (cos(angle), 0.0, -sin(angle)), (0.0, 1.0, 0.0), (sin(angle), 0.0, cos(angle))


def _about_z(angle: float) -> Matrix:
    return (cos(angle), sin(angle), 0.0), (-sin(angle), cos(angle), 0.0), (0.0, 0.0, 1.0)


def _seconds(arcseconds: float) -> float:
    return arcseconds * pi / 648000.0


def _precession(t: float) -> Matrix:
    """Capitaine et al. 2003, the IAU 2006 precession."""
    zeta = 2.650545 + 2306.083227 * t + 0.2988499 * t**2 + 0.01801828 * t**3
    z = -2.650545 + 2306.077181 * t + 1.0927348 * t**2 + 0.01826837 * t**3
    theta = 2004.191903 * t - 0.4294934 * t**2 - 0.04182264 * t**3
    return _product(_about_z(-_seconds(z)), _product(_about_y(_seconds(theta)), _about_z(-_seconds(zeta))))


def _obliquity(t: float) -> float:
    return _seconds(84381.406 - 46.836769 * t)


def _nutation_angles(t: float) -> tuple[float, float]:
    """Nutation in longitude and in obliquity, arcseconds: the four largest terms."""
    node = radians(125.04452 - 1934.136261 * t)
    sun, moon = radians(280.4665 + 36000.7698 * t), radians(218.3165 + 481267.8813 * t)
    longitude = -17.20 * sin(node) - 1.32 * sin(2 * sun) - 0.23 * sin(2 * moon) + 0.21 * sin(2 * node)
    obliquity = 9.20 * cos(node) + 0.57 * cos(2 * sun) + 0.10 * cos(2 * moon) - 0.09 * cos(2 * node)
    return longitude, obliquity


def _nutation(t: float) -> Matrix:
    longitude, obliquity = _nutation_angles(t)
    mean = _obliquity(t)
    inner = _product(_about_z(-_seconds(longitude)), _about_x(mean))
    return _product(_about_x(-(mean + _seconds(obliquity))), inner)


def _velocity(t: float) -> Vector:
    """Of the Earth, in units of the speed of light, J2000 axes."""
    mean, anomaly = 280.46646 + 36000.76983 * t, radians(357.52911 + 35999.05029 * t)
    centre = 1.914602 * sin(anomaly) + 0.019993 * sin(2 * anomaly) + 0.000289 * sin(3 * anomaly)
    back = 1.396971 * t
    sun, perihelion = radians(mean + centre - back), radians(102.93735 + 1.71946 * t - back)
    flat = 0.016708634 - 0.000042037 * t
    along = _ABERRATION * (sin(sun) - flat * sin(perihelion))
    across = -_ABERRATION * (cos(sun) - flat * cos(perihelion))
    tilt = _obliquity(0.0)
    return along, across * cos(tilt), across * sin(tilt)
