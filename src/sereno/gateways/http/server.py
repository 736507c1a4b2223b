"""The http server: connections, who may come in, one request after another."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import structlog

from sereno.access.insecure import Peers
from sereno.client import Client, PlannedPort
from sereno.model import Clock, OperationError

from .connection import HttpConnection
from .endpoints import Endpoints
from .settings import HttpSettings

PATIENCE = 30.0
"""Seconds that a connection may take for a request, or be without one."""
LOOK = 5.0
COUNTED = ("connections", "requests", "refused", "denied", "too_many", "idle", "too_slow", "peak")
log = structlog.get_logger(__name__)


class HttpServer:
    """Serves tags by HTTP. Whoever is allowed in, with the token if there is one, acts as the actor of `peers`.

    `port` is the real one as soon as `start` has returned; `held` bytes of answers wait for those who do not take
    them. More than `most` connections at once are refused.
    """

    def __init__(
        self, client: Client, live: PlannedPort, peers: Peers, settings: HttpSettings, *, most: int = 1000
    ) -> None:
        self.client = client
        self.peers = peers
        self.settings = settings
        self.host, self.port = settings.host, settings.port
        known = (*settings.hosts, settings.host, socket.gethostname())
        self.hosts = frozenset(name.lower().removesuffix(".") for name in known)
        self.held = 0
        self.most = most
        self.open: set[HttpConnection] = set()
        self.counters = dict.fromkeys(COUNTED, 0)
        self.clock: Clock = client.clock
        self.endpoints = Endpoints(client.as_actor(peers.insecure.actor), live, settings)
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen. Raises OperationError if the address cannot be had."""
        make: Callable[[], HttpConnection] = lambda: HttpConnection(self)  # noqa: E731
        try:
            self._server = await asyncio.get_running_loop().create_server(make, self.host, self.port)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OperationError(
                f"the http gateway cannot listen on {self.host}:{self.port}: {reason}; choose another port"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks = [
            asyncio.create_task(self.peers.run(), name="http gateway: refused peers"),
            asyncio.create_task(self._end_idle(), name="http gateway: idle connections"),
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
        self.endpoints.close()

    def figures(self) -> dict[str, float]:
        """Counters since the start, and how many are connected."""
        return {**self.counters, **self.peers.figures(), "open": len(self.open)}

    async def _end_idle(self) -> None:
        while True:
            await self.clock.sleep(LOOK)
            now = self.clock.monotonic()
            for connection in list(self.open):
                if connection.idle_since is not None and now - connection.idle_since > PATIENCE:
                    self.counters["idle"] += 1
                    connection.hang_up()
