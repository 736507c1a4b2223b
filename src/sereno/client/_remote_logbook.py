"""The logbook of a node somewhere else, over HTTP."""

from __future__ import annotations

from typing import Any

import msgspec

from sereno.access.actor import Actor

from ._http import Http
from ._json import iso_time
from ._logbook import LogEntry, LogQuery, parse_log_entry

API = "/api/v1/logbook"


class RemoteLogbook:
    """Implements LogbookPort. Who asks is decided by the token, at the node."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def entries(self, query: LogQuery, actor: Actor) -> list[LogEntry]:  # noqa: ARG002
        """See LogbookPort."""
        found: list[LogEntry] = []
        before = query.before
        optional = {"subject": query.subject, "text": query.text}
        bounds = {name: iso_time(t) for name, t in (("from", query.start), ("to", query.end)) if t}
        while len(found) < query.limit:
            asked: dict[str, Any] = {
                **optional,
                **bounds,
                "before": before,
                "limit": min(500, query.limit - len(found)),
            }
            body = await self._http.get(API, [(name, str(value)) for name, value in asked.items() if value])
            found += [parse_log_entry(one) for one in body["entries"]]
            before = body["next"]
            if before is None:
                break
        return found

    async def write(self, text: str, actor: Actor, *, subject: str = "") -> LogEntry:  # noqa: ARG002
        """See LogbookPort."""
        return await self._add(kind="entry", text=text, subject=subject)

    async def correct(self, entry: int, text: str, actor: Actor) -> LogEntry:  # noqa: ARG002
        """See LogbookPort."""
        return await self._add(kind="correction", text=text, refers=entry)

    async def hand_over(self, text: str, actor: Actor) -> LogEntry:  # noqa: ARG002
        """See LogbookPort."""
        return await self._add(kind="hand_over", text=text)

    async def take_over(self, entry: int, text: str, actor: Actor) -> LogEntry:  # noqa: ARG002
        """See LogbookPort."""
        return await self._add(kind="take_over", text=text, refers=entry)

    async def _add(self, **body: Any) -> LogEntry:
        return parse_log_entry(await self._http.send("POST", API, body=msgspec.json.encode(body)))
