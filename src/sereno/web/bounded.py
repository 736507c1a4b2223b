"""HTTP/1.1 and WebSocket as uvicorn speaks them, with bounds before anybody has signed in, and with their lines."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from .line import LINE, Line

MAX_HEAD = 1 << 15
"""Bytes of request line and headers. The parser underneath would gather them without end."""
HELD = 1 << 16
"""Bytes that a connection holds for a client before it counts as slow."""


class Lined(asyncio.Protocol):
    """A connection that lends its line: goes before the protocol of the server in the list of bases."""

    _line: Line

    def connection_made(self, transport: Any) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(HELD)  # under TLS the loop would hold eight times as much
        self._line = Line(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._line.lose()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        super().pause_writing()
        self._line.pause()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        super().resume_writing()
        self._line.resume()


class BoundedHttp(Lined, HttpToolsProtocol):
    """Cuts a connection whose request head is too large; `in_head`: a head is awaited or has come in part."""

    in_head = True
    patience = 0
    _head = 0

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._head += len(data)
        super().data_received(data)
        if self._head > MAX_HEAD and self.in_head:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """See HttpToolsProtocol."""
        super().on_message_begin()
        self.in_head = True
        scope: Any = self.scope
        scope["extensions"] = {LINE: self._line}

    def on_headers_complete(self) -> None:
        """See HttpToolsProtocol."""
        self.in_head = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """See HttpToolsProtocol."""
        self._head = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """See HttpToolsProtocol."""
        self.patience = self._head = 0
        super().on_message_complete()


class LinedSocket(Lined, WebSocketsSansIOProtocol):
    """A WebSocket that lends its line as well."""

    def shutdown(self) -> None:
        """See WebSocketsSansIOProtocol."""
        self._line.lose()
        super().shutdown()

    def handle_close(self, event: Any) -> None:
        """See WebSocketsSansIOProtocol. After a closing frame nothing may follow."""
        self._line.lose()
        super().handle_close(event)

    def handle_parser_exception(self) -> None:
        """See WebSocketsSansIOProtocol."""
        self._line.lose()
        super().handle_parser_exception()

    def keepalive_timeout(self) -> None:
        """See WebSocketsSansIOProtocol."""
        self._line.lose()
        super().keepalive_timeout()

    def handle_connect(self, event: Request) -> None:
        """See WebSocketsSansIOProtocol."""
        super().handle_connect(event)
        if not self.close_sent:
            scope: Any = self.scope
            scope["extensions"][LINE] = self._line
