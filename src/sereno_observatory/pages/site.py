"""Who is who at a site, and what the person who asks may do there: found by what devices are, not by their names."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sereno.client import DeviceStatus
from sereno.model import TagSpec
from sereno.pages import Asked, Right
from sereno_observatory.environment.fakes import Fake

ROLES = {
    "environment": "sereno_observatory.environment.",
    "majordome": "sereno_observatory.majordome.",
    "sequences": "sereno_observatory.sequences.",
    "observer": "sereno_observatory.observer.",
}
"""Where the class of each agent is defined."""

_KINDS: tuple[tuple[str, set[str], set[str]], ...] = (
    ("telescope", {"right_ascension", "declination"}, {"slew"}),
    ("dome", {"shutter"}, {"open", "close"}),
    ("camera", {"state", "image"}, {"expose"}),
    ("filterwheel", {"position", "filter"}, {"select"}),
    ("focuser", {"position", "moving"}, {"move"}),
    ("observingconditions", {"humidity", "sky_temperature"}, {"refresh"}),
    ("safetymonitor", {"safe"}, set()),
)
"""Kind, tags and commands that make an instrument one of it, as in docs/instruments.md."""


async def site(asked: Asked) -> dict[str, Any]:
    """Agents, the PLC, instruments and their commands; of what can be done only what this person may."""
    devices, specs = await asyncio.gather(asked.client.devices(), asked.client.tags())
    environment = path_of(devices, ROLES["environment"])
    tags: dict[str, dict[str, TagSpec]] = {}
    for spec in specs:
        device, _, name = spec.path.rpartition("/")
        tags.setdefault(device, {})[name] = spec
    may = asked.client.actor.may
    plc = next((path for path, known in tags.items() if {"dome_open", "dome_close"} <= known.keys()), None)
    known = tags.get(plc or "", {})
    agents = _agents(devices, lambda path: may(Right.CALL, path))
    instruments = [found for one in devices if (found := _instrument(one, tags.get(one.path, {}))) is not None]
    for one in instruments:
        one["may"] = may(Right.CALL, one["path"])
        one["writable"] = _writable(tags[one["path"]], may)
    return {
        **{role: path_of(devices, module) for role, module in ROLES.items()},
        "plc": plc,
        "agents": agents,
        "simulators": _simulators(devices, lambda path: may(Right.CALL, path)),
        "instruments": instruments,
        "writable": _writable(known, may),
        "events": [one.value for one in Fake] if environment and may(Right.CALL, environment) else [],
        "called": [
            role for role, module in ROLES.items() if (path := path_of(devices, module)) and may(Right.CALL, path)
        ],
        "of_sequences": _callable(devices, path_of(devices, ROLES["sequences"]), may),
        "modes": [
            one.path + "/mode"
            for one in devices
            if "mode" in tags.get(one.path, {}) and may(Right.WRITE, one.path + "/mode")
        ],
    }


def path_of(devices: Iterable[DeviceStatus], module: str) -> str | None:
    """The first device whose class is defined below `module`."""
    return next((one.path for one in devices if one.url.startswith(module)), None)


def _writable(tags: Mapping[str, TagSpec], may: Callable[[Right, str], bool]) -> list[str]:
    return [spec.path for spec in tags.values() if spec.access.writable and may(Right.WRITE, spec.path)]


def _callable(devices: Iterable[DeviceStatus], path: str | None, may: Callable[[Right, str], bool]) -> list[str]:
    """The commands of a device that this person may call: to read is enough for what only reads."""
    found = next((one for one in devices if one.path == path), None)
    if found is None:
        return []
    return [
        one.name for one in found.commands if may(Right.CALL, found.path) or (one.reads and may(Right.READ, found.path))
    ]


def _agents(devices: Sequence[DeviceStatus], may: Any) -> list[dict[str, Any]]:
    known = {one.path: one for one in devices}
    watched = [(path, path.rpartition("/")[0]) for path, one in known.items() if one.driver == "supervisor"]
    return [
        {
            "path": agent,
            "supervision": supervision,
            "description": known[agent].description if agent in known else "",
            "commands": [one.name for one in known[supervision].commands] if may(supervision) else [],
        }
        for supervision, agent in watched
    ]


def _simulators(devices: Iterable[DeviceStatus], may: Callable[[str], bool]) -> list[dict[str, Any]]:
    return [
        {
            "path": one.path,
            "supervision": one.path,
            "description": one.description,
            "url": one.url,
            "commands": [command.name for command in one.commands] if may(one.path) else [],
            "scenarios": list(
                dict.fromkeys(label for command in one.commands for own in command.parameters for label in own.labels)
            ),
        }
        for one in devices
        if one.driver == "simulator"
    ]


def _instrument(one: DeviceStatus, tags: Mapping[str, TagSpec]) -> dict[str, Any] | None:
    commands = {command.name for command in one.commands}
    kind = next((kind for kind, has, does in _KINDS if has <= tags.keys() and does <= commands), None)
    if kind is None:
        return None
    return {"path": one.path, "kind": kind, "description": one.description, "driver": one.driver}
