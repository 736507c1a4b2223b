"""Where a target stands: precession from J2000, sidereal time, altitude and azimuth, air mass. Within 0.01 degrees.

Nutation, aberration and refraction are left out: this is for what is written into images and decided by. Mounts are
told J2000.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, TypeGuard

from pydantic import AfterValidator, BeforeValidator, Field

_J2000_NS = 946_728_000 * 10**9
_DAY_NS = 86_400 * 10**9
_SECOND = math.radians(1.0 / 3600.0)
Horizon: TypeAlias = Sequence[float] | Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Place:
    """A site: degrees north and east, metres above the sea."""

    latitude: float
    longitude: float
    elevation: float = 0.0


def horizontal(t_ns: int, place: Place, right_ascension: float, declination: float) -> tuple[float, float]:
    """Altitude and azimuth (deg, N=0, E=90) at ns UTC of a right ascension (h) and declination (deg) of J2000."""
    alpha, delta = _of_date(t_ns, math.radians(right_ascension * 15.0), math.radians(declination))
    hour_angle = math.radians(sidereal(t_ns, place.longitude)) - alpha
    phi = math.radians(place.latitude)
    up = math.sin(phi) * math.sin(delta) + math.cos(phi) * math.cos(delta) * math.cos(hour_angle)
    north = math.cos(phi) * math.sin(delta) - math.sin(phi) * math.cos(delta) * math.cos(hour_angle)
    east = -math.cos(delta) * math.sin(hour_angle)
    altitude = math.degrees(math.asin(max(-1.0, min(1.0, up))))
    return altitude, math.degrees(math.atan2(east, north)) % 360.0


def sidereal(t_ns: int, longitude: float) -> float:
    """Mean sidereal time in degrees, with the clock's UTC for UT1 (0.9 s at most)."""
    days = (t_ns - _J2000_NS) / _DAY_NS
    return (280.46061837 + 360.98564736629 * days + longitude) % 360.0


def air_mass(altitude: float) -> float | None:
    """Of a target at this altitude (deg), after Kasten and Young; None below the horizon."""
    if altitude <= 0.0:
        return None
    return 1.0 / (math.sin(math.radians(altitude)) + 0.50572 * math.pow(altitude + 6.07995, -1.6364))


def altitude_above(horizon: Horizon, azimuth: float) -> float:
    """How high (deg) one must look at an azimuth, over a horizon as in `Altitudes`."""
    if not horizon:
        return 0.0
    azimuth %= 360.0
    return _between_points(horizon, azimuth) if _is_pairs(horizon) else _between_steps(horizon, azimuth)


def _is_pairs(horizon: Horizon) -> TypeGuard[Sequence[tuple[float, float]]]:
    return bool(horizon) and isinstance(horizon[0], tuple)


def _between_steps(altitudes: Any, azimuth: float) -> float:
    place = azimuth / 360.0 * len(altitudes)
    left = int(place) % len(altitudes)
    right = (left + 1) % len(altitudes)
    return float(altitudes[left] + (altitudes[right] - altitudes[left]) * (place - int(place)))


def _between_points(points: Sequence[tuple[float, float]], azimuth: float) -> float:
    left, right = (find(points, azimuth, key=_azimuth_of) for find in (bisect_left, bisect_right))
    here = [altitude for _, altitude in points[left:right]]
    if azimuth == 0.0 and points[-1][0] == 360.0:
        here.append(points[-1][1])
    if here:
        return max(here)
    before = points[left - 1] if left else (points[-1][0] - 360.0, points[-1][1])
    after = points[right] if right < len(points) else (points[0][0] + 360.0, points[0][1])
    return before[1] + (after[1] - before[1]) * (azimuth - before[0]) / (after[0] - before[0])


def _azimuth_of(point: tuple[float, float]) -> float:
    return point[0]


def _list(value: Any) -> Any:
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else value


def _by_azimuth(value: Any) -> Any:
    return sorted(value, key=_azimuth_of) if _is_pairs(value) else value


