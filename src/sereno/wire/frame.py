"""Frame v1: one update of a subscription as little-endian columns, 8-byte aligned (docs/wire.md).

Header of 48 bytes: u8 'S', u8 version, u8 kind, u8 flags, u32 sub, u64 seq, i64 t_hub, u32 n_rows,
u32 n_exact, u32 n_json, u32 dropped, 2 x u32 reserved (0). Then f64 values[n_rows], i64 t_source[n_rows],
i64 exact_values[n_exact], u32 index[n_rows], u32 exact_rows[n_exact], u16 quality[n_rows], zeros to a
multiple of 8, and n_json bytes of JSON {"objects": [[index, value, t_source_ms, quality]...], "reasons": {}}.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from .errors import WireError
from .jsonvalue import json_value

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
U16 = NDArray[np.uint16]

MAGIC = 0x53
VERSION = 1
HEADER = struct.Struct("<BBBBIQqIIIIII")
_LATEST_MS = Decimal(1 << 63).scaleb(-6)


class FrameKind(IntEnum):
    """What a frame is: a full picture, what changed since, or a sign of life without rows."""

    SNAPSHOT = 1
    CHANGES = 2
    HEARTBEAT = 3


class Columns(Protocol):
    """What an update must have to become a frame (`sereno.client.Update` has it)."""

    @property
    def seq(self) -> int: ...  # noqa: D102
    @property
    def t_hub(self) -> int: ...  # noqa: D102
    @property
    def snapshot(self) -> bool: ...  # noqa: D102
    @property
    def index(self) -> I32: ...  # noqa: D102
    @property
    def values(self) -> F64: ...  # noqa: D102
    @property
    def t_source(self) -> I64: ...  # noqa: D102
    @property
    def quality(self) -> U16: ...  # noqa: D102
    @property
    def exact_rows(self) -> I32: ...  # noqa: D102
    @property
    def exact_values(self) -> I64: ...  # noqa: D102
    @property
    def objects(self) -> tuple[tuple[int, Any, int, int], ...]: ...  # noqa: D102
    @property
    def reasons(self) -> dict[int, str]: ...  # noqa: D102
    @property
    def dropped(self) -> int: ...  # noqa: D102


def _empty(dtype: type[np.generic]) -> Any:
    array: NDArray[Any] = np.empty(0, dtype)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """An update as it travels. `sub` is the subscription's number on its socket, the columns are those of Update.

    `objects` are (position among the tags, value, t_source ns, quality); their values are JSON values after decoding.
    """

    kind: FrameKind
    sub: int = 0
    seq: int = 0
    t_hub: int = 0
    dropped: int = 0
    index: I32 = field(default_factory=lambda: _empty(np.int32))
    values: F64 = field(default_factory=lambda: _empty(np.float64))
    t_source: I64 = field(default_factory=lambda: _empty(np.int64))
    quality: U16 = field(default_factory=lambda: _empty(np.uint16))
    exact_rows: I32 = field(default_factory=lambda: _empty(np.int32))
    exact_values: I64 = field(default_factory=lambda: _empty(np.int64))
    objects: tuple[tuple[int, Any, int, int], ...] = ()
    reasons: dict[int, str] = field(default_factory=dict)


def frame_of(update: Columns, *, sub: int) -> Frame:
    """The frame of an update; shares its arrays."""
    return Frame(
        FrameKind.SNAPSHOT if update.snapshot else FrameKind.CHANGES,
        sub=sub,
        seq=update.seq,
        t_hub=update.t_hub,
        dropped=update.dropped,
        index=update.index,
        values=update.values,
        t_source=update.t_source,
        quality=update.quality,
        exact_rows=update.exact_rows,
        exact_values=update.exact_values,
        objects=update.objects,
        reasons=update.reasons,
    )


def heartbeat(seq: int, t_hub: int) -> bytes:
    """A sign of life for a whole socket (sub 0)."""
    return encode_frame(Frame(FrameKind.HEARTBEAT, seq=seq, t_hub=t_hub))


class _ObjectEntry(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    index: int
    value: Any
    t_source_ms: Decimal
    quality: int


class _Extra(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    objects: list[_ObjectEntry] = []
    reasons: dict[int, str] = {}


_EXTRA_ENCODER = msgspec.json.Encoder(decimal_format="number")
_EXTRA_DECODER = msgspec.json.Decoder(_Extra)


def encode_frame(frame: Frame) -> bytes:
    """The bytes of a frame. Raises WireError if columns differ in length or a field does not fit."""
    n, e = len(frame.index), len(frame.exact_rows)
    if not len(frame.values) == len(frame.t_source) == len(frame.quality) == n or len(frame.exact_values) != e:
        raise WireError(f"columns of unequal length in a frame of {n} rows and {e} exact values")
    extra = _encode_extra(frame)
    try:
        head = HEADER.pack(
            MAGIC, VERSION, frame.kind, 0, frame.sub, frame.seq, frame.t_hub, n, e, len(extra), frame.dropped, 0, 0
        )
    except struct.error as error:
        raise WireError(f"a field of the frame does not fit: {error}") from error
    parts = (
        head,
        _raw(frame.values, "<f8"),
        _raw(frame.t_source, "<i8"),
        _raw(frame.exact_values, "<i8"),
        _raw(frame.index, "<i4"),
        _raw(frame.exact_rows, "<i4"),
        _raw(frame.quality, "<u2"),
        bytes(_padding(n, e)),
        extra,
    )
    return b"".join(parts)


def _raw(column: NDArray[Any], dtype: str) -> bytes:
    return column.astype(dtype, copy=False).tobytes()


def _padding(n: int, e: int) -> int:
    return -(6 * n + 4 * e) % 8


def _encode_extra(frame: Frame) -> bytes:
    if not frame.objects and not frame.reasons:
        return b""
    objects = [
        _ObjectEntry(index, json_value(value), Decimal(t).scaleb(-6), quality)
        for index, value, t, quality in frame.objects
    ]
    try:
        return _EXTRA_ENCODER.encode(_Extra(objects, frame.reasons))
    except UnicodeEncodeError as error:
        raise WireError(f"an object of the frame cannot be written: {error}") from error


def decode_frame(data: bytes) -> Frame:
    """The frame in `data`; its columns are read-only views. Raises WireError for anything but a whole frame v1."""
    if len(data) < HEADER.size:
        raise WireError(f"frame of {len(data)} bytes, expected at least {HEADER.size}")
    magic, version, kind, flags, sub, seq, t_hub, n, e, n_json, dropped, r1, r2 = HEADER.unpack_from(data)
    if magic != MAGIC or version != VERSION:
        raise WireError(f"frame starts with 0x{magic:02x} version {version}, expected 0x{MAGIC:02x} version {VERSION}")
    if kind not in FrameKind.__members__.values() or flags or r1 or r2:
        raise WireError(f"frame of kind {kind} with flags 0x{flags:02x}, expected kind 1, 2 or 3 and flags 0")
    tail = HEADER.size + 22 * n + 12 * e
    if len(data) != tail + _padding(n, e) + n_json:
        raise WireError(
            f"frame of {len(data)} bytes says {n} rows, {e} exact, {n_json} JSON bytes: "
            f"expected {tail + _padding(n, e) + n_json}"
        )
    if any(data[tail : tail + _padding(n, e)]):
        raise WireError("frame with padding that is not zero")
    columns = _columns(data, n, e)
    extra = _decode_extra(data[len(data) - n_json :] if n_json else b"")
    objects = tuple((o.index, o.value, int(o.t_source_ms.scaleb(6)), o.quality) for o in extra.objects)
    return Frame(FrameKind(kind), sub, seq, t_hub, dropped, objects=objects, reasons=extra.reasons, **columns)


def _columns(data: bytes, n: int, e: int) -> dict[str, Any]:
    at = HEADER.size
    values = np.frombuffer(data, "<f8", n, at)
    times = np.frombuffer(data, "<i8", n, at + 8 * n)
    exact_values = np.frombuffer(data, "<i8", e, at + 16 * n)
    index = np.frombuffer(data, "<i4", n, at + 16 * n + 8 * e)
    exact_rows = np.frombuffer(data, "<i4", e, at + 20 * n + 8 * e)
    quality = np.frombuffer(data, "<u2", n, at + 20 * n + 12 * e)
    if n and int(index.min()) < 0:
        raise WireError(f"frame with position {int(index.min()) & 0xFFFFFFFF}, expected below {1 << 31}")
    if e and (int(exact_rows.min()) < 0 or int(exact_rows.max()) >= n):
        raise WireError(f"frame with exact values for rows outside 0 to {n - 1}")
    return {
        "index": index,
        "values": values,
        "t_source": times,
        "quality": quality,
        "exact_rows": exact_rows,
        "exact_values": exact_values,
    }


def _decode_extra(raw: bytes) -> _Extra:
    if not raw:
        return _Extra()
    try:
        extra = _EXTRA_DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"JSON of the frame: {error}") from error
    for entry in extra.objects:
        _check_entry(entry)
    return extra


def _check_entry(entry: _ObjectEntry) -> None:
    t, index, quality = entry.t_source_ms, entry.index, entry.quality
    if not t.is_finite() or t.copy_abs() > _LATEST_MS:
        raise WireError(f"object of the frame has the time {t} ms, expected 64 bits of ns")
    if not (0 <= index < 1 << 31 and 0 <= quality < 1 << 16):
        raise WireError(f"object of the frame has position {index} and quality {quality}")
