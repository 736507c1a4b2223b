"""HttpGetter: one GET on one connection, over the environment's transports; of the answer only what was asked for."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httptools

from sereno.device import Transports
from sereno.model import NoAnswerError, NotConnectedError

USUAL_PORT = 80


class HttpGetter:
    """Plain HTTP/1.1: no redirects, no proxies, no cookies, a connection for each question."""

    def __init__(self, transports: Transports) -> None:
        self._transports = transports
        self._open: set[_Exchange] = set()

    async def get(self, url: str, most: int) -> bytes:
        """See Getter."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or USUAL_PORT
        path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        exchange = _Exchange(most)
        try:
            transport, _ = await self._transports.connect(lambda: exchange, host, port)
        except OSError as error:
            raise NotConnectedError((error.strerror or "nobody there").lower()) from None
        self._open.add(exchange)
        try:
            head = (
                f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\nConnection: close\r\n\r\n"
            )
            transport.write(head.encode("ascii", "replace"))
            return await exchange.answer
        finally:
            self._open.discard(exchange)
            transport.abort()

    async def close(self) -> None:
        """See Getter."""
        for exchange in list(self._open):
            exchange.fail("the node hung up")


class _Exchange(asyncio.Protocol):
    """Reads one answer; the callbacks without an underscore are those of the parser."""

    def __init__(self, most: int) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._most = most
        self._body = bytearray()
        self._parser: Any = httptools.HttpResponseParser(self)
        self._head_is_over = False
        self._until_end = True

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self.answer.done():
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.fail("does not speak HTTP")

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol: the end of the connection is that of a body without a length."""
        if exc is None and self._head_is_over and self._until_end and not self.answer.done():
            self.answer.set_result(bytes(self._body))
        self.fail("hung up")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A line of the head."""
        del value
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._until_end = False

    def on_headers_complete(self) -> None:
        """The head is over."""
        self._head_is_over = True
        status = self._parser.get_status_code()
        if status != 200:
            self.fail(f"status {status}")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body += body
        if len(self._body) > self._most:
            self._body.clear()
            self.fail(f"more than {self._most} bytes")

    def on_message_complete(self) -> None:
        """All of it."""
        if not self.answer.done():
            self.answer.set_result(bytes(self._body))

    def fail(self, words: str) -> None:
        """There is no answer."""
        if not self.answer.done():
            self.answer.set_exception(NoAnswerError(words))
