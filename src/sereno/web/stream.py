"""GET stream: live values as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from .answers import problems
from .events import MEDIA_TYPE, EventResponse, outlet_for
from .push import LONGEST, Push, Slot
from .requests import Asking
from .values import Globs

_WORDS = (
    "Each event is an update in JSON columns: `index` are positions in `tags` (sent with each snapshot), beside them "
    "`value`, `quality`, `t_source`; `reasons` by position; `dropped` updates were merged for a slow reader. "
    "A `heartbeat` event comes each second."
)


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    described = {200: {"description": _WORDS, "content": {MEDIA_TYPE: {}}}, **problems(404)}
    app.add_api_route("/api/v1/stream", stream, response_class=Response, responses=described)


async def stream(
    request: Request,
    actor: Asking,
    tag: Globs = [],  # noqa: B006 - FastAPI copies it
    interval: Annotated[float, Query(ge=0, le=LONGEST, description="Seconds between updates, at least 0.05")] = 0.1,
) -> Response:
    """A snapshot of the tags, then what changes."""
    outlet = outlet_for(request, actor)
    push: Push = request.app.state.push
    slot = await push.join(tag, actor, interval, outlet.wake.set)
    return EventResponse(request, outlet, _Values(push, slot))


class _Values:
    def __init__(self, push: Push, slot: Slot) -> None:
        self._push = push
        self._slot = slot

    @property
    def ended(self) -> bool:
        return self._slot.ended

    def take(self) -> tuple[bytes, int] | None:
        item = self._slot.take()
        return None if item is None else (item[0].event(item[1]), item[1])

    async def close(self) -> None:
        await self._push.leave(self._slot)
