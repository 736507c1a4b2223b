"""Server-sent events as a response that goes on until its client leaves, its source ends or the node stops."""

from __future__ import annotations

import asyncio
import random
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from sereno.access.actor import Actor

from .line import Line, line_of
from .outlets import Outlet, Outlets

MEDIA_TYPE = "text/event-stream"
_RETRY_MS = 1500
_END: Message = {"type": "http.response.body", "body": b"", "more_body": False}


class Source(Protocol):
    """Where events come from; wakes its outlet when there is something to take."""

    @property
    def ended(self) -> bool:
        """True if no more events will come."""

    def take(self, *, chunked: bool) -> tuple[bytes, int] | None:
        """The bytes of the next event and how many it stands for beyond itself; None if none waits.

        `chunked`: as a piece of an HTTP body, so that what is sent to many is framed once.
        """

    def lend(self, line: Line) -> None:
        """Events that nothing waits before may be written to the line at once, as chunks."""

    async def close(self) -> None:
        """Give back what is held."""


class EventResponse(Response):
    """Sends what `source` gives, and a heartbeat each second; straight to the connection's line where there is one."""

    def __init__(self, request: Request, outlet: Outlet, source: Source) -> None:
        super().__init__(headers={"x-accel-buffering": "no"}, media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._outlets: Outlets = request.app.state.outlets
        self._outlet = outlet
        self._source = source
        self._line = line_of(request.scope)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """See Response."""
        write = self._write if self._line is None else self._write_directly
        writer = asyncio.create_task(write(send), name="web events")
        leaving = asyncio.create_task(_left(receive), name="web client leaves")
        self._outlets.add(self._outlet, writer.cancel)
        try:
            await asyncio.wait((writer, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._outlets.remove(self._outlet)
            self._outlet.give_back()
            for task in (writer, leaving):
                task.cancel()
            await asyncio.gather(writer, leaving, return_exceptions=True)
            await self._source.close()
        if not writer.cancelled() and (error := writer.exception()) is not None:
            raise error

    async def _begin(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        wait = _RETRY_MS + random.randrange(_RETRY_MS)  # noqa: S311 - spreads those who come back
        await self._send(send, b"retry: %d\n\n" % wait, 0)

    async def _write(self, send: Send) -> None:
        await self._begin(send)
        outlet, source = self._outlet, self._source
        while not outlet.stop_code:
            while not outlet.stop_code and (item := source.take(chunked=False)) is not None:
                await self._send(send, *item)
            if outlet.beat_due:
                outlet.beat_due = False
                await self._send(send, self._outlets.beat.event, 0)
            if source.ended:
                break
            await outlet.awake.wait()
            outlet.awake.clear()
        await send(_END)

    async def _write_directly(self, send: Send) -> None:
        assert self._line is not None
        await self._begin(send)
        outlet = self._outlet
        outlet.lend(self._line, self._pump)
        outlet.awake.clear()
        self._source.lend(self._line)
        self._pump()
        if not outlet.stop_code:
            await outlet.awake.wait()
        outlet.give_back()
        await send(_END)

    def _pump(self) -> None:
        """Write what waits while the line takes it."""
        outlet, source, line = self._outlet, self._source, self._line
        assert line is not None
        while line.writable and (item := source.take(chunked=True)) is not None:
            line.put(item[0])
            outlet.dropped += item[1]
        if outlet.beat_due and line.writable:
            outlet.beat_due = False
            line.put(self._outlets.beat.chunk)
        if source.ended and line.writable:
            outlet.awake.set()

    async def _send(self, send: Send, data: bytes, dropped: int) -> None:
        sending = send({"type": "http.response.body", "body": data, "more_body": True})
        await self._outlet.hand_over(sending, len(data), dropped)


def outlet_for(request: Request, actor: Actor) -> Outlet:
    """The outlet of a request for events."""
    return Outlet("sse", actor, request.scope["state"]["credential"])


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
