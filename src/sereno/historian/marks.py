"""SET, COVER and GAP payloads: what is known about tags between their rows.

SET: i64 key, u32 n, 4 zero bytes, i64 ids[n], increasing. COVER: n times (i64 key of a set, i64 until): the tags of
the set kept their last value until then. GAP: i64 from, i64 until: nothing was recorded in between.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]

_SET_HEAD = struct.Struct("<qI4x")
_PAIR = struct.Struct("<qq")


@dataclass(frozen=True, slots=True)
class Gap:
    """Rows stated before `place` of the log are not known to hold beyond `start`; nothing was recorded until `end`."""

    start: int
    end: int
    place: int


def place(segment: int, offset: int) -> int:
    """A number that grows along the whole log."""
    return segment << 40 | offset


def set_key(ids: I64) -> int:
    """A number for a sorted set of tag ids, the same wherever the set is the same."""
    return int.from_bytes(hashlib.blake2b(ids.astype("<i8").tobytes(), digest_size=8).digest(), "little") >> 1


def encode_set(key: int, ids: I64) -> list[Any]:
    """Buffers of a SET payload."""
    return [_SET_HEAD.pack(key, len(ids)), np.ascontiguousarray(ids, "<i8")]


def decode_set(payload: memoryview) -> tuple[int, I64]:
    """Key and ids. Raises ValueError."""
    if len(payload) < _SET_HEAD.size or len(payload) != _SET_HEAD.size + 8 * _SET_HEAD.unpack_from(payload)[1]:
        raise ValueError(f"set of {len(payload)} bytes")
    key, n = _SET_HEAD.unpack_from(payload)
    return key, np.frombuffer(payload, "<i8", n, _SET_HEAD.size)


def encode_cover(until: dict[int, int]) -> list[Any]:
    """Buffers of a COVER payload, from set key to ns UTC."""
    return [b"".join(_PAIR.pack(key, t) for key, t in until.items())]


def decode_cover(payload: memoryview) -> dict[int, int]:
    """Set keys and times. Raises ValueError."""
    if len(payload) % _PAIR.size:
        raise ValueError(f"cover of {len(payload)} bytes")
    return dict(_PAIR.iter_unpack(payload))


def encode_gap(start: int, end: int) -> list[Any]:
    """Buffers of a GAP payload."""
    return [_PAIR.pack(start, end)]


def decode_gap(payload: memoryview, at: int) -> Gap:
    """The gap that is stated at place `at`. Raises ValueError."""
    if len(payload) != _PAIR.size:
        raise ValueError(f"gap of {len(payload)} bytes")
    start, end = _PAIR.unpack(payload)
    return Gap(start, end, at)
