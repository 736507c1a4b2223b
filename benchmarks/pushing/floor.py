"""The floor: a bare protocol on the event loop that writes the same bytes to every connection, nothing else."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import struct
from typing import Any

from feed import ROWS, arguments, obey, say

BOUND = 1 << 16
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_EVENT_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: "

connections: set[Any] = set()


class Connection(asyncio.Protocol):
    """Answers the first request with a stream."""

    def connection_made(self, transport: Any) -> None:  # uvloop has transports of its own
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.transport in connections:
            self.transport.write(b"\x81\x02{}")
            return
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", data)
        if key is None:
            self.transport.write(_EVENT_STREAM)
        else:
            accept = base64.b64encode(hashlib.sha1(key[1] + _MAGIC).digest())
            self.transport.write(_SWITCH + accept + b"\r\n\r\n")
        connections.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        connections.discard(self.transport)


def event(now: float, size: int) -> bytes:
    """A server-sent event."""
    text = b'id: 1\ndata: {"seq":1,"value":[%.7f,' % now
    return text + b"1," * ((size - len(text)) // 2) + b"1]}\n\n"


def frame(now: float, size: int) -> bytes:
    """A binary WebSocket message."""
    return b"\x82\x7e" + struct.pack(">H", size) + b"S" + bytes(47) + struct.pack("<d", now) + bytes(size - 56)


async def main() -> None:
    asked = arguments()
    make = event if asked.kind == "sse" else frame
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    say(port=server.sockets[0].getsockname()[1], token="none", rows=ROWS[asked.kind])

    def send(now: float) -> None:
        data = make(now, asked.bytes)
        for transport in connections:
            if transport.get_write_buffer_size() < BOUND:
                transport.write(data)

    await obey(send)


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