Azimuth: TypeAlias = Annotated[float, Field(ge=0, le=360)]
Altitude: TypeAlias = Annotated[float, Field(ge=-5, le=90)]
Altitudes: TypeAlias = Annotated[
    list[Altitude] | list[tuple[Azimuth, Altitude]],
    Field(min_length=1, max_length=3600),
    BeforeValidator(_list),
    AfterValidator(_by_azimuth),
]
"""A horizon as a setting, in degrees: altitudes at equal steps of azimuth from the north on, or one number, or pairs of
azimuth and altitude, between which it is straight; two of one azimuth are an edge, of which the higher one counts.
"""


@dataclass(frozen=True, slots=True)
class Skyline:
    """What is not looked at: below the `horizon`, as in `Altitudes`, and below `lowest` (deg)."""

    horizon: Horizon
    lowest: float = 0.0

    def at(self, azimuth: float) -> float:
        """The altitude from which on one may look."""
        return max(self.lowest, altitude_above(self.horizon, azimuth))

    def altitudes(self) -> list[float]:
        """The same at equal steps of azimuth from the north on; of pairs at each degree."""
        steps = 360 if _is_pairs(self.horizon) else len(self.horizon)
        return [self.at(step * 360.0 / steps) for step in range(steps)]

    def hides(self, altitude: float, azimuth: float) -> str:
        """Why one may not look there, "" if one may."""
        least = self.at(azimuth)
        return "" if altitude >= least else f"it stands {altitude:.0f} deg high; the horizon there is {least:.0f}"


def apart(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Degrees between two directions, each (right ascension in h, declination in deg)."""
    (a1, d1), (a2, d2) = ((math.radians(a * 15.0), math.radians(d)) for a, d in (first, second))
    half = math.sin((d2 - d1) / 2) ** 2 + math.cos(d1) * math.cos(d2) * math.sin((a2 - a1) / 2) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(half))))


def equatorial(t_ns: int, place: Place, altitude: float, azimuth: float) -> tuple[float, float]:
    """Right ascension (h) and declination (deg) of J2000 of what stands at an altitude and azimuth at ns UTC."""
    h, a, phi = math.radians(altitude), math.radians(azimuth), math.radians(place.latitude)
    up = math.sin(phi) * math.sin(h) + math.cos(phi) * math.cos(h) * math.cos(a)
    delta = math.asin(max(-1.0, min(1.0, up)))
    west = -math.cos(h) * math.sin(a)
    south = math.cos(phi) * math.sin(h) - math.sin(phi) * math.cos(h) * math.cos(a)
    alpha = math.radians(sidereal(t_ns, place.longitude)) - math.atan2(west, south)
    alpha, delta = _of_j2000(t_ns, alpha, delta)
    return math.degrees(alpha) / 15.0 % 24.0, math.degrees(delta)


def _of_date(t_ns: int, alpha: float, delta: float) -> tuple[float, float]:
    """Coordinates of J2000 as those of the equinox of date."""
    zeta, z, theta = _angles(t_ns)
    return _turned(alpha + zeta, delta, theta, z)


def _of_j2000(t_ns: int, alpha: float, delta: float) -> tuple[float, float]:
    """Coordinates of the equinox of date as those of J2000."""
    zeta, z, theta = _angles(t_ns)
    return _turned(alpha - z, delta, -theta, -zeta)


def _angles(t_ns: int) -> tuple[float, float, float]:
    """Of precession since J2000, those of the IAU (1976)."""
    t = (t_ns - _J2000_NS) / _DAY_NS / 36_525.0
    zeta = (2306.2181 * t + 0.30188 * t * t + 0.017998 * t**3) * _SECOND
    z = (2306.2181 * t + 1.09468 * t * t + 0.018203 * t**3) * _SECOND
    theta = (2004.3109 * t - 0.42665 * t * t - 0.041833 * t**3) * _SECOND
    return zeta, z, theta


def _turned(alpha: float, delta: float, theta: float, shift: float) -> tuple[float, float]:
    a = math.cos(delta) * math.sin(alpha)
    b = math.cos(theta) * math.cos(delta) * math.cos(alpha) - math.sin(theta) * math.sin(delta)
    c = math.sin(theta) * math.cos(delta) * math.cos(alpha) + math.cos(theta) * math.sin(delta)
    return math.atan2(a, b) + shift, math.asin(max(-1.0, min(1.0, c)))
