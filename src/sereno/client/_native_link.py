"""Keeps a connection of the native protocol up: the first time, and again whenever it is lost."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from sereno.model import Clock, DeniedError, NotConnectedError, SerenoError
from sereno.wire.messages import Welcome

from ._http import not_connected, trust_of
from ._native_wire import Wire

GRACE = 1.0
"""Seconds that a request waits for a connection which was just lost."""
_FIRST_RETRY, _LONGEST_RETRY = 0.05, 0.6


class NativeLink:
    """See the module. `up` are called with each new wire, `down` with the reason when it is lost."""

    def __init__(self, url: str, token: str, clock: Clock, *, timeout: float = 10.0, pinned: str = "") -> None:
        self.url = url
        self.clock = clock
        self.timeout = timeout
        self.wire: Wire | None = None
        self.up: list[Callable[[Wire], None]] = []
        self.down: list[Callable[[Exception], None]] = []
        self._token = token
        self._host, self._port, self._trust = _address(url, pinned)
        self._refused: Exception | None = None
        self._last: Exception | None = None
        self._back: asyncio.Future[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> Welcome:
        """Connect for the first time. Raises NotConnectedError, DeniedError."""
        wire = await self._connect()
        self._take(wire)
        return await wire.welcome

    async def ready(self) -> Wire:
        """The connection; shortly after it was lost this waits for the next one.

        Raises NotConnectedError, or DeniedError once the server has refused the token.
        """
        if self.wire is not None:
            return self.wire
        if self._closed or self._back is None:
            raise NotConnectedError("this client is closed" if self._closed else "this client is not connected")
        try:
            async with self.clock.timeout(min(GRACE, self.timeout)):
                await asyncio.shield(self._back)
        except TimeoutError:
            raise NotConnectedError(f"not connected to {self.url}: {self._last}") from None
        return await self.ready()

    async def close(self) -> None:
        """Disconnect and stay so. May be called twice."""
        self._closed = True
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        if self._back is not None and not self._back.done():
            self._back.cancel()
        wire, self.wire = self.wire, None
        if wire is not None:
            wire.close()
            await asyncio.sleep(0)

    async def _connect(self) -> Wire:
        loop = asyncio.get_running_loop()
        given: dict[str, Any] = {"ssl": self._trust}
        if self._trust is not None:
            given["server_hostname"] = self._host
        wire = Wire(self.url, self._token, self.clock, self.timeout)
        try:
            async with self.clock.timeout(self.timeout):
                await loop.create_connection(lambda: wire, self._host, self._port, **given)
                await asyncio.shield(wire.welcome)
        except (OSError, TimeoutError) as error:
            wire.close()
            raise not_connected(self.url, error) from error
        except BaseException:
            wire.close()
            raise
        return wire

    def _take(self, wire: Wire) -> None:
        self.wire = wire
        wire.on_lost = self._lost
        if self._back is not None and not self._back.done():
            self._back.set_result(None)
        self._back = None
        for told in list(self.up):
            told(wire)

    def _lost(self, error: Exception) -> None:
        self.wire = None
        self._last = error
        self._back = asyncio.get_running_loop().create_future()
        for told in list(self.down):
            told(error)
        if not self._closed:
            self._keeper = asyncio.create_task(self._reconnect(error), name="native reconnection")

    async def _reconnect(self, error: Exception) -> None:
        pause = _FIRST_RETRY
        while not isinstance(error, DeniedError):
            try:
                wire = await self._connect()
            except SerenoError as failed:
                error = self._last = failed
            except Exception as failed:
                import structlog

                log = structlog.get_logger(__name__)
                log.exception("reconnection failed", task="native reconnection", url=self.url)
                error = self._last = NotConnectedError(f"{type(failed).__name__}: {failed}")
            else:
                self._take(wire)
                return
            if isinstance(error, DeniedError):
                break
            await self.clock.sleep(pause * (0.5 + random.random() / 2))  # noqa: S311 - spreads reconnections
            pause = min(pause * 2, _LONGEST_RETRY)
        self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        """The server will not have this token any more: everybody who waits is told so."""
        if self._back is not None and not self._back.done():
            self._back.set_exception(error)
            self._back.exception()
        for told in list(self.down):
            told(error)


def _address(url: str, pinned: str) -> tuple[str, int, ssl.SSLContext | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or port is None:
        raise ValueError(f"{url!r} is no address of a native server, expected tcp://HOST:PORT or tls://HOST:PORT")
    return parts.hostname, port, trust_of(pinned) if parts.scheme == "tls" else None
