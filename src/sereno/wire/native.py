"""Native frames v1: the binary protocol between programs and a node, little endian (docs/wire.md).

Header of 16 bytes: u8 'N', u8 version, u8 kind, u8 flags, u32 bytes that follow, u32 id, u32 extra. `id` is the number
of a request or subscription, chosen by the client; what `extra` is depends on the kind.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from .errors import WireError

MAGIC = 0x4E
VERSION = 1
HEADER = struct.Struct("<BBBBIII")
HEADER_SIZE = HEADER.size

MAX_STRANGER_BYTES = 4096
"""Largest frame from a peer that has not said who it is."""
MAX_REQUEST_BYTES = 4 << 20
MAX_ANSWER_BYTES = 256 << 20


class Kind(IntEnum):
    """What a frame is. Up to 31 a client sends them, from 32 a server."""

    HELLO = 1
    BEAT = 2
    OPEN = 3
    READ = 4
    COMMAND = 5
    ASK = 6
    SUBSCRIBE = 7
    UNSUBSCRIBE = 8
    WELCOME = 32
    PULSE = 33
    ANSWER = 34
    FAILED = 35
    VALUE = 36
    COLUMNS = 37
    ACKS = 38
    UPDATE = 39
    ENDED = 40
    BYE = 41
    EVENT = 42


class Flag:
    """Bits: plain integers, because they are looked at for every frame.

    `WHOLE`: all rows of the list in order, without `index`. `AGES`: with ages. `SNAPSHOT`: a full picture. `LAST`: no
    more frames of this request.
    """

    WHOLE = 1
    AGES = 2
    SNAPSHOT = 4
    LAST = 8


_KINDS = frozenset(int(kind) for kind in Kind)
_FLAGS = 15


class Received(NamedTuple):
    """One frame as it came. `kind` is a number of Kind."""

    kind: int
    flags: int
    id: int
    extra: int
    body: bytes


def pack(kind: int, number: int = 0, extra: int = 0, body: bytes = b"", flags: int = 0) -> bytes:
    """A frame. Raises WireError for numbers that do not fit."""
    return head(kind, len(body), number, extra, flags) + body


def head(kind: int, size: int, number: int = 0, extra: int = 0, flags: int = 0) -> bytes:
    """The header of a frame with `size` bytes after it. Raises WireError for numbers that do not fit."""
    try:
        return HEADER.pack(MAGIC, VERSION, kind, flags, size, number, extra)
    except struct.error as error:
        raise WireError(f"a field of the frame does not fit: {error}") from error


class Splitter:
    """Bytes as they come -> whole frames. After a WireError nothing more can be understood."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.waiting = 0
        self._parts: list[bytes] = []
        self._needed = 0

    def feed(self, data: bytes) -> Iterator[Received]:
        """The frames that are whole now; the rest waits. Raises WireError for anything that is no frame v1."""
        if self._parts:
            self._parts.append(data)
            self.waiting += len(data)
            if self.waiting < self._needed:
                return
            data = b"".join(self._parts)
            self._parts.clear()
            self.waiting = 0
        at, end = 0, len(data)
        while end - at >= HEADER_SIZE:
            magic, version, kind, flags, size, number, extra = HEADER.unpack_from(data, at)
            if magic != MAGIC or version != VERSION or kind not in _KINDS or flags & ~_FLAGS:
                raise _strange(magic, version, kind, flags)
            if size > self.max_bytes:
                raise WireError(f"frame of {size} bytes, at most {self.max_bytes} are taken here")
            after = at + HEADER_SIZE + size
            if after > end:
                break
            body = data[at + HEADER_SIZE : after]
            at = after
            yield Received(kind, flags, number, extra, body)
        if at < end:
            self._keep(data[at:])

    def _keep(self, rest: bytes) -> None:
        if rest[0] != MAGIC or (len(rest) > 1 and rest[1] != VERSION):
            raise _strange(rest[0], rest[1] if len(rest) > 1 else VERSION, 0, 0)
        self._needed = HEADER_SIZE
        if len(rest) >= HEADER_SIZE:
            self._needed += HEADER.unpack_from(rest)[4]
        self._parts.append(rest)
        self.waiting = len(rest)


def _strange(magic: int, version: int, kind: int, flags: int) -> WireError:
    if magic != MAGIC:
        return WireError(f"starts with 0x{magic:02x}, expected 0x{MAGIC:02x}: this is not the native protocol")
    if version != VERSION:
        return WireError(f"version {version} of the native protocol, expected {VERSION}")
    return WireError(f"frame of kind {kind} with flags 0x{flags:02x}, which version {VERSION} does not have")
