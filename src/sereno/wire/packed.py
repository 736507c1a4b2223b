"""Values as MessagePack: exact integers, NaN, bytes, and numpy arrays as raw columns (extension 1)."""

from __future__ import annotations

import math
import struct
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import numpy as np

from .errors import WireError

T = TypeVar("T")
ARRAY = 1
"""Extension type: 3 letters of the dtype ('<f8'), u8 dimensions, u32 of each, then the elements."""
MAX_DIMENSIONS = 8
_KINDS = "biuf"
_ENCODE_FAULTS = (TypeError, OverflowError, ValueError, RecursionError)
_DECODE_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError)


def _to_wire(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _array(value) if value.dtype.kind in _KINDS and value.ndim <= MAX_DIMENSIONS else value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent: {value!r:.80}")


def _array(array: np.ndarray[Any, Any]) -> msgspec.msgpack.Ext:
    column = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(array.shape)
    letters = column.dtype.str.replace("|", "<").replace("=", "<").encode()
    shape = struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
    return msgspec.msgpack.Ext(ARRAY, letters + shape + column.tobytes())


def _from_wire(code: int, data: memoryview) -> Any:
    if code != ARRAY:
        raise ValueError(f"extension {code}, expected {ARRAY} (an array)")
    raw = bytes(data)
    if len(raw) < 4 or raw[3] > MAX_DIMENSIONS or len(raw) < 4 + 4 * raw[3]:
        raise ValueError(f"an array of {len(raw)} bytes without its shape")
    letters = raw[:3].decode("ascii")
    if letters[0] != "<" or letters[1] not in _KINDS or letters[2] not in "1248":
        raise ValueError(f"an array of type {letters!r}")
    try:
        dtype = np.dtype(letters)
    except TypeError as error:
        raise ValueError(str(error)) from error
    shape = struct.unpack_from(f"<{raw[3]}I", raw, 4)
    if math.prod(shape) * dtype.itemsize != len(raw) - 4 - 4 * len(shape):
        raise ValueError(f"an array of shape {shape} and type {letters} in {len(raw)} bytes")
    return np.frombuffer(raw, dtype, offset=4 + 4 * len(shape)).reshape(shape)


_MOMENTS = b"\xd6\xff", b"\xd7\xff", b"\xc7\x0c\xff"
"""How each of MessagePack's own times begins: extension -1 of 4, 8 and 12 bytes. The decoder asks no hook for them."""


def _is_moment(value: Any) -> bool:
    """Whether there is a time in it; what else holds these bytes is found to be none."""
    if isinstance(value, dict):
        return any(_is_moment(key) or _is_moment(held) for key, held in value.items())
    if isinstance(value, list | tuple):
        return any(map(_is_moment, value))
    if isinstance(value, msgspec.Struct):
        return any(_is_moment(getattr(value, name)) for name in value.__struct_fields__)
    return isinstance(value, datetime)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_to_wire)


def pack_value(value: Any) -> bytes:
    """MessagePack of values, structures and arrays. Raises WireError for what it has not (integers beyond 64 bits)."""
    try:
        return _ENCODER.encode(value)
    except _ENCODE_FAULTS as error:
        raise WireError(f"cannot be sent: {error}") from error


class Unpacker:
    """Reads MessagePack as one type; arrays come back read-only. Raises WireError for anything else."""

    def __init__(self, kind: Any = Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(kind, ext_hook=_from_wire)

    def __call__(self, data: bytes) -> Any:
        """What `data` says."""
        try:
            found = self._decoder.decode(data)
            if any(map(data.__contains__, _MOMENTS)) and _is_moment(found):
                raise ValueError(f"extension -1 (a time), expected {ARRAY} (an array)")
            return found
        except _DECODE_FAULTS as error:
            raise WireError(f"not understood: {error}") from error


unpack_value = Unpacker()
