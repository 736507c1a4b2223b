"""The line server: any number of questions on a connection, answered in their order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import structlog

from sereno.access.insecure import Peers
from sereno.client import Client
from sereno.model import OperationError

from .answers import answer
from .protocol import Lines, error_line

MOST_WAITING = 256
"""Questions of a connection that may wait for their answers; beyond it nothing more is read from it."""
MOST_UNSENT = 1 << 16
"""Bytes of answers that a connection may leave lying; beyond it nothing more is answered."""
BACKLOG = 4096
log = structlog.get_logger(__name__)


class LineServer:
    """Answers questions about a plant by lines over TCP. Whoever is allowed in acts as the actor of `peers`.

    `port` is the real one as soon as `start` has returned. More than `most` connections at once are refused.
    """

    def __init__(
        self, client: Client, peers: Peers, *, host: str = "127.0.0.1", port: int = 8888, most: int = 20_000
    ) -> None:
        self.client = client
        self.peers = peers
        self.host = host
        self.port = port
        self.most = most
        self.open: set[LineConnection] = set()
        self.counters = {"connections": 0, "questions": 0, "too_many": 0, "too_long": 0, "peak": 0}
        self._server: asyncio.Server | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises OperationError if the address cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            make: Callable[[], LineConnection] = lambda: LineConnection(self)  # noqa: E731
            self._server = await loop.create_server(make, self.host, self.port, backlog=BACKLOG)
        except OSError as error:
            reason = error.strerror or str(error)
            raise OperationError(
                f"the line server cannot listen on {self.host}:{self.port}: {reason.lower()}; "
                "choose another port in [gateway.line]"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]
        self._watch = asyncio.create_task(self.peers.run(), name="line server: refused peers")

    async def stop(self) -> None:
        """Hang up on everybody. May be called twice."""
        if self._server is None or self._watch is None:
            return
        server, self._server = self._server, None
        server.close()
        self._watch.cancel()
        connections = list(self.open)
        for connection in connections:
            connection.hang_up()
        await asyncio.gather(self._watch, *(c.ended for c in connections), return_exceptions=True)
        await server.wait_closed()

    def figures(self) -> dict[str, float]:
        """Counters since the start, and how many are connected."""
        return {**self.counters, **self.peers.figures(), "open": len(self.open)}


class LineConnection(asyncio.Protocol):
    """One peer. A task answers while questions wait; an idle connection costs no task."""

    def __init__(self, server: LineServer) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._house = server
        self._lines = Lines()
        self._waiting: deque[bytes] = deque()
        self._client: Client | None = None
        self._transport: Any = None
        self._task: asyncio.Task[None] | None = None
        self._last = False
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if peer is None:  # gone already; not every loop tells the end of such a one
            self._transport.abort()
            return
        house = self._house
        house.open.add(self)
        house.counters["connections"] += 1
        house.counters["peak"] = max(house.counters["peak"], len(house.open))
        actor = house.peers.admit(str(peer[0]))
        if actor is None:
            self._transport.abort()
        elif len(house.open) > house.most:
            house.counters["too_many"] += 1
            self._say(error_line(f"{house.most} connections are open, try again later", "line", "TooMany"))
            self._transport.close()
        else:
            self._client = house.client.as_actor(actor)
            self._transport.set_write_buffer_limits(high=MOST_UNSENT)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        try:
            self._waiting.extend(self._lines.feed(data))
        except ValueError as error:
            self._house.counters["too_long"] += 1
            self._say(error_line(str(error), "line", "BadQuestion"))
            self._transport.close()
            return
        if len(self._waiting) > MOST_WAITING:
            self._transport.pause_reading()
        self._go_on()

    def eof_received(self) -> bool:
        """See asyncio.Protocol: what was asked before is still answered."""
        self._waiting.extend(self._lines.end())
        self._last = True
        self._go_on()
        return True

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        del exc
        self._house.open.discard(self)
        if self._task is not None:
            self._task.cancel()
        elif not self.ended.done():
            self.ended.set_result(None)

    def hang_up(self) -> None:
        """End it now."""
        self._transport.abort()

    def _go_on(self) -> None:
        if self._task is None and self._client is not None and not self._transport.is_closing():
            if self._waiting:
                self._task = asyncio.create_task(self._answer(self._client), name="line server: answers")
                self._task.add_done_callback(self._answered)
            elif self._last:
                self._transport.close()

    async def _answer(self, client: Client) -> None:
        while self._waiting:
            line = self._waiting.popleft()
            if len(self._waiting) <= MOST_WAITING // 2:
                self._transport.resume_reading()
            self._house.counters["questions"] += 1
            self._say(await answer(client, line))
            await self._may_write.wait()

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", task=task.get_name(), exc_info=error)
            self._transport.abort()
        if self in self._house.open:
            self._go_on()
        elif not self.ended.done():
            self.ended.set_result(None)

    def _say(self, text: str) -> None:
        self._transport.write(text.encode() + b"\n")
