"""HttpClient: plain HTTP/1.1 over the environment's transports; of an answer only what was asked for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

import httptools

from sereno.model import Clock, NoAnswerError, NotConnectedError, SystemClock

from ._transport import Transports

USUAL_PORT = 80
MOST_HEAD = 64 << 10
"""Bytes of head that an answer may have."""
FRAMED = 8
"""A body in chunks of a byte each is so many times as long on the wire."""
_URL = re.compile(
    r"(?P<server>http://[^/?#\r\n\t]+)(?P<path>/[^?#\r\n\t]*)?(?P<query>\?[^#\r\n\t]+)?\??(#.*)?", re.IGNORECASE
)
_REPEATABLE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer; `headers` by name in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """No redirects, no proxies, no cookies, no TLS.

    `keep` connections to each host stay open for the next question; 0 = each question has one of its own.
    """

    def __init__(self, transports: Transports, clock: Clock | None = None, *, keep: int = 0) -> None:
        self._transports = transports
        self._clock = clock or SystemClock()
        self._keep = keep
        self._idle: dict[tuple[str, int], list[_Connection]] = {}
        self._busy: set[_Connection] = set()
        self._closed = False

    async def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        most: int = 1 << 20,
        timeout: float | None = None,
        accept: Collection[int] | None = None,
    ) -> HttpAnswer:
        """Ask once. `most` bytes of body; `accept`: other statuses are no answer, and their bodies are not read.

        Raises NotConnectedError when nothing was sent, NoAnswerError with the reason, ValueError for no http URL.
        """
        place, head = _head(method, url, headers or {}, body)
        if timeout is None:
            return await self._exchanged(method, place, head + body, most, accept)
        try:
            async with self._clock.timeout(timeout):
                return await self._exchanged(method, place, head + body, most, accept)
        except TimeoutError:
            raise NoAnswerError(f"no answer within {timeout:g} s") from None

    async def close(self) -> None:
        """Hang up for good; who waits for an answer gets none."""
        self._closed = True
        for connection in list(self._busy):
            connection.fail("the node hung up")
        for idle in self._idle.values():
            for connection in idle:
                connection.abort()
        self._idle.clear()

    async def _exchanged(
        self, method: str, place: tuple[str, int], data: bytes, most: int, accept: Collection[int] | None
    ) -> HttpAnswer:
        connection = self._kept(place)
        if connection is not None:
            try:
                return await self._on(connection, place, data, most, accept)
            except NoAnswerError:
                if self._closed or connection.heard or method not in _REPEATABLE:
                    raise  # else it was closed just now: ask again on a new one
        return await self._on(await self._connected(place), place, data, most, accept)

    async def _on(
        self, connection: _Connection, place: tuple[str, int], data: bytes, most: int, accept: Collection[int] | None
    ) -> HttpAnswer:
        self._busy.add(connection)
        keep = False
        try:
            answer = await connection.ask(data, most, accept, keep=self._keep > 0)
            keep = connection.reusable
            return answer
        finally:
            self._busy.discard(connection)
            if keep and not self._closed and len(self._idle.get(place, ())) < self._keep:
                self._idle.setdefault(place, []).append(connection)
            else:
                connection.abort()

    def _kept(self, place: tuple[str, int]) -> _Connection | None:
        idle = self._idle.pop(place, [])
        while idle:
            connection = idle.pop()
            if connection.reusable:
                if idle:
                    self._idle[place] = idle
                return connection
            connection.abort()
        return None

    async def _connected(self, place: tuple[str, int]) -> _Connection:
        try:
            _, connection = await self._transports.connect(_Connection, *place)
        except OSError as error:
            raise NotConnectedError((error.strerror or "nobody there").lower()) from None
        except UnicodeError:
            raise NotConnectedError(f"{place[0][:60]!r} is no name of a machine") from None
        if self._closed:
            connection.abort()
            raise NotConnectedError("the node hung up")
        return connection


@lru_cache(maxsize=256)
def _place(server: str) -> tuple[str, int, str]:
    """Host, port and the Host line of "http://host:port". Raises ValueError for anything else."""
    parts = urlsplit(server)
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(f"{server!r} is no URL such as http://host:port/path")
    return parts.hostname, parts.port or USUAL_PORT, parts.netloc.rpartition("@")[2]


def _head(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[tuple[str, int], bytes]:
    """Host and port, and the bytes before the body, without the line that says how long the connection lives."""
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(f"{url!r} is no URL such as http://host:port/path")
    host, port, told = _place(found["server"])
    path, query = found["path"] or "/", found["query"] or ""
    lines = [f"{method} {path}{query} HTTP/1.1", f"Host: {told}"]
    for name, value in headers.items():
        if any(character in name + value for character in "\r\n"):
            raise ValueError(f"a header {name!r} with a line break")
        lines.append(f"{name}: {value}")
    if body or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    head = "".join(f"{line}\r\n" for line in lines)
    return (host, port), f"{head}\r\n".encode("ascii", "replace")


class _Connection(asyncio.Protocol):
    """One connection, an answer at a time; the callbacks without an underscore are those of the parser."""

    def __init__(self) -> None:
        self.heard = False
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[HttpAnswer] | None = None
        self._lost = False
        self._ended_well = False

    @property
    def reusable(self) -> bool:
        """True if another question can be asked."""
        return self._ended_well and not self._lost

    async def ask(self, data: bytes, most: int, accept: Collection[int] | None, *, keep: bool) -> HttpAnswer:
        """One question. Raises NoAnswerError."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._most, self._accept = most, accept
        self._parser: Any = httptools.HttpResponseParser(self)
        self._status = 0
        self._headers: dict[str, str] = {}
        self._head_bytes = self._bytes = 0
        self._body = bytearray()
        self.heard = self._ended_well = False
        self._head_is_over = False
        if self._lost:
            self.fail("hung up")
        elif keep:
            self._transport.write(data)
        else:
            line, rest = data.split(b"\r\n", 1)
            self._transport.write(line + b"\r\nConnection: close\r\n" + rest)
        return await self._answer

    def abort(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._answer is None or self._answer.done():
            self._ended_well = False  # more than was asked for
            self.abort()
            return
        self.heard = True
        self._bytes += len(data)
        if not self._head_is_over:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.fail("does not speak HTTP")
        if not self._head_is_over and self._head_bytes > MOST_HEAD:
            self.fail(f"more than {MOST_HEAD} bytes of head")
        elif self._bytes > MOST_HEAD + FRAMED * self._most:
            self.fail(f"more than {self._most} bytes in chunks that say nothing")

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol: the end of the connection is that of a body without a length."""
        self._lost = True
        if self._answer is None or self._answer.done():
            return
        told = self._headers.keys() & {"content-length", "transfer-encoding"}
        if exc is None and self._head_is_over and not told:
            self._done()
        self.fail("hung up")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head."""
        key, words = name.decode("latin-1").lower(), value.decode("latin-1")
        self._headers[key] = f"{self._headers[key]}, {words}" if key in self._headers else words

    def on_headers_complete(self) -> None:
        """The head is over."""
        self._status = self._parser.get_status_code()
        if self._status < 200:
            self._headers.clear()
            return
        self._head_is_over = True
        if self._accept is not None and self._status not in self._accept:
            self.fail(f"status {self._status}")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body += body
        if len(self._body) > self._most:
            self._body.clear()
            self.fail(f"more than {self._most} bytes")

    def on_message_complete(self) -> None:
        """All of it."""
        if self._head_is_over and self._answer is not None and not self._answer.done():
            self._ended_well = bool(self._parser.should_keep_alive())
            self._done()

    def _done(self) -> None:
        assert self._answer is not None
        self._answer.set_result(HttpAnswer(self._status, self._headers, bytes(self._body)))

    def fail(self, words: str) -> None:
        """There is no answer."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(NoAnswerError(words))
