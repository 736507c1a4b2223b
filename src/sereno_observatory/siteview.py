"""A site as it was read: its place, tonight's sun and moon, instruments, limits, levels, and what is odd. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from sereno.client import DeviceOutline, PlantOutline

from .majordome.nights import crossings, minute, noon_before
from .majordome.sun import moon_lit, moon_place, sun_altitude

AGENTS = {
    "environment": "sereno_observatory.environment.",
    "majordome": "sereno_observatory.majordome.",
    "sequences": "sereno_observatory.sequences.",
    "observer": "sereno_observatory.observer.",
}
"""Where the class of each agent is defined."""
SUNSET = -0.833
"""Degrees of the sun's centre at sunrise and sunset, with refraction."""
_MINUTE, _DAY = 60 * 10**9, 86_400 * 10**9
_INSTRUMENTS = (
    ("telescope", {"slew"}), ("dome", {"open", "close"}), ("camera", {"expose"}), ("filterwheel", {"select"}),
    ("focuser", {"move"}),
)  # fmt: skip
_PATH = re.compile(r"[a-z][a-z0-9_]*(/[a-z0-9_]+)+")
_FOLDERS = ("raw", "nights", "database")
"""Settings that name no device."""
_LIMITS = (
    "lowest_altitude", "night_below", "wind_limit", "humidity_limit", "cloud_limit", "lightning_hold", "reopen_after",
    "max_age",
)  # fmt: skip


def site_view(plant: PlantOutline, t_ns: int) -> dict[str, Any]:
    """What `sereno observatory site --json` tells, with the night that ns UTC belongs to or that comes next."""
    agents = {role: _agent(plant, module) for role, module in AGENTS.items()}
    settings = {role: {} if one is None else one.settings for role, one in agents.items()}
    place = {key: _said(plant, settings, key) for key in ("latitude", "longitude", "elevation")}
    limits = {key: found for key in _LIMITS if (found := _said(plant, settings, key)) is not None}
    view = {
        "name": plant.site.get("name", plant.name),
        "file": str(plant.file),
        "timezone": plant.timezone,
        "location": place,
        "horizon": _said(plant, settings, "horizon"),
        "limits": limits,
        "levels": list(settings["sequences"].get("levels", ())),
        "agents": {role: None if one is None else one.path for role, one in agents.items()},
        "instruments": [found for one in plant.devices if (found := _instrument(one)) is not None],
    }
    if place["latitude"] is not None and place["longitude"] is not None:
        below = float(limits.get("night_below", -12.0))
        view["tonight"] = tonight(t_ns, place["latitude"], place["longitude"], below, plant.timezone)
    return {**view, "odd": list(_odd(plant, agents, place, t_ns))}


def tonight(t_ns: int, latitude: float, longitude: float, below: float, timezone: str) -> dict[str, Any]:
    """Sun and moon from the noon before to the noon after the night: times in UTC and in the site's zone.

    From its sunrise on, else from its end, a night is over and the next one counts.
    """
    noon = noon_before(t_ns, longitude)

    def sun(t: int) -> float:
        return sun_altitude(t, latitude, longitude)

    def moon(t: int) -> float:
        return moon_place(t, latitude, longitude).altitude

    over = crossings(sun, noon, SUNSET).rises or crossings(sun, noon, below).rises
    noon += _DAY if over is not None and t_ns >= over else 0
    night, day = crossings(sun, noon, below), crossings(sun, noon, SUNSET)
    moments = {"sunset": day.sinks, "night_begins": night.sinks, "night_ends": night.rises, "sunrise": day.rises}
    told = {name: _moment(t, timezone) for name, t in moments.items()}
    middle = noon + _DAY // 2
    hours = None if night.sinks is None or night.rises is None else (night.rises - night.sinks) / 3600e9
    if hours is None and sun(middle) < below:
        hours = 24.0
    up = moon_time(moon, noon)
    return {**told, "night_hours": hours, "moon": {"lit": moon_lit(middle), **up}}


def moon_time(altitude: Callable[[int], float], noon: int) -> dict[str, str | None]:
    """Its first rising and setting between two noons, in UTC to ten minutes."""
    found: dict[str, str | None] = {"rises": None, "sets": None}
    for t in range(noon, noon + _DAY, 10 * _MINUTE):
        before, after = altitude(t) > 0.0, altitude(t + 10 * _MINUTE) > 0.0
        name = "rises" if after else "sets"
        if before != after and found[name] is None:
            found[name] = minute(t)
    return found


def _moment(t: int | None, timezone: str) -> dict[str, str] | None:
    if t is None:
        return None
    there = datetime.fromtimestamp(t / 1e9, UTC).astimezone(ZoneInfo(timezone))
    return {"utc": minute(t), "local": f"{there:%Y-%m-%d %H:%M}"}


def _agent(plant: PlantOutline, module: str) -> DeviceOutline | None:
    return next((one for one in plant.devices if one.made_by.startswith(module)), None)


