"""Events about alarms: how they stand, and what changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sereno.access.actor import Actor
from sereno.client import AlarmPort, alarm_json
from sereno.model import match_paths

from .ports import EventSource


def alarm_news(alarms: AlarmPort) -> EventSource:
    """First all alarms whose source or id a glob names, then those that change, as {"kind", "alarms", "whole"}.

    `whole`: these are all there are. That comes again when others are declared.
    """

    async def events(globs: Sequence[str], actor: Actor) -> AsyncIterator[dict[str, Any]]:
        while True:
            whole = True
            async for changed in alarms.watch(actor):
                named = [one for one in changed if _named(globs, (one.spec.source, one.spec.id))]
                if named or whole:
                    yield {"kind": "alarm", "alarms": [alarm_json(one) for one in named], "whole": whole}
                whole = False

    return events


def _named(globs: Sequence[str], names: tuple[str, ...]) -> bool:
    return not globs or any(match_paths(glob, list(names)) for glob in globs)
