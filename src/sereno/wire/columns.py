"""Columns of a native frame: what a read answers and what an update of a subscription carries (docs/wire.md).

Body: u64 seq, i64 t_hub, u32 n, u32 e, u32 bytes of MessagePack at the end, u32 dropped; then f64 values[n],
i64 t_source[n], i64 exact_values[e], u32 index[n] (not with WHOLE), u32 exact_rows[e], f32 ages[n] (with AGES),
u16 quality[n], zeros to a multiple of 8, and MessagePack [objects, reasons, ages of objects].
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from .errors import WireError
from .native import Flag
from .packed import Unpacker, pack_value

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
HEAD = struct.Struct("<QqIIII")
NO_AGES: Mapping[int, float] = {}
VALUE = struct.Struct("<dqqfHH")
"""One row: value, t_source, exact value (0 where there is none), age, quality, bytes of the reason that follows."""


_Beside = tuple[tuple[tuple[int, Any, int, int], ...], dict[int, str], dict[int, float]]
_NOTHING: _Beside = ((), {}, {})


@dataclass(slots=True, eq=False)
class Block:
    """The columns in a body. `objects` are (position, value, t_source, quality); `ages` None without AGES."""

    seq: int
    t_hub: int
    dropped: int
    index: I32
    values: NDArray[np.float64]
    t_source: I64
    quality: NDArray[np.uint16]
    exact_rows: I32
    exact_values: I64
    ages: F32 | None
    objects: tuple[tuple[int, Any, int, int], ...]
    reasons: dict[int, str]
    object_ages: dict[int, float]


class Columns(Protocol):
    """What is sent (`sereno.client.Update` and `Present` have it)."""

    @property
    def t_hub(self) -> int: ...  # noqa: D102
    @property
    def index(self) -> I32: ...  # noqa: D102
    @property
    def values(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def t_source(self) -> I64: ...  # noqa: D102
    @property
    def quality(self) -> NDArray[np.uint16]: ...  # noqa: D102
    @property
    def exact_rows(self) -> I32: ...  # noqa: D102
    @property
    def exact_values(self) -> I64: ...  # noqa: D102
    @property
    def objects(self) -> tuple[tuple[int, Any, int, int], ...]: ...  # noqa: D102
    @property
    def reasons(self) -> dict[int, str]: ...  # noqa: D102


class Scalar(NamedTuple):
    """One row of a read."""

    value: float
    t_source: int
    exact: int
    age: float
    quality: int
    reason: str


class _Object(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    position: int
    value: Any
    t_source: int
    quality: int


class _Extra(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    objects: list[_Object] = []
    reasons: dict[int, str] = {}
    ages: dict[int, float] = {}


_unpack_extra = Unpacker(_Extra)


def pack_columns(
    columns: Columns, flags: int, *, ages: F32 | None = None, object_ages: Mapping[int, float] = NO_AGES
) -> bytes:
    """The body without its first 32 bytes (`pack_head` makes them), to be shared by all who get the same columns.

    Raises WireError for objects that cannot be sent.
    """
    parts = [
        columns.values.astype("<f8", copy=False).tobytes(),
        columns.t_source.astype("<i8", copy=False).tobytes(),
    ]
    if columns.exact_rows.size:
        parts.append(columns.exact_values.astype("<i8", copy=False).tobytes())
    if not flags & Flag.WHOLE:
        parts.append(columns.index.astype("<i4", copy=False).tobytes())
    if columns.exact_rows.size:
        parts.append(columns.exact_rows.astype("<i4", copy=False).tobytes())
    if ages is not None:
        parts.append(ages.astype("<f4", copy=False).tobytes())
    parts.append(columns.quality.astype("<u2", copy=False).tobytes())
    parts.append(bytes(_padding(len(columns.values), columns.exact_rows.size, flags)))
    if columns.objects or columns.reasons:
        parts.append(pack_value((columns.objects, columns.reasons, object_ages)))
    return b"".join(parts)


def pack_head(columns: Columns, body: bytes, flags: int, seq: int, dropped: int = 0) -> bytes:
    """The first 32 bytes of a body. Raises WireError for numbers that do not fit."""
    n, e = len(columns.values), columns.exact_rows.size
    extra = len(body) - _columns_size(n, e, flags)
    try:
        return HEAD.pack(seq, columns.t_hub, n, e, extra, min(dropped, 0xFFFFFFFF))
    except struct.error as error:
        raise WireError(f"a field of the columns does not fit: {error}") from error


def unpack_columns(flags: int, body: bytes, count: int, rows: I32) -> Block:
    """The columns in `body`, read-only views, of a list of `count` tags whose rows are at the positions `rows`.

    Raises WireError for anything but whole columns of version 1, and for positions outside the list.
    """
    if len(body) < HEAD.size:
        raise WireError(f"columns in {len(body)} bytes, expected at least {HEAD.size}")
    seq, t_hub, n, e, extra, dropped = HEAD.unpack_from(body)
    if len(body) != HEAD.size + _columns_size(n, e, flags) + extra:
        raise WireError(f"columns in {len(body)} bytes say {n} rows, {e} exact and {extra} bytes beside")
    if flags & Flag.WHOLE and n != len(rows):
        raise WireError(f"{n} rows of a list with {len(rows)}")
    at = HEAD.size
    values, at = np.frombuffer(body, "<f8", n, at), at + 8 * n
    t_source, at = np.frombuffer(body, "<i8", n, at), at + 8 * n
    exact_values, at = np.frombuffer(body, "<i8", e, at), at + 8 * e
    index = rows
    if not flags & Flag.WHOLE:
        index, at = np.frombuffer(body, "<i4", n, at), at + 4 * n
        _check_positions(index, count)
    exact_rows, at = np.frombuffer(body, "<i4", e, at), at + 4 * e
    _check_positions(exact_rows, n)
    ages = None
    if flags & Flag.AGES:
        ages, at = np.frombuffer(body, "<f4", n, at), at + 4 * n
    quality, at = np.frombuffer(body, "<u2", n, at), at + 2 * n
    beside = _unpack_beside(body[len(body) - extra :], count) if extra else _NOTHING
    return Block(seq, t_hub, dropped, index, values, t_source, quality, exact_rows, exact_values, ages, *beside)


def pack_scalar(row: Scalar) -> bytes:
    """The body of a VALUE frame."""
    reason = row.reason.encode("utf-8", "replace")[:1000]
    return VALUE.pack(row.value, row.t_source, row.exact, row.age, row.quality, len(reason)) + reason


def unpack_scalar(body: bytes) -> Scalar:
    """The row in the body of a VALUE frame. Raises WireError."""
    if len(body) < VALUE.size:
        raise WireError(f"value in {len(body)} bytes, expected at least {VALUE.size}")
    value, t_source, exact, age, quality, words = VALUE.unpack_from(body)
    if len(body) != VALUE.size + words:
        raise WireError(f"value in {len(body)} bytes with a reason of {words}")
    reason = body[VALUE.size :].decode("utf-8", "replace") if words else ""
    return Scalar(value, t_source, exact, age, quality, reason)


def _columns_size(n: int, e: int, flags: int) -> int:
    return _unpadded(n, e, flags) + _padding(n, e, flags)


def _unpadded(n: int, e: int, flags: int) -> int:
    return 18 * n + 12 * e + (0 if flags & Flag.WHOLE else 4 * n) + (4 * n if flags & Flag.AGES else 0)


def _padding(n: int, e: int, flags: int) -> int:
    return -_unpadded(n, e, flags) % 8


def _check_positions(column: I32, count: int) -> None:
    if column.size and (int(column.min()) < 0 or int(column.max()) >= count):
        raise WireError(f"positions outside 0 to {count - 1}")


def _unpack_beside(raw: bytes, count: int) -> _Beside:
    extra: _Extra = _unpack_extra(raw)
    for entry in extra.objects:
        if not (
            0 <= entry.position < count and 0 <= entry.quality < 1 << 16 and -(1 << 63) <= entry.t_source < 1 << 63
        ):
            raise WireError(f"an object at position {entry.position} with quality {entry.quality}")
    if any(not 0 <= position < count for position in extra.reasons):
        raise WireError(f"reasons of positions outside 0 to {count - 1}")
    objects = tuple((o.position, o.value, o.t_source, o.quality) for o in extra.objects)
    return objects, extra.reasons, extra.ages
