"""ROWS payload: columns of samples. Constant times and qualities are stored once.

u32 n, u16 flags, u16 quality, i64 time; then i64 ids[n], f64 values[n] (not with OBJECTS), i64 times[n] (not with
ONE_TIME), i64 exact[n] (with EXACT), u16 qualities[n] (not with ONE_QUALITY), zeros to a multiple of 8; with OBJECTS
u32 ends[n], zeros to a multiple of 8 and the objects one after the other, zeros to a multiple of 8.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .objects import decode_object, encode_object

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]

BLOCK_HEAD = struct.Struct("<IHHq")


ONE_TIME, ONE_QUALITY, EXACT, OBJECTS, KEYFRAME = 1, 2, 4, 8, 16
"""Flags of a block: which columns it has."""
_FLAGS = 31


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Samples of tags by their stable id. `exact` int64 beside every row, or `objects` instead of `values`.

    `keyframe`: the rows repeat what was in force when the segment began.
    """

    ids: I64
    values: F64
    t: I64
    quality: U16
    exact: I64 | None = None
    objects: tuple[Any, ...] | None = None
    keyframe: bool = False

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Rows with a number for each tag: equal `keys`, equal ids; the smaller and the more sorted the faster."""

    rows: Rows
    keys: I32


@dataclass(frozen=True, slots=True)
class Layout:
    """Byte offsets of the columns in a payload (or, vectorised, in a file). Absent columns: meaningless."""

    values: Any
    t: Any
    exact: Any
    quality: Any
    ends: Any


def layout(n: Any, flags: Any) -> Layout:
    """Where the columns of a block of `n` rows are; `n` and `flags` may be int64 arrays."""
    has_values = (flags & OBJECTS) == 0
    has_times = (flags & ONE_TIME) == 0
    has_exact = (flags & EXACT) != 0
    has_quality = (flags & ONE_QUALITY) == 0
    values = BLOCK_HEAD.size + 8 * n
    t = values + 8 * n * has_values
    exact = t + 8 * n * has_times
    quality = exact + 8 * n * has_exact
    ends = quality + (2 * n * has_quality + 7) // 8 * 8
    return Layout(values, t, exact, quality, ends)


def encode_rows(rows: Rows) -> tuple[int, list[Any]]:
    """Flags and buffers of a ROWS payload; at least one row."""
    n = len(rows)
    flags = 0
    t0, q0 = int(rows.t[0]), int(rows.quality[0])
    columns: list[Any] = [_column(rows.ids, "<i8")]
    if rows.objects is None:
        columns.append(_column(rows.values, "<f8"))
    if bool((rows.t == t0).all()):
        flags |= ONE_TIME
    else:
        columns.append(_column(rows.t, "<i8"))
    if rows.exact is not None:
        flags |= EXACT
        columns.append(_column(rows.exact, "<i8"))
    if bool((rows.quality == q0).all()):
        flags |= ONE_QUALITY
    else:
        columns += [_column(rows.quality, "<u2"), bytes(-2 * n % 8)]
    if rows.objects is not None:
        flags |= OBJECTS
        columns += _object_columns(rows.objects)
    if rows.keyframe:
        flags |= KEYFRAME
    return flags, [BLOCK_HEAD.pack(n, flags, q0, t0), *columns]


def _column(array: NDArray[Any], dtype: str) -> NDArray[Any]:
    return np.ascontiguousarray(array, dtype)


def _object_columns(objects: Sequence[Any]) -> list[Any]:
    encoded = [encode_object(value) for value in objects]
    ends = np.cumsum([len(e) for e in encoded], dtype=np.uint64).astype("<u4")
    total = sum(len(e) for e in encoded)
    return [ends, bytes(-4 * len(ends) % 8), *encoded, bytes(-total % 8)]


def decode_rows(payload: memoryview) -> Rows:
    """The rows of a payload whose checksum was right. Raises ValueError if it is not a block of this version."""
    if len(payload) < BLOCK_HEAD.size:
        raise ValueError(f"block of {len(payload)} bytes")
    n, flags, q0, t0 = BLOCK_HEAD.unpack_from(payload)
    at = layout(n, flags)
    if n == 0 or flags & ~_FLAGS or at.ends > len(payload):
        raise ValueError(f"block of {len(payload)} bytes says {n} rows, flags 0x{flags:x}")
    one_time, one_quality = flags & ONE_TIME, flags & ONE_QUALITY
    with_objects = bool(flags & OBJECTS)
    return Rows(
        ids=np.frombuffer(payload, "<i8", n, BLOCK_HEAD.size),
        values=np.full(n, np.nan) if with_objects else np.frombuffer(payload, "<f8", n, at.values),
        t=np.full(n, t0, np.int64) if one_time else np.frombuffer(payload, "<i8", n, at.t),
        quality=np.full(n, q0, np.uint16) if one_quality else np.frombuffer(payload, "<u2", n, at.quality),
        exact=np.frombuffer(payload, "<i8", n, at.exact) if flags & EXACT else None,
        objects=tuple(object_in(payload, n, at.ends, i) for i in range(n)) if with_objects else None,
        keyframe=bool(flags & KEYFRAME),
    )


def object_in(payload: memoryview, n: int, ends_at: int, row: int) -> Any:
    """The object of one row of a block with OBJECTS. Raises ValueError if it reaches beyond the payload."""
    ends = np.frombuffer(payload, "<u4", n, ends_at)
    blob = ends_at + (4 * n + 7) // 8 * 8
    start = int(ends[row - 1]) if row else 0
    return decode_object(bytes(payload[blob + start : blob + int(ends[row])]))
