"""When a night begins and ends: the moments at which the sun passes an altitude, to the minute. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from .sun import sun_altitude

_MINUTE, _DAY = 60 * 10**9, 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Crossings:
    """When the sun sinks below an altitude this night and rises above it, ns UTC; None where it does not."""

    sinks: int | None
    rises: int | None


def night_at(t_ns: int, latitude: float, longitude: float, below: float) -> Crossings:
    """The night, with the sun below so many degrees, that ns UTC is in, or the next one."""

    def sun(t: int) -> float:
        return sun_altitude(t, latitude, longitude)

    noon = noon_before(t_ns, longitude)
    found = crossings(sun, noon, below)
    over = found.rises is not None and t_ns >= found.rises
    return crossings(sun, noon + _DAY, below) if over else found


def noon_before(t_ns: int, longitude: float) -> int:
    """The last noon of local mean time, ns UTC."""
    return (t_ns + round(longitude * 240e9) - _DAY // 2) // _DAY * _DAY + _DAY // 2 - round(longitude * 240e9)


def crossings(altitude: Callable[[int], float], noon: int, below: float) -> Crossings:
    """Of the sun, between two noons, to the minute."""
    middle = min(range(noon, noon + _DAY, 10 * _MINUTE), key=altitude)
    if altitude(middle) > below or altitude(noon) <= below:
        return Crossings(None, None)
    rises = None if altitude(noon + _DAY) <= below else _between(altitude, noon + _DAY, middle, below)
    return Crossings(_between(altitude, noon, middle, below), rises)


def minute(t_ns: int) -> str:
    """A moment in UTC, to the minute: 2026-11-29T01:35Z."""
    return f"{datetime.fromtimestamp(t_ns / 1e9, UTC):%Y-%m-%dT%H:%MZ}"


def _between(altitude: Callable[[int], float], high: int, low: int, below: float) -> int:
    """The minute at which it passes `below`, of a moment above it and one below."""
    while abs(high - low) > _MINUTE:
        middle = (high + low) // 2
        high, low = (high, middle) if altitude(middle) <= below else (middle, low)
    return low
