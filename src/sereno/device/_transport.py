"""Where bytes come from: sockets, or memory in tests. Injected, so driver, simulator and hub can share a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

P = TypeVar("P", bound=asyncio.Protocol)


class Listener(Protocol):
    """A listening end."""

    @property
    def port(self) -> int:
        """The port that it got."""

    async def close(self) -> None:
        """Stop listening and drop the connections that came through it."""


class Transports(Protocol):
    """Makes connections. Raises OSError as sockets do."""

    async def connect(self, factory: Callable[[], P], host: str, port: int) -> tuple[asyncio.Transport, P]:
        """A connected transport with its protocol."""

    async def listen(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> Listener:
        """Accept connections; port 0 chooses one."""


class _SocketListener:
    def __init__(self, server: asyncio.Server, transports: set[asyncio.BaseTransport]) -> None:
        self._server = server
        self._transports = transports

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        self._server.close()
        for transport in list(self._transports):
            transport.close()
        await self._server.wait_closed()


class SocketTransports:
    """TCP through the running loop."""

    async def connect(self, factory: Callable[[], P], host: str, port: int) -> tuple[asyncio.Transport, P]:
        """See Transports."""
        return await asyncio.get_running_loop().create_connection(factory, host, port)

    async def listen(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> Listener:
        """See Transports."""
        server = await asyncio.get_running_loop().create_server(factory, host, port)
        return _SocketListener(server, set())
