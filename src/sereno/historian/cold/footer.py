"""Our own index of a cold file: where each row group and each column of it is, and its checksum.

It stands between the last row group and Parquet's footer, where other readers do not look. Byte order is little
endian: 8 bytes magic, u16 version, u16 columns, u32 groups, then GROUP[groups], then CHUNK[groups x columns].
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HEAD = struct.Struct("<8sHHI")
_MAGIC = b"SERENO\0P"
_VERSION = 1
GROUP = np.dtype(
    [
        ("offset", "<i8"),
        ("length", "<i8"),
        ("tag_min", "<i8"),
        ("tag_max", "<i8"),
        ("t_min", "<i8"),
        ("t_max", "<i8"),
        ("first_row", "<i8"),
        ("rows", "<u4"),
        ("crc", "<u4"),
    ]
)
CHUNK = np.dtype([("offset", "<u4"), ("length", "<u4")])
"""Compressed bytes of a column within its row group."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupIndex:
    """`groups` (dtype GROUP) in order; `chunks` (dtype CHUNK) by group and column. Times in ns UTC."""

    groups: NDArray[Any]
    chunks: NDArray[Any]


def encode_groups(index: GroupIndex) -> bytes:
    """The bytes of an index."""
    head = _HEAD.pack(_MAGIC, _VERSION, index.chunks.shape[1], len(index.groups))
    return head + index.groups.astype(GROUP).tobytes() + index.chunks.astype(CHUNK).tobytes()


def decode_groups(data: bytes) -> GroupIndex:
    """The index of bytes whose checksum was right. Raises ValueError."""
    magic, version, columns, n = _HEAD.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise ValueError(f"index of version {version}, this Sereno reads {_VERSION}")
    groups = np.frombuffer(data, GROUP, n, _HEAD.size)
    chunks = np.frombuffer(data, CHUNK, n * columns, _HEAD.size + n * GROUP.itemsize)
    return GroupIndex(groups, chunks.reshape(n, columns))


def chunks_of(group: memoryview, columns: int) -> list[tuple[int, int]]:
    """Offset and length of the compressed bytes of each column: a row group of one page for each column."""
    found: list[tuple[int, int]] = []
    at = 0
    for _ in range(columns):
        start, compressed = _page(group, at)
        found.append((start, compressed))
        at = start + compressed
    if at != len(group):
        raise ValueError(f"row group of {len(group)} bytes has pages of {at}")
    return found


_I8, _I64, _DOUBLE, _BINARY, _STRUCT = 3, 6, 7, 8, 12
_COMPRESSED_SIZE = 3


def _page(data: memoryview, at: int) -> tuple[int, int]:
    """Where the page whose header is at `at` begins, and its compressed size (Thrift compact protocol)."""
    compressed = 0
    number = 0
    while data[at]:
        kind, step = data[at] & 15, data[at] >> 4
        at += 1
        if not step:
            raise ValueError("page header of an unexpected form")
        number += step
        if number == _COMPRESSED_SIZE:
            value, at = _varint(data, at)
            compressed = value >> 1
        else:
            at = _skip(data, at, kind)
    return at + 1, compressed


def _skip(data: memoryview, at: int, kind: int) -> int:
    if kind < _I8:
        return at
    if kind == _I8:
        return at + 1
    if kind <= _I64:
        return _varint(data, at)[1]
    if kind == _DOUBLE:
        return at + 8
    if kind == _BINARY:
        length, at = _varint(data, at)
        return at + length
    if kind != _STRUCT:
        raise ValueError(f"page header with a field of type {kind}")
    while data[at]:
        kind, at = data[at] & 15, at + 1
        at = _skip(data, at, kind)
    return at + 1


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at
