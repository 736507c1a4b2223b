"""Strings, arrays and other objects as bytes: one byte says which, the rest is the object."""

from __future__ import annotations

import struct
from enum import IntEnum
from math import prod
from typing import Any

import msgspec
import numpy as np

from sereno.wire.jsonvalue import json_bytes


class ObjectForm(IntEnum):
    """First byte of a stored object."""

    NONE = 0
    TEXT = 1
    BYTES = 2
    ARRAY = 3
    JSON = 4


_ARRAY = struct.Struct("<cBB")
"""numpy kind letter, item size, dimensions; then u32 per dimension and the little-endian items, C order."""
_ITEMS = {(d.kind.encode(), d.itemsize) for d in map(np.dtype, np.typecodes["All"]) if d.kind in "biufc"}


def encode_object(value: Any) -> bytes:
    """The bytes of an object that travelled beside the rows. Raises WireError for a type that JSON has not."""
    if value is None:
        return bytes([ObjectForm.NONE])
    if isinstance(value, str):
        return bytes([ObjectForm.TEXT]) + value.encode("utf-8", "surrogatepass")
    if isinstance(value, bytes):
        return bytes([ObjectForm.BYTES]) + value
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc":
        shape = struct.pack(f"<{value.ndim}I", *value.shape)
        head = _ARRAY.pack(value.dtype.kind.encode(), value.dtype.itemsize, value.ndim)
        return bytes([ObjectForm.ARRAY]) + head + shape + value.astype(value.dtype.newbyteorder("<")).tobytes()
    return bytes([ObjectForm.JSON]) + json_bytes(value)


def decode_object(data: bytes) -> Any:
    """What `encode_object` wrote; arrays are read-only. Raises ValueError."""
    if not data:
        raise ValueError("object of no bytes")
    try:
        return _decode(data[0], data[1:])
    except (struct.error, msgspec.DecodeError, OverflowError, RecursionError) as error:
        raise ValueError(f"object of {len(data)} bytes: {error}") from error


def _decode(form: int, body: bytes) -> Any:
    if form == ObjectForm.NONE:
        return None
    if form == ObjectForm.TEXT:
        return body.decode("utf-8", "surrogatepass")
    if form == ObjectForm.BYTES:
        return body
    if form == ObjectForm.ARRAY:
        return _decode_array(body)
    if form == ObjectForm.JSON:
        return msgspec.json.decode(body)
    raise ValueError(f"object of unknown form {form}")


def _decode_array(body: bytes) -> Any:
    kind, size, ndim = _ARRAY.unpack_from(body)
    if (kind, size) not in _ITEMS:
        raise ValueError(f"array of items {kind!r} of {size} bytes")
    shape = struct.unpack_from(f"<{ndim}I", body, _ARRAY.size)
    dtype = np.dtype(f"<{kind.decode()}{size}")
    return np.frombuffer(body, dtype, prod(shape), _ARRAY.size + 4 * ndim).reshape(shape)
