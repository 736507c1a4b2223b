"""Where bytes come from: sockets, or memory in tests. Injected, so driver, simulator and hub can share a process."""

from __future__ import annotations

import asyncio
import socket
import weakref
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

P = TypeVar("P", bound=asyncio.Protocol)

RECEIVE_BUFFER = 8 << 20
"""Bytes of datagrams that the system is asked to keep while the loop is busy; it may give less."""


class Listener(Protocol):
    """A listening end."""

    @property
    def port(self) -> int:
        """The port that it got."""

    async def close(self) -> None:
        """Stop listening and drop the connections that came through it. May be called twice."""


class Transports(Protocol):
    """Makes connections. Raises OSError as sockets do."""

    async def connect(self, factory: Callable[[], P], host: str, port: int) -> tuple[asyncio.Transport, P]:
        """A connected transport with its protocol."""

    async def listen(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> Listener:
        """Accept connections; port 0 chooses one."""

    async def datagrams(self, factory: Callable[[], asyncio.DatagramProtocol], host: str, port: int) -> Listener:
        """Receive datagrams; port 0 chooses one."""


class _Accepted(asyncio.Protocol):
    """Stands in until the connection is made, so that the listener knows its transports."""

    def __init__(self, listener: _SocketListener, factory: Callable[[], asyncio.Protocol]) -> None:
        self._listener = listener
        self._factory = factory

    def connection_made(self, made: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", made)  # uvloop's do not inherit from it
        if self._listener.closed:
            transport.abort()
            return
        protocol = self._factory()
        transport.set_protocol(protocol)
        self._listener.transports.add(transport)
        protocol.connection_made(transport)


class _SocketListener:
    def __init__(self) -> None:
        self.transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        self.closed = False
        self._server: asyncio.Server | None = None
        self._port = 0

    async def open(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> None:
        server = await asyncio.get_running_loop().create_server(lambda: _Accepted(self, factory), host, port)
        self._server = server
        self._port = int(server.sockets[0].getsockname()[1])

    @property
    def port(self) -> int:
        return self._port

    async def close(self) -> None:
        if self.closed or self._server is None:
            return
        self.closed = True
        self._server.close()
        # wait_closed waits for the connections where the Python is new enough: end them first, without waiting
        # for peers that do not read
        for transport in list(self.transports):
            transport.abort()
        await self._server.wait_closed()
        await asyncio.sleep(0)  # their connection_lost calls are in the queue before this


class _DatagramSocket:
    def __init__(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport
        self._port = int(transport.get_extra_info("sockname")[1])

    @property
    def port(self) -> int:
        return self._port

    async def close(self) -> None:
        self._transport.abort()
        await asyncio.sleep(0)  # its connection_lost call is in the queue before this


class SocketTransports:
    """TCP and UDP through the running loop."""

    async def connect(self, factory: Callable[[], P], host: str, port: int) -> tuple[asyncio.Transport, P]:
        """See Transports."""
        return await asyncio.get_running_loop().create_connection(factory, host, port)

    async def listen(self, factory: Callable[[], asyncio.Protocol], host: str, port: int) -> Listener:
        """See Transports."""
        listener = _SocketListener()
        await listener.open(factory, host, port)
        return listener

    async def datagrams(self, factory: Callable[[], asyncio.DatagramProtocol], host: str, port: int) -> Listener:
        """See Transports."""
        made, _ = await asyncio.get_running_loop().create_datagram_endpoint(factory, local_addr=(host, port))
        opened = made.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        return _DatagramSocket(made)
