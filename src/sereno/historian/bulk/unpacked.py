"""How much an Arrow stream is once it is unpacked, by what it says of itself and before anything of it is unpacked.

Of the format (Arrow columnar, IPC) as much as that takes: messages, their flatbuffers, the lengths of their buffers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

MAX_UNPACKED = 64 << 20
MAX_VALUES = 8 << 20
_CONTINUES = 0xFFFFFFFF
_DICTIONARY, _BATCH = 2, 3
_PLAIN = -1
"""In the place of the length of a buffer that is not compressed although others are."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of a flatbuffer."""

    data: memoryview
    at: int

    def field(self, number: int) -> int:
        """Where a field is, 0 if it is left out. Raises ValueError, struct.error."""
        vtable = self.at - _get(self.data, "<i", self.at)
        size = _get(self.data, "<H", vtable)
        there = 4 + 2 * number
        offset = _get(self.data, "<H", vtable + there) if there + 2 <= size else 0
        return self.at + offset if offset else 0

    def number(self, number: int, form: str) -> int:
        """A number, 0 if it is left out."""
        at = self.field(number)
        return _get(self.data, form, at) if at else 0

    def table(self, number: int) -> _Table | None:
        """A table, None if it is left out."""
        at = self.field(number)
        return _Table(self.data, at + _get(self.data, "<I", at)) if at else None

    def pairs(self, number: int) -> list[tuple[int, int]]:
        """A vector of structs of two int64."""
        at = self.field(number)
        if not at:
            return []
        at += _get(self.data, "<I", at)
        pairs = np.frombuffer(self.data, "<i8", 2 * _get(self.data, "<I", at), at + 4)
        return list(zip(pairs[::2].tolist(), pairs[1::2].tolist(), strict=True))


def check_size(part: memoryview) -> None:
    """Raises ValueError if a part is more than MAX_UNPACKED bytes or MAX_VALUES values once it is unpacked, or if it
    is no Arrow stream.
    """
    size = values = 0
    if not part:
        raise ValueError("not samples in Arrow: the part is empty")
    try:
        for header, body in _batches(part):
            size += _size(header, body)
            values += sum(length for length, _ in header.pairs(1))
            if size > MAX_UNPACKED:
                raise _TooMuchError(f"{size} bytes once it is unpacked, at most {MAX_UNPACKED}; make smaller parts")
            if values > MAX_VALUES:
                raise _TooMuchError(f"{values} values, at most {MAX_VALUES}; make smaller parts")
    except _TooMuchError:
        raise
    except (struct.error, ValueError) as error:
        raise ValueError(f"not samples in Arrow: {error}") from error


class _TooMuchError(ValueError):
    """It is an Arrow stream, of too much."""


def _batches(part: memoryview) -> Iterator[tuple[_Table, memoryview]]:
    """The record batches and dictionaries of a stream, with their buffers."""
    at = 0
    while at + 4 <= len(part):
        length = _get(part, "<I", at)
        at += 4
        if length == _CONTINUES:
            length = _get(part, "<I", at)
            at += 4
        if not length:
            return
        metadata = part[at : at + length]
        message = _Table(metadata, _get(metadata, "<I", 0))
        body_length = message.number(3, "<q")
        at += length
        if body_length < 0 or at + body_length > len(part):
            raise ValueError(f"a message of {body_length} bytes at byte {at} of {len(part)}")
        header = message.table(2)
        kind = message.number(1, "<B")
        if header is not None and kind == _DICTIONARY:
            header = header.table(1)
        if header is not None and kind in (_DICTIONARY, _BATCH):
            yield header, part[at : at + body_length]
        at += body_length


def _size(header: _Table, body: memoryview) -> int:
    """Bytes of the buffers of a batch; those that are named twice count twice."""
    packed = header.table(3) is not None
    size = 0
    for at, length in header.pairs(2):
        stated = _get(body, "<q", at) if packed and length else _PLAIN
        if length < 0 or stated < _PLAIN:
            raise ValueError(f"a buffer of {min(length, stated)} bytes")
        size += length if stated == _PLAIN else stated
    return size


def _get(data: memoryview, form: str, at: int) -> int:
    """A number at a place. Raises struct.error where there is none."""
    if at < 0:
        raise struct.error(f"a place before the beginning ({at})")
    found: int = struct.unpack_from(form, data, at)[0]
    return found
