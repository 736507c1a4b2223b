"""Events of devices that say when new data can be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sereno.access.actor import Actor, Right
from sereno.client import PlannedPort
from sereno.model import Clock, match_paths

from .ports import EventSource


def ready_news(live: PlannedPort, clock: Clock) -> EventSource:
    """For each tag that the globs name {"t_ns", "tag", "count", "missed"}, first one without a tag: it has begun.

    Who is slow gets the last of each tag, with how many before it were `missed`.
    """

    async def events(globs: Sequence[str], actor: Actor) -> AsyncIterator[dict[str, Any]]:
        waiting: dict[str, tuple[int, int]] = {}
        told = asyncio.Event()

        def ready(path: str, count: int) -> None:
            if actor.may(Right.READ, path) and (not globs or any(match_paths(glob, [path]) for glob in globs)):
                missed = waiting[path][1] + 1 if path in waiting else 0
                waiting[path] = count, missed
                told.set()

        unsubscribe = live.watch_ready(ready)
        try:
            yield {"kind": "data_ready", "t_ns": clock.wall_ns(), "tag": "", "count": 0, "missed": 0}
            while True:
                await told.wait()
                told.clear()
                while waiting:
                    path = next(iter(waiting))
                    count, missed = waiting.pop(path)
                    yield {"kind": "data_ready", "t_ns": clock.wall_ns(), "tag": path, "count": count, "missed": missed}
        finally:
            unsubscribe()

    return events
