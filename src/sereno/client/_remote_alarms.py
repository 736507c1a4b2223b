"""Alarms of a node somewhere else, over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from sereno.access.actor import Actor
from sereno.model import Clock

from ._alarms import (
    AlarmEvent,
    AlarmFigures,
    AlarmQuery,
    AlarmStatus,
    parse_alarm,
    parse_alarm_event,
    parse_alarm_figures,
)
from ._http import Http
from ._json import iso_time

API = "/api/v1"
EVERY = 1.0
"""Seconds between two looks of `watch`."""


class RemoteAlarms:
    """Implements AlarmPort. Who asks is decided by the token, at the node. `watch` looks every second."""

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    async def alarms(self, actor: Actor) -> list[AlarmStatus]:  # noqa: ARG002
        """See AlarmPort."""
        return [parse_alarm(one) for one in (await self._http.get(f"{API}/alarms"))["alarms"]]

    async def acknowledge(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:  # noqa: ARG002
        """See AlarmPort."""
        return await self._act("ack", ids, note)

    async def reset(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:  # noqa: ARG002
        """See AlarmPort."""
        return await self._act("reset", ids, note)

    async def shelve(self, ids: Sequence[str], actor: Actor, *, reason: str, seconds: float) -> list[AlarmStatus]:  # noqa: ARG002
        """See AlarmPort."""
        return await self._act("shelve", ids, reason, seconds)

    async def unshelve(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:  # noqa: ARG002
        """See AlarmPort."""
        return await self._act("unshelve", ids, note)

    async def take_out(self, ids: Sequence[str], actor: Actor, *, reason: str) -> list[AlarmStatus]:  # noqa: ARG002
        """See AlarmPort."""
        return await self._act("out", ids, reason)

    async def put_back(self, ids: Sequence[str], actor: Actor, *, note: str = "") -> list[AlarmStatus]:  # noqa: ARG002
        """See AlarmPort."""
        return await self._act("in", ids, note)

    async def journal(self, query: AlarmQuery, actor: Actor) -> list[AlarmEvent]:  # noqa: ARG002
        """See AlarmPort."""
        found: list[AlarmEvent] = []
        before = query.before
        while len(found) < query.limit:
            asked = [("limit", str(min(1000, query.limit - len(found)))), *(("event", name) for name in query.events)]
            optional = {"alarm": query.alarm, "from": _moment(query.start), "to": _moment(query.end), "before": before}
            asked += [(name, str(value)) for name, value in optional.items() if value]
            body = await self._http.get(f"{API}/alarms/journal", asked)
            found += [parse_alarm_event(one) for one in body["events"]]
            before = body["next"]
            if before is None:
                break
        return found

    async def figures(self, start: int, end: int, actor: Actor, *, operators: int = 1) -> AlarmFigures:  # noqa: ARG002
        """See AlarmPort."""
        asked = [("from", _moment(start) or ""), ("to", _moment(end) or ""), ("operators", str(operators))]
        return parse_alarm_figures(await self._http.get(f"{API}/alarms/figures", asked))

    async def watch(self, actor: Actor) -> AsyncIterator[list[AlarmStatus]]:
        """See AlarmPort."""
        known = {status.spec.id: status for status in await self.alarms(actor)}
        yield list(known.values())
        while True:
            await self._clock.sleep(EVERY)
            now = await self.alarms(actor)
            changed = [status for status in now if known.get(status.spec.id) != status]
            known.update((status.spec.id, status) for status in changed)
            if changed:
                yield changed

    async def _act(self, act: str, ids: Sequence[str], note: str, seconds: float = 0.0) -> list[AlarmStatus]:
        body: dict[str, Any] = {"act": act, "ids": list(ids), "note": note, "seconds": seconds}
        answer = await self._http.send("POST", f"{API}/alarms", body=msgspec.json.encode(body))
        return [parse_alarm(one) for one in answer["alarms"]]


def _moment(t: int | None) -> str | None:
    return None if t is None else iso_time(t) or "1970-01-01"
