"""Events about the interface: tags and commands that came or went."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sereno.access.actor import Actor
from sereno.client import DevicePort, DeviceStatus, PlannedPort
from sereno.model import Clock, match_paths

from .ports import EventSource


def tag_news(live: PlannedPort, devices: DevicePort, clock: Clock) -> EventSource:
    """First everything that the globs name, then what is added and removed, as {"t_ns", "added", "removed"}.

    Tags by path, commands as in "lab/ps_1/reset()".
    """

    async def events(globs: Sequence[str], actor: Actor) -> AsyncIterator[dict[str, Any]]:
        changed = asyncio.Event()
        unsubscribe = live.watch_tags(changed.set)
        known: set[str] = set()
        first = True
        try:
            while True:
                paths = {spec.path for spec in await live.tags(globs, actor)}
                paths |= _commands(await devices.devices(actor), globs)
                if first or paths != known:
                    added, removed = sorted(paths - known), sorted(known - paths)
                    yield {"kind": "interface", "t_ns": clock.wall_ns(), "added": added, "removed": removed}
                first, known = False, paths
                await changed.wait()
                changed.clear()
        finally:
            unsubscribe()

    return events


def _commands(devices: Sequence[DeviceStatus], globs: Sequence[str]) -> set[str]:
    names = [f"{device.path}/{command.name}()" for device in devices for command in device.commands]
    return set(names) if not globs else {name for glob in globs for name in match_paths(glob, names)}
