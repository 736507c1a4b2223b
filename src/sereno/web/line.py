"""The transport of a connection, lent to whoever sends the same bytes to many: no task wakes up for a frame.

The server puts one into the scope of each connection; without it (another ASGI server) frames take the usual way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import Scope

LINE = "sereno.line"
TEXT, BINARY = 0x81, 0x82
_SHORT, _MEDIUM = 126, 1 << 16


class Beat:
    """The sign of life that is due. While it is `riding`, frames carry it along: no second write for busy clients."""

    def __init__(self) -> None:
        self.number = 0
        self.riding = False
        self.event = self.chunk = self.frame = self.message = b""

    def make(self, event: bytes, frame: bytes) -> None:
        """What it looks like: as event and as frame of `wire`."""
        self.event, self.chunk = event, chunk(event)
        self.frame, self.message = frame, message(BINARY, frame)


class Line:
    """Bytes out, never waiting: `writable` while it is lent and its transport holds no more than its high-water mark.

    Who writes counts in `frames` and `bytes`, which begin at zero when it is lent. `beaten`: number of its last beat.
    """

    __slots__ = ("_drained", "_room", "_transport", "beaten", "bytes", "frames", "writable", "write")

    def __init__(self, transport: Any) -> None:
        self.writable = False
        self.write: Callable[[bytes], None] = transport.write
        self.frames = 0
        self.bytes = 0
        self.beaten = 0
        self._room = True
        self._transport = transport
        self._drained: Callable[[], None] | None = None

    @property
    def held(self) -> int:
        """Bytes that the system has not taken yet."""
        return int(self._transport.get_write_buffer_size())

    def put(self, data: bytes) -> None:
        """Write and count."""
        self.write(data)
        self.frames += 1
        self.bytes += len(data)

    def lend(self, drained: Callable[[], None]) -> None:
        """`drained` is called each time it becomes writable again."""
        self.frames = self.bytes = 0
        self.writable = self._room
        self._drained = drained

    def give_back(self) -> None:
        """Nobody writes directly any more: something else has the last word."""
        self.writable = False
        self._drained = None

    def pause(self) -> None:
        """The transport holds enough."""
        self.writable = self._room = False

    def resume(self) -> None:
        """The transport has room again."""
        self._room = True
        if self._drained is not None:
            self.writable = True
            self._drained()

    def lose(self) -> None:
        """The connection is gone, or about to close."""
        self._room = False
        self.give_back()


def line_of(scope: Scope) -> Line | None:
    """The line of a connection, if its server lends one."""
    found = (scope.get("extensions") or {}).get(LINE)
    return found if isinstance(found, Line) else None


def chunk(body: bytes) -> bytes:
    """A piece of an HTTP/1.1 body of unknown length."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def message(kind: int, payload: bytes) -> bytes:
    """A whole WebSocket message as a server sends it: unmasked, in one frame."""
    size = len(payload)
    if size < _SHORT:
        return bytes((kind, size)) + payload
    if size < _MEDIUM:
        return bytes((kind, 126)) + size.to_bytes(2, "big") + payload
    return bytes((kind, 127)) + size.to_bytes(8, "big") + payload