def _said(plant: PlantOutline, settings: Mapping[str, Mapping[str, Any]], key: str) -> Any:
    """A value of the site, else that of the first agent that has one; that one's also for a text, such as "15"."""
    taken = next((one[key] for one in settings.values() if key in one), None)
    said = plant.site.get(key, taken)
    return taken if isinstance(said, str) else said


def _instrument(one: DeviceOutline) -> dict[str, Any] | None:
    if any(one.made_by.startswith(module) for module in AGENTS.values()):
        return None
    kind = next((kind for kind, does in _INSTRUMENTS if does <= set(one.commands)), None)
    if kind is None:
        return None
    where = one.settings.get("url", "")
    return {"path": one.path, "kind": kind, "driver": one.made_by, "url": where, "enabled": one.enabled}


def _odd(
    plant: PlantOutline, agents: Mapping[str, DeviceOutline | None], place: Mapping[str, Any], t_ns: int
) -> Iterator[str]:
    """What is missing, or can hardly be meant."""
    yield from (f"there is no {role}" for role, one in agents.items() if one is None)
    if place["latitude"] == 0 and place["longitude"] == 0:
        yield "latitude and longitude are 0: that is in the Atlantic"
    if place["elevation"] in (None, 0):
        yield "the elevation is 0 m"
    yield from _odd_zone(plant.timezone, place["longitude"], t_ns)
    for key in ("latitude", "longitude", "elevation"):
        for role, one in agents.items():
            own = None if one is None else one.settings.get(key)
            if own is not None and key in plant.site and own != place[key]:
                yield f"the {role} has {key} = {own:g} of its own, the site {place[key]:g}"
    levels = [] if agents["sequences"] is None else [one["name"] for one in agents["sequences"].settings["levels"]]
    yield from (f"two levels are named {name!r}" for name in dict.fromkeys(levels) if levels.count(name) > 1)
    yield from _odd_names(plant, agents)
    yield from _odd_dome(plant)
    majordome = agents["majordome"]
    yield from _odd_shutter(plant, "" if majordome is None else majordome.settings.get("dome", ""))
    kinds = {found["kind"] for one in plant.devices if (found := _instrument(one)) is not None}
    yield from (f"there is no {kind}" for kind in ("telescope", "camera") if kind not in kinds)


def _odd_names(plant: PlantOutline, agents: Mapping[str, DeviceOutline | None]) -> Iterator[str]:
    """Devices and tags that an agent is told of, and that there are not."""
    known = {path for one in plant.devices for path in (one.path, *(tag.path for tag in one.tags))}
    for role, agent in agents.items():
        for key, value in () if agent is None else agent.settings.items():
            named = value if isinstance(value, list) else [value]
            for path in named if key not in _FOLDERS else ():
                if isinstance(path, str) and _PATH.fullmatch(path) and path not in known:
                    near = get_close_matches(path, known, 1)
                    hint = f"; did you mean {near[0]}?" if near else ""
                    yield f"{key} of the {role} names {path}, which is no device and no tag{hint}"


def _odd_zone(timezone: str, longitude: float | None, t_ns: int) -> Iterator[str]:
    offset = datetime.fromtimestamp(t_ns / 1e9, UTC).astimezone(ZoneInfo(timezone)).utcoffset()
    if longitude is None or offset is None:
        return
    hours = offset.total_seconds() / 3600
    if abs((hours - longitude / 15 + 12) % 24 - 12) > 3.5:
        found = f"the time zone {timezone} is {hours:+g} h of UTC"
        yield f"{found}, but the longitude {longitude:g} means {longitude / 15:+.1f} h"


def _odd_dome(plant: PlantOutline) -> Iterator[str]:
    """Something that opens must be closed, and by a guard, too."""
    targets = set(plant.guards.values())
    opening = {tag.path: tag for one in plant.devices for tag in one.tags if tag.path.endswith("/dome_open")}
    if not opening and not any({"open", "close"} <= set(one.commands) for one in plant.devices):
        yield "nothing opens a dome"
    known = {tag.path for one in plant.devices for tag in one.tags}
    for path, tag in opening.items():
        close = path.removesuffix("_open") + "_close"
        if close not in known:
            yield f"{path} opens, and there is no {close}"
        elif close not in targets:
            yield f"no guard writes {close}"
        if not tag.setpoint.interlock:
            yield f"{path} has no interlock"


def _odd_shutter(plant: PlantOutline, dome: str) -> Iterator[str]:
    """Of the majordome's dome, where that is an instrument."""
    found = next((one for one in plant.devices if one.path == dome), None)
    if found is None or not {"open", "close"} <= set(found.commands):
        return
    if dome not in plant.guards.values():
        yield f"no guard closes {dome}"
    if not found.interlocks.get("open"):
        yield f"the command open of {dome} has no interlock"
