"""The latest server: thousands of readers, each asking now and then or getting every sample."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from sereno.access.insecure import Peers
from sereno.client import Client, PlannedPort
from sereno.model import NotFoundError, OperationError, SerenoError

from .board import Board
from .protocol import Asked, Questions, error_line

MOST_UNSENT = 1 << 18
"""Bytes that a reader may leave lying; then it is hung up on, for what it would get has a gap."""
BACKLOG = 4096
log = structlog.get_logger(__name__)


class LatestServer:
    """Answers readers over TCP with the latest values of `tags`. Whoever is allowed in acts as the actor of `peers`.

    `port` is the real one as soon as `start` has returned. More than `most` connections at once are refused.
    """

    def __init__(
        self,
        client: Client,
        live: PlannedPort,
        peers: Peers,
        tags: Sequence[str],
        *,
        host: str = "127.0.0.1",
        port: int = 5000,
        most: int = 20_000,
    ) -> None:
        self.board = Board(client.as_actor(peers.insecure.actor), live, tags)
        self.peers = peers
        self.host = host
        self.port = port
        self.most = most
        self.open: set[LatestConnection] = set()
        self.counters = {"connections": 0, "asked": 0, "too_many": 0, "too_slow": 0, "wrong": 0, "peak": 0}
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen. Raises OperationError if the address cannot be had."""
        make: Callable[[], LatestConnection] = lambda: LatestConnection(self)  # noqa: E731
        try:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(make, self.host, self.port, backlog=BACKLOG)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OperationError(
                f"the latest server cannot listen on {self.host}:{self.port}: {reason}; "
                "choose another port in [gateway.latest]"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks = [
            asyncio.create_task(self.peers.run(), name="latest server: refused peers"),
            asyncio.create_task(self._follow(), name="latest server: values"),
        ]

    async def stop(self) -> None:
        """Hang up on everybody. May be called twice."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for task in self._tasks:
            task.cancel()
        connections = list(self.open)
        for connection in connections:
            connection.hang_up()
        await asyncio.gather(*self._tasks, *(c.ended for c in connections), return_exceptions=True)
        await server.wait_closed()

    def figures(self) -> dict[str, float]:
        """Counters since the start, and how many are connected."""
        board = {"samples": self.board.samples, "gaps": self.board.gaps}
        return {**self.counters, **board, **self.peers.figures(), "open": len(self.open)}

    async def _follow(self) -> None:
        try:
            await self.board.run()
        except SerenoError as error:
            log.error("the latest values are not known", task="latest server: values", error=str(error))


class LatestConnection(asyncio.Protocol):
    """One reader."""

    def __init__(self, server: LatestServer) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._house = server
        self._questions = Questions()
        self._transport: Any = None
        self._admitted = False

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
        if house.peers.admit(str(peer[0])) is None:
            self._transport.abort()
        elif len(house.open) > house.most:
            house.counters["too_many"] += 1
            self._transport.abort()
        else:
            self._admitted = True

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if not self._admitted:
            return
        try:
            asked = self._questions.feed(data)
        except ValueError as error:
            self._house.counters["wrong"] += 1
            self._transport.write(error_line(str(error)))
            self._transport.close()
            return
        if asked:
            self._house.counters["asked"] += len(asked)
            self._write(b"".join([self._answer(one) for one in asked]))

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        del exc
        self._house.open.discard(self)
        self._house.board.leave(self._write)
        if not self.ended.done():
            self.ended.set_result(None)

    def hang_up(self) -> None:
        """End it now."""
        self._transport.abort()

    def _answer(self, asked: Asked) -> bytes:
        board = self._house.board
        if asked.verb == "n":
            return board.latest(0).encode()
        if asked.verb == "list":
            return " ".join(board.names).encode() + b"\n"
        try:
            row = board.find(asked.name)
        except NotFoundError as error:
            return error_line(str(error))
        if asked.verb == "rate":
            return f"{board.rate(row):.6g}\n".encode()
        if asked.verb == "get":
            return board.sample(row)
        board.join(row, self._write)
        return b""

    def _write(self, data: bytes) -> None:
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MOST_UNSENT:
            self._house.counters["too_slow"] += 1
            self._house.board.leave(self._write)
            self._transport.abort()
