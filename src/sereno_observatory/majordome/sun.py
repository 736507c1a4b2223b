"""How high the sun stands: the low-precision formulas of the Astronomical Almanac, 0.02 degrees from 1950 to 2050."""

from __future__ import annotations

import math

_J2000_NS = 946_728_000 * 10**9
_DAY_NS = 86_400 * 10**9


def sun_altitude(t_ns: int, latitude: float, longitude: float) -> float:
    """Degrees above the horizon, without refraction, at ns UTC and degrees north and east."""
    days = (t_ns - _J2000_NS) / _DAY_NS
    anomaly = math.radians(357.528 + 0.9856003 * days)
    ecliptic = math.radians(280.460 + 0.9856474 * days + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 4e-7 * days)
    declination = math.asin(math.sin(obliquity) * math.sin(ecliptic))
    right_ascension = math.atan2(math.cos(obliquity) * math.sin(ecliptic), math.cos(ecliptic))
    sidereal = math.radians(280.46061837 + 360.98564736629 * days + longitude)
    hour_angle = sidereal - right_ascension
    phi = math.radians(latitude)
    height = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour_angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, height))))
