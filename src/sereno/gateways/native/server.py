"""NativeServer: listens, beats, and ends connections whose rights have changed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

import structlog

from sereno.access.actor import Actor
from sereno.model import OperationError, SerenoError

from .connection import Connection
from .house import BEAT, House
from .ports import NativePorts
from .readynews import ready_news
from .tagnews import tag_news

_log = structlog.get_logger(__name__)
_SLICES = 20
"""Beats are spread over this many parts of a second, so that ten thousand of them do not come at once."""
_BACKLOG = 4096


class NativeServer:
    """The native protocol over TCP, or TLS with `tls`. Port 0 = any; `port` is the real one after `start`."""

    def __init__(
        self,
        ports: NativePorts,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        *,
        max_connections: int = 15_000,
        max_strangers: int = 2_000,
    ) -> None:
        self.host = host
        self.port = port
        self._tls = tls
        self._house = House(_with_own_news(ports), max_connections, max_strangers)
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """The address for `sereno.client.connect`, one on this machine where the server listens on all."""
        name = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        return f"{'tls' if self._tls else 'tcp'}://{f'[{name}]' if ':' in name else name}:{self.port}"

    async def start(self) -> None:
        """Listen and answer. Raises OperationError if the address cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Connection(self._house), self.host or None, self.port, ssl=self._tls, backlog=_BACKLOG
            )
        except OSError as error:
            reason = (error.strerror or str(error)).partition(" (while")[0].lower()
            raise OperationError(
                f"cannot listen on {self.host}:{self.port}: {reason}; stop what listens there, or choose another port"
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks = [
            asyncio.create_task(_logged(self._beat, "native beats"), name="native beats"),
            asyncio.create_task(_logged(self._watch_rights, "native rights"), name="native rights"),
        ]

    async def stop(self) -> None:
        """Say goodbye to everyone and close. May be called twice."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self._house.closing = True
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        leaving = list(self._house.here)
        for connection in leaving:
            connection.bye("the server is stopping")
        await self._emptied()
        await server.wait_closed()

    async def __aenter__(self) -> NativeServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def statistics(self) -> dict[str, int]:
        """Counters since the start."""
        return asdict(self._house.figures)

    async def _emptied(self) -> None:
        """A moment for goodbyes; who does not take them is cut off."""
        clock = self._house.ports.clock
        with suppress(TimeoutError):
            async with clock.timeout(0.5):
                while self._house.here:
                    await clock.sleep(0.01)
        for connection in list(self._house.here):
            connection.transport.abort()
        await asyncio.sleep(0)

    async def _beat(self) -> None:
        part = 0
        while True:
            await self._house.ports.clock.sleep(BEAT / _SLICES)
            part = (part + 1) % _SLICES
            for connection in [c for c in self._house.here if c.slice % _SLICES == part]:
                connection.beat()

    async def _watch_rights(self) -> None:
        while True:
            await self._house.ports.door.changed()
            try:
                await self._check_all()
            except SerenoError as error:
                _log.error("rights of open connections could not be checked", error=str(error))

    async def _check_all(self) -> None:
        present: dict[str, Actor | None] = {}
        for connection in list(self._house.here):
            was = connection.actor
            if was is None:
                continue
            token = connection.token
            if token not in present:
                present[token] = await self._house.ports.door.actor(token, was.origin)
            now = present[token]
            if now is None:
                connection.bye("denied: this token has run out or was revoked")
            elif (now.roles, now.bound) != (was.roles, was.bound):
                connection.bye("rights have changed")


def _with_own_news(ports: NativePorts) -> NativePorts:
    own = {
        "interface": tag_news(ports.live, ports.devices, ports.clock),
        "data_ready": ready_news(ports.live, ports.clock),
    }
    return replace(ports, events={**own, **ports.events})


async def _logged(work: Callable[[], Coroutine[Any, Any, None]], task: str) -> None:
    try:
        await work()
    except Exception:
        _log.exception("a task of the native server ended", task=task)
        raise
