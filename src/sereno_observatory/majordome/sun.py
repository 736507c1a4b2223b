"""Where sun and moon stand: the low-precision formulas of the Astronomical Almanac, without tables that expire.

Sun 0.02 degrees from 1950 to 2050, moon 0.5 degrees with its parallax; without refraction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_J2000_NS = 946_728_000 * 10**9
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class SkyPlace:
    """A direction in degrees: above the horizon, and from the north (0) over the east (90)."""

    altitude: float
    azimuth: float


def sun_altitude(t_ns: int, latitude: float, longitude: float) -> float:
    """Degrees above the horizon, without refraction, at ns UTC and degrees north and east."""
    return sun_place(t_ns, latitude, longitude).altitude


def sun_place(t_ns: int, latitude: float, longitude: float) -> SkyPlace:
    """The sun at ns UTC, seen from degrees north and east."""
    days = (t_ns - _J2000_NS) / _DAY_NS
    return _seen(days, _sun_longitude(days), 0.0, latitude, longitude)


def moon_place(t_ns: int, latitude: float, longitude: float) -> SkyPlace:
    """The moon at ns UTC, seen from degrees north and east: its parallax lowers it by up to a degree."""
    days = (t_ns - _J2000_NS) / _DAY_NS
    found = _seen(days, _moon_longitude(days), _moon_latitude(days), latitude, longitude)
    parallax = _moon_parallax(days) * math.cos(math.radians(found.altitude))
    return SkyPlace(found.altitude - parallax, found.azimuth)


def moon_lit(t_ns: int) -> float:
    """How much of the moon's disk is lit, 0 new to 1 full."""
    days = (t_ns - _J2000_NS) / _DAY_NS
    away = math.cos(_moon_latitude(days)) * math.cos(_moon_longitude(days) - _sun_longitude(days))
    return (1.0 - away) / 2.0


def sidereal_hours(t_ns: int, longitude: float) -> float:
    """Mean sidereal time at a longitude (degrees east), in hours."""
    days = (t_ns - _J2000_NS) / _DAY_NS
    return _sidereal(days, longitude) / 15.0 % 24.0


def _sidereal(days: float, longitude: float) -> float:
    return 280.46061837 + 360.98564736629 * days + longitude


def _sun_longitude(days: float) -> float:
    anomaly = math.radians(357.528 + 0.9856003 * days)
    return math.radians(280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))


def _sines(t: float, terms: tuple[tuple[float, float, float], ...]) -> float:
    return sum(size * math.sin(math.radians(phase + rate * t)) for size, phase, rate in terms)


def _moon_longitude(days: float) -> float:
    t = days / 36_525.0
    terms = (
        (6.29, 135.0, 477_198.87),
        (-1.27, 259.3, -413_335.36),
        (0.66, 235.7, 890_534.22),
        (0.21, 269.9, 954_397.74),
        (-0.19, 357.5, 35_999.05),
        (-0.11, 186.5, 966_404.03),
    )
    return math.radians(218.32 + 481_267.881 * t + _sines(t, terms))


def _moon_latitude(days: float) -> float:
    t = days / 36_525.0
    terms = ((5.13, 93.3, 483_202.02), (0.28, 228.2, 960_400.89), (-0.28, 318.3, 6_003.15), (-0.17, 217.6, -407_332.21))
    return math.radians(_sines(t, terms))


def _moon_parallax(days: float) -> float:
    """Degrees."""
    t = days / 36_525.0
    terms = ((0.0518, 225.0, 477_198.87), (0.0095, 349.3, -413_335.36), (0.0078, 325.7, 890_534.22))
    return 0.9508 + _sines(t, (*terms, (0.0028, 359.9, 954_397.74)))


def _seen(days: float, ecliptic: float, above: float, latitude: float, longitude: float) -> SkyPlace:
    """Ecliptic longitude and latitude (rad) of date as altitude and azimuth."""
    tilt = math.radians(23.439 - 4e-7 * days)
    x = math.cos(above) * math.cos(ecliptic)
    y = math.cos(tilt) * math.cos(above) * math.sin(ecliptic) - math.sin(tilt) * math.sin(above)
    z = math.sin(tilt) * math.cos(above) * math.sin(ecliptic) + math.cos(tilt) * math.sin(above)
    hour_angle = math.radians(_sidereal(days, longitude)) - math.atan2(y, x)
    declination, phi = math.asin(max(-1.0, min(1.0, z))), math.radians(latitude)
    up = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour_angle)
    north = math.cos(phi) * math.sin(declination) - math.sin(phi) * math.cos(declination) * math.cos(hour_angle)
    east = -math.cos(declination) * math.sin(hour_angle)
    altitude = math.degrees(math.asin(max(-1.0, min(1.0, up))))
    return SkyPlace(altitude, math.degrees(math.atan2(east, north)) % 360.0)
