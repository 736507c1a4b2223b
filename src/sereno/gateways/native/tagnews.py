"""Events about the interface: tags and commands that came or went."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sereno.access.actor import Actor
from sereno.client import DevicePort, DeviceStatus, PlannedPort
from sereno.model import Clock, TagSpec, match_paths

from .ports import EventSource


def tag_news(live: PlannedPort, devices: DevicePort, clock: Clock) -> EventSource:
    """First everything that the globs name, then {"t_ns", "added", "removed", "changed"} for what is new.

    Tags by path, commands as in "lab/ps_1/reset()"; a tag has changed when it is declared otherwise than before.
    """

    async def events(globs: Sequence[str], actor: Actor) -> AsyncIterator[dict[str, Any]]:
        changed = asyncio.Event()
        unsubscribe = live.watch_tags(changed.set)
        known: dict[str, TagSpec | None] = {}
        first = True
        try:
            while True:
                found: dict[str, TagSpec | None] = {spec.path: spec for spec in await live.tags(globs, actor)}
                found |= dict.fromkeys(_commands(await devices.devices(actor), globs))
                if first or found != known:
                    yield {"kind": "interface", "t_ns": clock.wall_ns(), **_news(known, found)}
                first, known = False, found
                await changed.wait()
                changed.clear()
        finally:
            unsubscribe()

    return events


def _news(known: Mapping[str, TagSpec | None], found: Mapping[str, TagSpec | None]) -> dict[str, list[str]]:
    return {
        "added": sorted(found.keys() - known.keys()),
        "removed": sorted(known.keys() - found.keys()),
        "changed": sorted(path for path in found.keys() & known.keys() if found[path] != known[path]),
    }


def _commands(devices: Sequence[DeviceStatus], globs: Sequence[str]) -> set[str]:
    names = [f"{device.path}/{command.name}()" for device in devices for command in device.commands]
    return set(names) if not globs else {name for glob in globs for name in match_paths(glob, names)}
