"""Records of the log: length, checksum, payload; and how to find them again in damaged bytes.

A record is 24 bytes of header (u8[4] marker, u32 payload length, u32 CRC-32, u8 kind, 3 zero bytes,
i64 commit time ns UTC) and a payload of a multiple of 8 bytes, little endian. The checksum also covers
the number of the segment and the record's offset in it, so that bytes in a wrong place are not a record.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

MARKER = b"\xffSR\xfe"
_HEAD = struct.Struct("<4sIIB3sq")
HEAD_SIZE = _HEAD.size
_PLACE = struct.Struct("<QQIB3sq")
_ZERO = b"\0\0\0"


class RecordKind(IntEnum):
    """What the payload is."""

    ROWS = 1
    SET = 2
    COVER = 3
    GAP = 4


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record at `offset` of its segment. `t` = when it was committed, ns UTC."""

    offset: int
    kind: int
    t: int
    payload: memoryview

    @property
    def end(self) -> int:
        """Offset of the byte after it."""
        return self.offset + HEAD_SIZE + len(self.payload)


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes from `offset` to `end` that are no record. `torn`: no record follows."""

    offset: int
    end: int
    torn: bool


def encode_record(kind: RecordKind, parts: Sequence[Any], t: int, segment: int, offset: int) -> list[Any]:
    """Buffers of the record that is written at `offset` of `segment`; `parts` are bytes or contiguous arrays."""
    length = sum(memoryview(p).nbytes for p in parts)
    crc = zlib.crc32(_PLACE.pack(segment, offset, length, kind, _ZERO, t))
    for part in parts:
        crc = zlib.crc32(part, crc)
    return [_HEAD.pack(MARKER, length, crc, kind, _ZERO, t), *parts]


def record_at(data: memoryview, position: int, segment: int, offset: int) -> Record | None:
    """The record at `position` of `data`, which is `offset` of the segment; None if there is no whole valid one."""
    if position + HEAD_SIZE > len(data):
        return None
    marker, length, crc, kind, zero, t = _HEAD.unpack_from(data, position)
    start = position + HEAD_SIZE
    if marker != MARKER or zero != _ZERO or length % 8 or start + length > len(data):
        return None
    payload = data[start : start + length]
    found = zlib.crc32(payload, zlib.crc32(_PLACE.pack(segment, offset, length, kind, zero, t)))
    return Record(offset, kind, t, payload) if found == crc else None


def scan_records(data: bytes, segment: int, start: int) -> Iterator[Record | Damage]:
    """Every whole record from `start` on, in order, and the damage between and after them."""
    view = memoryview(data)
    position = start
    while position < len(data):
        record = record_at(view, position, segment, position)
        if record is not None:
            yield record
            position = record.end
            continue
        following = _next_record(view, position + 8, segment)
        yield Damage(position, following, torn=following == len(data))
        position = following


def _next_record(view: memoryview, position: int, segment: int) -> int:
    """Offset of the next valid record, else the end. Records begin at multiples of 8."""
    position = -(-position // 8) * 8
    words = np.frombuffer(view[: len(view) // 8 * 8], "<u4")[::2]
    marked = np.flatnonzero(words[position // 8 :] == int.from_bytes(MARKER, "little")) * 8 + position
    for candidate in marked.tolist():
        if record_at(view, candidate, segment, candidate) is not None:
            return int(candidate)
    return len(view)
