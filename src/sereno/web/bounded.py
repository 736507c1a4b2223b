"""HTTP/1.1 as uvicorn speaks it, with bounds before anybody has signed in."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 1 << 15
"""Bytes of request line and headers. The parser underneath would gather them without end."""


class BoundedHttp(HttpToolsProtocol):
    """Cuts a connection whose request head is too large; `in_head` says that no whole head has come yet."""

    in_head = True
    patience = 0
    _head = 0

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._head += len(data)
        super().data_received(data)
        if self._head > MAX_HEAD and self.in_head:
            self.transport.abort()

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
        self.in_head = True
        self.patience = self._head = 0
        super().on_message_complete()
