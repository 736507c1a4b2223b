"""What happens in a night: by seed, at what second after dusk, how much of it, and for how long."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sereno_observatory.majordome.conduct import Nightfall
from sereno_observatory.majordome.sun import sun_altitude

LATITUDE, LONGITUDE = 31.0439, -115.4637
EVENING = int(datetime(2026, 6, 21, 2, tzinfo=UTC).timestamp())
"""Before the night in question, at the site of the demo."""
MINUTE = 60
FIRST, LAST = 110.0, 30.0
"""Seconds of a night that are left quiet at its beginning and at its end."""
QUIET = 130.0
"""Seconds of safety that follow at least on each danger: the hold, the opening, and some observing."""


@dataclass(frozen=True, slots=True)
class Night:
    """When it is night, in seconds since 1970, by a rule of the majordome."""

    below: float
    dusk: float
    dawn: float


@dataclass(frozen=True, slots=True)
class Happening:
    """Something at the site from `begins` to `ends` (seconds after dusk); `kind` is one of KINDS.

    `force` and `undo` are events of the simulated PLC. `alarm`: what people must be told.
    """

    kind: str
    begins: float
    ends: float
    words: str
    force: tuple[Mapping[str, Any], ...] = ()
    undo: tuple[Mapping[str, Any], ...] = ()
    alarm: str = ""


CAMERA = "camera"
"""A camera that stops answering during a sequence: no danger, the dome stays open."""
DEAF = "deaf"
"""It rains, nobody but the guards closes (MANUAL), and the dome obeys nobody at first; only a night for it has it."""
KINDS = ("clouds", "rain", "wind", "intrusion", "jam", "lost", "rain again", CAMERA)


@cache
def night_of(below: float, evening: int = EVENING) -> Night:
    """The night that follows `evening`, by day, if it is night with the sun below so many degrees.

    Raises ValueError where there is none.
    """
    rule = Nightfall(below)
    dusk = _change(rule, evening, evening + 86_400)
    dawn = _change(rule, dusk, evening + 86_400) if dusk else 0
    if not dawn:
        raise ValueError(f"there is no night with the sun below {below:g} degrees")
    return Night(below, float(dusk), float(dawn))


def _change(rule: Nightfall, first: int, last: int) -> int:
    """The first second after `first` at which the rule says something else; 0 without one."""
    before = rule.at(_altitude(first))
    for minute in range(first + MINUTE, last + MINUTE, MINUTE):
        if rule.at(_altitude(minute)) != before:
            rule.night = before
            return next(t for t in range(minute - MINUTE, minute + 1) if rule.at(_altitude(t)) != before)
    return 0


def _altitude(second: int) -> float:
    return sun_altitude(second * 10**9, LATITUDE, LONGITUDE)


def slot_of(night: Night) -> float:
    """Seconds of the part of a night that one happening has."""
    return (night.dawn - night.dusk - FIRST - LAST) / len(KINDS)


def script(night: Night, seed: int, kinds: Sequence[str] = KINDS) -> list[Happening]:
    """One of each of these kinds, in an order of the seed; each in a slot of its own."""
    chance = random.Random(seed)  # noqa: S311 - weather, no secret
    kinds = list(kinds)
    chance.shuffle(kinds)
    slot = slot_of(night)
    if slot < 60 + QUIET:
        raise ValueError(f"a night of {night.dawn - night.dusk:.0f} s is too short for {len(kinds)} happenings")
    found = []
    for number, kind in enumerate(kinds):
        lasts = chance.uniform(45.0, min(300.0, slot - QUIET))
        begins = FIRST + number * slot + chance.uniform(0.0, slot - QUIET - lasts)
        found.append(_happening(kind, chance, round(begins, 3), round(begins + lasts, 3)))
    return found


def _happening(kind: str, chance: random.Random, begins: float, ends: float) -> Happening:
    words, alarm, forced = _CASES[kind](chance)
    force = tuple(_event(*one) for one, _ in forced)
    undo = tuple(_event(*one) for _, one in forced)
    return Happening(kind, begins, ends, words, force, undo, alarm)


Forced = tuple[tuple[str, str, Any], tuple[str, str, Any]]


def _event(device: str, name: str, value: Any) -> Mapping[str, Any]:
    return {"device_name": device, name: value} if name == "jammed" else dict(_named(device, name, value))


def _named(device: str, name: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield from (("device_name", device), ("value_name", name), ("value", value))


def _set(device: str, name: str, value: Any, before: Any) -> Forced:
    return (device, name, value), (device, name, before)


def _rain(chance: random.Random) -> tuple[str, str, list[Forced]]:
    rate = round(chance.uniform(0.4, 15.0), 1)
    return f"it rains {rate:g} mm/h", "rain", [_set("WXT520", "RainRate", rate, 0.0)]


def _drizzle(chance: random.Random) -> tuple[str, str, list[Forced]]:
    del chance
    return "the rain detector is wet", "rain", [_set("DRD11", "digital", 0, 1)]


def _clouds(chance: random.Random) -> tuple[str, str, list[Forced]]:
    sky = round(chance.uniform(4.5, 9.0), 1)
    return f"clouds, the sky is at {sky:g} degC", "clouds", [_set("MLX90614-1", "SkyTemperature", sky, -15.67)]


def _wind(chance: random.Random) -> tuple[str, str, list[Forced]]:
    speed = round(chance.uniform(15.5, 28.0), 1)
    return f"wind of {speed:g} m/s", "wind", [_set("WXT520", "WindSpeed", speed, 3.1)]


def _intrusion(chance: random.Random) -> tuple[str, str, list[Forced]]:
    if chance.random() < 0.5:
        return "somebody moves in the dome", "intrusion", [_set("DOORS", "motion", 1, 0)]
    return "the door of the dome is open", "intrusion", [_set("DOORS", "dome_door", "open", "closed")]


def _jam(chance: random.Random) -> tuple[str, str, list[Forced]]:
    rate = round(chance.uniform(0.4, 15.0), 1)
    dome: Forced = (("DOME", "jammed", True), ("DOME", "jammed", False))
    return f"it rains {rate:g} mm/h and the dome jams", "dome_does_not_close", [
        dome, _set("WXT520", "RainRate", rate, 0.0),
    ]  # fmt: skip


def _lost(chance: random.Random) -> tuple[str, str, list[Forced]]:
    del chance
    return "the PLC is not heard any more", "environment_unknown", []


def _deaf(chance: random.Random) -> tuple[str, str, list[Forced]]:
    rate = round(chance.uniform(0.4, 15.0), 1)
    words = f"it rains {rate:g} mm/h in MANUAL, and the dome takes no orders at first"
    return words, "rain", [_set("WXT520", "RainRate", rate, 0.0)]


def _camera(chance: random.Random) -> tuple[str, str, list[Forced]]:
    del chance
    return "the visible camera does not answer", "", []


_CASES = {
    "camera": _camera,
    "deaf": _deaf,
    "clouds": _clouds,
    "rain": _rain,
    "rain again": _drizzle,
    "wind": _wind,
    "intrusion": _intrusion,
    "jam": _jam,
    "lost": _lost,
}
