"""Events about the interface: tags that came or went."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sereno.access.actor import Actor
from sereno.client import PlannedPort
from sereno.model import Clock

from .ports import EventSource


def tag_news(live: PlannedPort, clock: Clock) -> EventSource:
    """First everything that the globs name, then what is added and removed, as {"t_ns", "added", "removed"}."""

    async def events(globs: Sequence[str], actor: Actor) -> AsyncIterator[dict[str, Any]]:
        changed = asyncio.Event()
        unsubscribe = live.watch_tags(changed.set)
        known: set[str] = set()
        first = True
        try:
            while True:
                paths = {spec.path for spec in await live.tags(globs, actor)}
                if first or paths != known:
                    added, removed = sorted(paths - known), sorted(known - paths)
                    yield {"kind": "interface", "t_ns": clock.wall_ns(), "added": added, "removed": removed}
                first, known = False, paths
                await changed.wait()
                changed.clear()
        finally:
            unsubscribe()

    return events
