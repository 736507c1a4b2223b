"""Events that people make up, to see what follows. They add danger and never take any away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from .elements import Finding


class Fake(StrEnum):
    """What can be made up."""

    RAIN = "rain"
    WIND = "wind"
    CLOUDS = "clouds"
    HUMIDITY = "humidity"
    LIGHTNING = "lightning"
    INTRUSION = "intrusion"
    DOOR = "door"


LONGEST = 3600.0
"""Seconds."""
_FOUND = {
    Fake.RAIN: ("weather_rain", 12.0),
    Fake.WIND: ("weather_wind", 30.0),
    Fake.CLOUDS: ("weather_cloud", 3.0),
    Fake.HUMIDITY: ("weather_humidity", 99.0),
    Fake.LIGHTNING: ("weather_lightning", 5.0),
    Fake.INTRUSION: ("site_motion", 1.0),
    Fake.DOOR: ("site_doors", 1.0),
}


@dataclass(slots=True)
class _Made:
    until: float
    by: str


class Fakes:
    """Those under way. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._made: dict[Fake, _Made] = {}

    def make(self, event: Fake, by: str, until: float) -> None:
        """Let it happen until then; one under way is replaced."""
        self._made[event] = _Made(until, by)

    def end(self) -> None:
        """End them all."""
        self._made.clear()

    def under_way(self, now: float) -> str:
        """Those under way in words; empty without any."""
        return ", ".join(f"{event} by {made.by}" for event, made in self._now(now).items())

    def over(self, group: str, found: Mapping[str, Finding], now: float) -> dict[str, Finding]:
        """The findings of a group with what is made up instead; what calls for action already stays as it is."""
        changed = dict(found)
        for event, made in self._now(now).items():
            of, _, name = _FOUND[event][0].partition("_")
            if of == group and not changed[name].make_safe:
                changed[name] = Finding(_FOUND[event][1], f"a fake of {made.by}", make_safe=True)
        return changed

    def _now(self, now: float) -> dict[Fake, _Made]:
        self._made = {event: made for event, made in self._made.items() if made.until > now}
        return self._made
