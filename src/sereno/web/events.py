"""Server-sent events as a response that goes on until its client leaves, its source ends or the node stops."""

from __future__ import annotations

import asyncio
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sereno.access.actor import Actor

from .outlets import Outlet, Outlets

MEDIA_TYPE = "text/event-stream"


class Source(Protocol):
    """Where events come from; wakes its outlet when there is something to take."""

    @property
    def ended(self) -> bool:
        """True if no more events will come."""

    def take(self) -> tuple[bytes, int] | None:
        """The bytes of the next event and how many it stands for beyond itself; None if none waits."""

    async def close(self) -> None:
        """Give back what is held."""


class EventResponse(Response):
    """Sends what `source` gives, and a heartbeat each second."""

    def __init__(self, request: Request, outlet: Outlet, source: Source) -> None:
        super().__init__(headers={"x-accel-buffering": "no"}, media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._outlets: Outlets = request.app.state.outlets
        self._outlet = outlet
        self._source = source

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """See Response."""
        writer = asyncio.create_task(self._write(send), name="web events")
        leaving = asyncio.create_task(_left(receive), name="web client leaves")
        self._outlets.add(self._outlet, writer.cancel)
        try:
            await asyncio.wait((writer, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._outlets.remove(self._outlet)
            for task in (writer, leaving):
                task.cancel()
            await asyncio.gather(writer, leaving, return_exceptions=True)
            await self._source.close()
        if not writer.cancelled() and (error := writer.exception()) is not None:
            raise error

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._send(send, b"retry: 2000\n\n", 0)
        outlet, source = self._outlet, self._source
        while not outlet.stop_code:
            while not outlet.stop_code and (item := source.take()) is not None:
                await self._send(send, *item)
            if outlet.beat_due:
                outlet.beat_due = False
                await self._send(send, self._outlets.beat_event, 0)
            if source.ended:
                break
            await outlet.wake.wait()
            outlet.wake.clear()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, data: bytes, dropped: int) -> None:
        await self._outlet.hand_over(send({"type": "http.response.body", "body": data, "more_body": True}))
        self._outlets.count(self._outlet, dropped)


def outlet_for(request: Request, actor: Actor) -> Outlet:
    """The outlet of a request for events."""
    return Outlet("sse", actor, request.scope["state"]["credential"])


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
