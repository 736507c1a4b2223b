"""uvicorn inside a running loop: bound before it says so, and stopped in time although streams are open."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Generator
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from sereno.model import Clock, OperationError

from .bounded import BoundedHttp, LinedSocket

_log = structlog.get_logger(__name__)

MAX_MESSAGE = 1 << 16
SEND_BUFFER = 1 << 17
_GRACE = 1
_SWEEP = 5.0
_PATIENCE = 6
_MAX_CONNECTIONS = 10_000
_ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound


class WebServer:
    """Serves an application on one address. `port` is the real one as soon as `start` has returned."""

    def __init__(
        self, app: FastAPI, clock: Clock, host: str = "127.0.0.1", port: int = 8000, tls: ssl.SSLContext | None = None
    ) -> None:
        self.host = host
        self.port = port
        self._app = app
        self._clock = clock
        self._tls = tls
        self._server: _Uvicorn | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def url(self) -> str:
        """The address for a browser; one on this machine where the server listens on all."""
        name = _ANY_ADDRESS.get(self.host, self.host)
        host = f"[{name}]" if ":" in name else name
        scheme = "https" if self._app.state.context.secure else "http"
        return f"{scheme}://{host}:{self.port}"

    async def start(self) -> None:
        """Listen and answer. Raises OperationError if the address cannot be had."""
        listener = _listen(self.host, self.port)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(self._app, **_OPTIONS)
        config.load()
        config.ssl = self._tls
        server = _Uvicorn(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="web server")
        answering = asyncio.create_task(server.answering.wait())
        await asyncio.wait((serving, answering), return_when=asyncio.FIRST_COMPLETED)
        answering.cancel()
        if serving.done():
            listener.close()
            raise OperationError(f"the web server did not start: {serving.exception()}")
        self._server = server
        self._tasks = [serving, asyncio.create_task(self._sweep(server), name="web sweep")]

    async def stop(self) -> None:
        """End streams, finish requests under way, close. Takes less than two seconds. May be called twice."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self._app.state.outlets.close()
        server.should_exit = True
        serving, sweep = self._tasks
        sweep.cancel()
        await asyncio.gather(serving, sweep, return_exceptions=True)

    async def _sweep(self, server: _Uvicorn) -> None:
        """Cut connections that would stay for ever: closed here but their peer takes nothing, or never asking."""
        closing: set[Any] = set()
        while True:
            await self._clock.sleep(_SWEEP)
            open_now: list[Any] = list(server.server_state.connections)
            closing_now = {c for c in open_now if c.transport.is_closing()}
            asking = [c for c in open_now if isinstance(c, BoundedHttp) and c.in_head]
            for connection in asking:
                connection.patience += 1
            tired = {c for c in asking if c.patience > _PATIENCE}
            for connection in closing & closing_now | tired:
                connection.transport.abort()
            closing = closing_now


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """The node has its own way of stopping."""
        yield


_OPTIONS: dict[str, Any] = {
    "loop": "none",
    "http": BoundedHttp,
    "ws": LinedSocket,
    "limit_concurrency": _MAX_CONNECTIONS,
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
    "ws_max_size": MAX_MESSAGE,
    "ws_per_message_deflate": False,
    "timeout_graceful_shutdown": _GRACE,
    "timeout_keep_alive": 30,
}


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0].lower()
        raise OperationError(
            f"cannot listen on {host}:{port}: {reason}; "
            "stop what listens there, or choose another port with --port (0 = any)"
        ) from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)  # bounds what a stalled client holds
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer's head must not wait for an ACK
    listener.setblocking(False)
    return listener
