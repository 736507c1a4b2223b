"""A small HTTP server over the environment's transports: one request after another on each connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httptools
import structlog

from sereno.device import Listener, SocketTransports, Transports

log = structlog.get_logger(__name__)
MOST_BODY = 1 << 20
_WORDS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 500: "Internal Server Error"}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; `values` are those of the query, or of the form of a PUT."""

    method: str
    path: str
    values: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered."""

    body: bytes
    kind: str = "application/json"
    status: int = 200


class Silence(Exception):  # noqa: N818 - no error: raised by a handler that answers nothing at all
    """This question gets no answer."""


Handler = Callable[[Request], Awaitable[Response]]


class WebServer:
    """Serves one handler to any number of connections on 127.0.0.1 or another host."""

    def __init__(self, handler: Handler, transports: Transports | None = None) -> None:
        self.handler = handler
        self.tasks: set[asyncio.Task[None]] = set()
        self._transports: Transports = transports or SocketTransports()
        self._listener: Listener | None = None

    @property
    def port(self) -> int:
        """The port that it got; 0 while it does not listen."""
        return 0 if self._listener is None else self._listener.port

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen. Raises OSError when the port is taken."""
        self._listener = await self._transports.listen(lambda: _Connection(self), host, port)

    async def close(self) -> None:
        """Drop the connections and stop listening. May be called twice."""
        if self._listener is not None:
            await self._listener.close()
            self._listener = None
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


class _Connection(asyncio.Protocol):
    """The callbacks without an underscore are those of the parser."""

    def __init__(self, server: WebServer) -> None:
        self._server = server
        self._transport: Any = None
        self._waiting: list[Request] = []
        self._task: asyncio.Task[None] | None = None
        self._parser: Any = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        del exc
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.abort()

    def on_url(self, url: bytes) -> None:
        """The target of a request, or a piece of it."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body += body
        if len(self._body) > MOST_BODY:
            self._transport.abort()

    def on_message_complete(self) -> None:
        """A request is complete."""
        method = self._parser.get_method().decode("ascii", "replace")
        path, _, query = self._target.decode("latin-1").partition("#")[0].partition("?")
        text = query if method == "GET" else self._body.decode("utf-8", "replace")
        values = dict(parse_qsl(text, keep_blank_values=True))
        self._waiting.append(Request(method, path, values, self._headers))
        self._target, self._headers, self._body = b"", {}, bytearray()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer(), name="answer of a simulator")
            self._server.tasks.add(self._task)
            self._task.add_done_callback(self._server.tasks.discard)

    async def _answer(self) -> None:
        while self._waiting:
            request = self._waiting.pop(0)
            try:
                response = await self._server.handler(request)
            except Silence:
                break
            except Exception as error:
                log.exception("simulator failed", task="answer of a simulator", path=request.path)
                response = Response(repr(error).encode(), "text/plain", 500)
            close = request.headers.get("connection", "").lower() == "close"
            self._write(response, close=close)
            if close:
                self._transport.close()
        self._task = None

    def _write(self, response: Response, *, close: bool) -> None:
        life = "close" if close else "keep-alive"
        head = (
            f"HTTP/1.1 {response.status} {_WORDS.get(response.status, 'Other')}\r\nContent-Type: {response.kind}\r\n"
            f"Content-Length: {len(response.body)}\r\nConnection: {life}\r\n\r\n"
        )
        self._transport.write(head.encode("latin-1") + response.body)
