"""GET devices, and GET devices/.../trace: the raw frames of a device's link as they pass."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Path
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sereno.client import TraceLine, device_json, iso_time
from sereno.model import NotFoundError, SerenoError

from .answers import answer, problems
from .events import MEDIA_TYPE, EventResponse, outlet_for
from .line import Line, chunk
from .requests import Asking, Context

MAX_LINES = 1000


class Devices(BaseModel):
    """Devices with their state, link, scan groups and counters, by path."""

    devices: list[dict[str, Any]]


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.add_api_route("/api/v1/devices", devices, response_model=Devices, responses=problems())
    traced: dict[int | str, dict[str, Any]] = {
        200: {"description": "One event per frame; `data` is hexadecimal", "content": {MEDIA_TYPE: {}}},
        **problems(404),
    }
    app.add_api_route("/api/v1/devices/{path:path}/trace", trace, response_class=Response, responses=traced)


async def devices(context: Context, actor: Asking) -> Response:
    """The devices that you may read."""
    return answer({"devices": [device_json(status) for status in await context.devices.devices(actor)]})


async def trace(
    path: Annotated[str, Path(max_length=200)], request: Request, context: Context, actor: Asking
) -> Response:
    """Raw frames of a device's link from now on, in both directions, decoded in words."""
    known = [status.path for status in await context.devices.devices(actor)]
    if path not in known:
        raise NotFoundError(f"there is no device {path!r}; there are {', '.join(known[:20]) or 'none'}")
    outlet = outlet_for(request, actor)
    return EventResponse(request, outlet, _Lines(context.devices.trace(path, actor), outlet.wake))


class _Lines:
    """Keeps the newest lines for its client: a link is never slowed down by who watches it."""

    def __init__(self, lines: AsyncIterator[TraceLine], wake: Callable[[], None]) -> None:
        self.ended = False
        self._wake = wake
        self._waiting: deque[bytes] = deque()
        self._missed = 0
        self._task = asyncio.create_task(self._pump(lines), name="web trace")

    def take(self, *, chunked: bool) -> tuple[bytes, int] | None:
        if not self._waiting:
            return None
        missed, self._missed = self._missed, 0
        event = self._waiting.popleft()
        return chunk(event) if chunked else event, missed

    def lend(self, line: Line) -> None:
        """These have one reader each, and go by `take`."""

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _pump(self, lines: AsyncIterator[TraceLine]) -> None:
        try:
            async for line in lines:
                self._keep(b"data: %b\n\n" % orjson.dumps(_line_json(line)))
        except SerenoError as error:
            self._keep(b"event: problem\ndata: %b\n\n" % orjson.dumps({"detail": str(error)}))
        finally:
            self.ended = True
            self._wake()

    def _keep(self, event: bytes) -> None:
        if len(self._waiting) >= MAX_LINES:
            self._waiting.popleft()
            self._missed += 1
        self._waiting.append(event)
        self._wake()


def _line_json(line: TraceLine) -> dict[str, Any]:
    return {
        "t": iso_time(line.t),
        "link": line.link,
        "direction": line.direction,
        "data": line.data.hex(" "),
        "text": line.text,
    }
