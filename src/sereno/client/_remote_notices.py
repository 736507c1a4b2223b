"""Notices of a node somewhere else, over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

import msgspec

from sereno.access.actor import Actor
from sereno.model import DeniedError

from ._http import Http
from ._json import iso_time
from ._notices import DutyTime, LinkedNotice, RosterSwap, SentNotice, parse_duty, parse_sent_notice

API = "/api/v1/notices"


class RemoteNotices:
    """Implements NoticePort. Who asks is decided by the token, at the node; links are for browsers."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def overview(self, actor: Actor) -> dict[str, Any]:  # noqa: ARG002
        """See NoticePort."""
        return cast("dict[str, Any]", await self._http.get(API))

    async def sent(self, actor: Actor, *, limit: int = 100, before: int | None = None) -> list[SentNotice]:  # noqa: ARG002
        """See NoticePort."""
        asked = [("limit", str(limit)), *([("before", str(before))] if before else [])]
        return [parse_sent_notice(one) for one in (await self._http.get(f"{API}/sent", asked))["sent"]]

    async def duty(self, actor: Actor, start: int, end: int) -> list[DutyTime]:  # noqa: ARG002
        """See NoticePort."""
        asked = [("from", iso_time(start) or ""), ("to", iso_time(end) or "")]
        return [parse_duty(one) for one in (await self._http.get(f"{API}/duty", asked))["duty"]]

    async def test(self, way: str, person: str, actor: Actor) -> str:  # noqa: ARG002
        """See NoticePort."""
        body = msgspec.json.encode({"way": way, "person": person})
        return str((await self._http.send("POST", f"{API}/test", body=body))["outcome"])

    async def tell(self, way: str, person: str, text: str, actor: Actor) -> str:
        """Raises DeniedError."""
        del way, person, text, actor
        raise DeniedError("jobs of the node tell people by their steps, nobody from outside")

    async def swap(self, swap: RosterSwap, actor: Actor) -> int:  # noqa: ARG002
        """See NoticePort."""
        body = {**asdict(swap), "start": iso_time(swap.start), "end": iso_time(swap.end)}
        return int((await self._http.send("POST", f"{API}/swap", body=msgspec.json.encode(body)))["id"])

    async def linked(self, token: str) -> LinkedNotice:
        """Raises DeniedError."""
        del token
        raise DeniedError("links are opened in a browser")

    async def acknowledge_linked(self, token: str, note: str, origin: str) -> LinkedNotice:
        """Raises DeniedError."""
        del note, origin
        return await self.linked(token)
