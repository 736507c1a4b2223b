"""GET stream: live values as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from .answers import problems
from .entries import STREAM
from .events import MEDIA_TYPE, EventResponse, outlet_for
from .line import Line, chunk
from .push import LONGEST, Push, Slot
from .requests import Asking
from .values import Globs

_WORDS = (
    "Each event is an update in JSON columns: `index` are positions in `tags` (sent with each snapshot), beside them "
    "`value`, `quality`, `t_source`; `reasons` by position; `dropped` updates were merged for a slow reader. "
    "A `heartbeat` event comes each second. Who comes back with `Last-Event-ID` finds `missed` in its first event: how "
    "many updates it did not get (0: none), or null if the node cannot know."
)


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    described = {200: {"description": _WORDS, "content": {MEDIA_TYPE: {}}}, **problems(404)}
    app.add_api_route(STREAM, stream, response_class=Response, responses=described)


async def stream(
    request: Request,
    actor: Asking,
    tag: Globs = [],  # noqa: B006 - FastAPI copies it
    interval: Annotated[
        float, Query(ge=0, le=LONGEST, description="Seconds between updates, at least 0.01; 0: each at once")
    ] = 0.1,
    last_event_id: Annotated[
        str,
        Header(max_length=64, description="The `id` of the last event that you had; browsers send it"),
    ] = "",
) -> Response:
    """A snapshot of the tags, then what changes."""
    outlet = outlet_for(request, actor)
    push: Push = request.app.state.push
    slot = await push.join(tag, actor, interval, outlet.wake)
    return EventResponse(request, outlet, _Values(push, slot, last_event_id))


class _Values:
    def __init__(self, push: Push, slot: Slot, last_event_id: str) -> None:
        self._push = push
        self._slot = slot
        self._last_event_id = last_event_id

    @property
    def ended(self) -> bool:
        return self._slot.ended or self._slot.outdated

    def take(self, *, chunked: bool) -> tuple[bytes, int] | None:
        item = self._slot.take()
        if item is None:
            return None
        encoded, dropped = item
        if not (dropped or self._last_event_id):
            return encoded.chunk() if chunked else encoded.event(), 0
        event = encoded.event(dropped, self._gap(encoded.update.seq))
        return chunk(event) if chunked else event, dropped

    def lend(self, line: Line) -> None:
        self._slot.line = line

    async def close(self) -> None:
        await self._push.leave(self._slot, linger=True)

    def _gap(self, seq: int) -> bytes:
        """Told once, to who comes back: how many updates it missed."""
        last, self._last_event_id = self._last_event_id, ""
        if not last:
            return b""
        missed = self._slot.broadcast.missed_since(last, seq)
        return b'"missed":null,' if missed is None else b'"missed":%d,' % missed
