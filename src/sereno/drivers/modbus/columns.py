"""From the payload of a scan to columns: a few numpy operations per kind of number, whatever the order of the tags.

Everything that can be known before the first reply is worked out once: which bytes make which number (word and byte
order included), which neighbours can be read as one strided view, which rows are scaled, where each goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.model import ExactBlock, Quality, ValueType

from .fields import SIGNED, SIZES, Field

F64 = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Index = NDArray[np.intp]

_DTYPES = {
    ValueType.INT16: "i2",
    ValueType.UINT16: "u2",
    ValueType.INT32: "i4",
    ValueType.UINT32: "u4",
    ValueType.INT64: "i8",
    ValueType.UINT64: "u8",
    ValueType.FLOAT32: "f4",
    ValueType.FLOAT64: "f8",
}


class _Run:
    """Numbers in natural order that stand side by side: one view of the payload."""

    def __init__(self, payload: Bytes, start: int, n: int, code: str) -> None:
        self._view = payload[start : start + n * int(code[1])].view(">" + code)

    def numbers(self) -> NDArray[Any]:
        return self._view


class _Gather:
    """Numbers whose bytes are collected one by one, in whatever order and from wherever they are."""

    def __init__(self, payload: Bytes, index: Index, code: str) -> None:
        self._payload = payload
        self._index = index.ravel()
        self._scratch: Bytes = np.empty(self._index.size, np.uint8)
        self._view = self._scratch.view("<" + code)

    def numbers(self) -> NDArray[Any]:
        self._payload.take(self._index, out=self._scratch, mode="clip")
        return self._view


class _Bits:
    """Parts of registers and packed bits: shift, mask, sign. A bool of a whole register is 1 if any bit is set."""

    def __init__(self, payload: Bytes, index: Index, fields: Sequence[tuple[Field, int]]) -> None:
        shifts, masks, signs, caps = zip(*(_shift_of(field, shift) for field, shift in fields), strict=True)
        self._words = _Gather(payload, index, "u2")
        self._shift = np.array(shifts, np.uint16)
        self._mask = np.array(masks, np.uint16)
        self._sign = np.array(signs, np.int32)
        self._cap = np.array(caps, np.uint16)
        self._signed, self._capped = any(signs), min(caps) == 1

    def numbers(self) -> NDArray[Any]:
        words: NDArray[Any] = self._words.numbers() >> self._shift
        words &= self._mask
        if self._capped:
            np.minimum(words, self._cap, out=words)
        if self._signed:
            words = (words.astype(np.int32) ^ self._sign) - self._sign
        return words


def _shift_of(field: Field, shift: int) -> tuple[int, int, int, int]:
    if field.packed:
        return shift, 1, 0, 1
    low, high = field.bits or (0, 15)
    sign = 1 << (high - low) if field.raw in SIGNED else 0
    return low, (1 << (high - low + 1)) - 1, sign, 1 if field.raw is ValueType.BOOL else 0xFFFF


def _is_part(field: Field) -> bool:
    return field.packed or field.bits is not None or field.raw is ValueType.BOOL


def _index(field: Field, place: int) -> tuple[Index, list[int]]:
    """Payload bytes of each element (elements x bytes, least significant first), and shifts of packed bits."""
    n = field.count or 1
    if field.packed:
        bits = place + np.arange(n)
        return np.repeat(bits >> 3, 2).reshape(n, 2), [int(b) for b in bits & 7]
    order = np.array(field.order, np.intp)
    return place + np.arange(n)[:, None] * len(order) + order, [0] * n


def _numbers(payload: Bytes, fields: Sequence[tuple[Field, int]]) -> _Run | _Gather | _Bits:
    """The quickest way to fields (with their places) that are of one kind."""
    made = [_index(field, place) for field, place in fields]
    index = np.concatenate([i for i, _ in made])
    first = fields[0][0]
    if _is_part(first):
        shifts = [s for _, ss in made for s in ss]
        elements = [field for field, _ in fields for _ in range(field.count or 1)]
        return _Bits(payload, index, list(zip(elements, shifts, strict=True)))
    code, size = _DTYPES[first.raw], SIZES[first.raw]
    natural = index[0, -1] + np.arange(index.size).reshape(-1, size)[:, ::-1]
    if np.array_equal(index, natural):
        return _Run(payload, int(index[0, -1]), len(index), code)
    return _Gather(payload, index, code)


class _Objects:
    """Strings and arrays, one by one."""

    def __init__(self, payload: Bytes, field: Field, place: int) -> None:
        self._field = field
        self._numbers = None if field.raw is ValueType.STRING else _numbers(payload, [(field, place)])
        self._index = place + np.array(field.order, np.intp)
        self._payload = payload
        self._said: tuple[bytes, tuple[str, int]] = b"", ("", int(Quality.GOOD))

    def value(self) -> tuple[Any, int]:
        if self._numbers is None:
            return self._text()
        raw = self._numbers.numbers()
        if self._field.raw is ValueType.BOOL:
            return raw.astype(np.bool_), int(Quality.GOOD)
        if self._field.scaling is not None:
            s = self._field.scaling
            return scale(raw.astype(np.float64), s.multiply, s.divide, s.offset), int(Quality.GOOD)
        kind = np.float64 if self._field.raw.is_float else raw.dtype.newbyteorder("=")
        return raw.astype(kind), int(Quality.GOOD)

    def _text(self) -> tuple[str, int]:
        """Texts seldom change: what was said last is kept."""
        data = self._payload.take(self._index).tobytes()[: self._field.length]
        if data != self._said[0]:
            self._said = data, self._decoded(data)
        return self._said[1]

    def _decoded(self, data: bytes) -> tuple[str, int]:
        if not self._field.encoding.startswith(("utf-16", "utf-32")):
            data = data.partition(b"\0")[0]
        text = data.decode(self._field.encoding, "replace").partition("\0")[0].rstrip(" ")
        return text, int(Quality.UNCERTAIN if "\ufffd" in text else Quality.GOOD)


def scale(values: F64, multiply: F64 | float, divide: F64 | float, offset: F64 | float) -> F64:
    """Engineering values of raw numbers, in place."""
    values *= multiply
    values /= divide
    values += offset
    return values


class Decoder:
    """Columns out of one payload. A place of None means that the device refuses the field: NaN, and no value."""

    def __init__(
        self, payload: bytearray, rows: Sequence[tuple[Field, int | None]], objects: Sequence[tuple[Field, int | None]]
    ) -> None:
        data: Bytes = np.frombuffer(payload, np.uint8)
        self._n = len(rows)
        self._segments: list[tuple[slice, _Run | _Gather | _Bits, bool]] = []
        order, exact_rows = self._place(data, rows)
        self._order: Index | None = None if order == sorted(order) else np.argsort(np.array(order))
        self._exact_rows = np.array(sorted(exact_rows), np.int32)
        self._exact_order = np.argsort(np.array(exact_rows, np.intp))
        self._quiet = any(field.raw.is_float or field.scaling is not None for field, _ in rows)
        self._objects = [None if place is None else _Objects(data, field, place) for field, place in objects]

    def _place(self, data: Bytes, rows: Sequence[tuple[Field, int | None]]) -> tuple[list[int], list[int]]:
        """Segments by kind of number, scaled ones behind the others, refused ones last."""
        kinds: dict[tuple[bool, bool, str], list[int]] = {}
        absent = [i for i, (_, place) in enumerate(rows) if place is None]
        for i, (field, place) in enumerate(rows):
            if place is not None:
                what = "bits" if _is_part(field) else str(field.raw)
                kinds.setdefault((field.scaling is not None, field.exact, what), []).append(i)
        order: list[int] = []
        exact_rows: list[int] = []
        for (_, exact, _), members in sorted(kinds.items()):
            at = slice(len(order), len(order) + len(members))
            placed = [(rows[i][0], rows[i][1] or 0) for i in members]
            self._segments.append((at, _numbers(data, placed), exact))
            order += members
            exact_rows += members if exact else []
        self._absent = slice(len(order), self._n)
        self._scaling(rows, order)
        return order + absent, exact_rows

    def _scaling(self, rows: Sequence[tuple[Field, int | None]], order: list[int]) -> None:
        scalings = [s for i in order if (s := rows[i][0].scaling) is not None]
        self._scaled = slice(len(order) - len(scalings), len(order))
        self._factors: list[F64] = [
            np.array([s.multiply for s in scalings]),
            np.array([s.divide for s in scalings]),
            np.array([s.offset for s in scalings]),
        ]

    def columns(self) -> tuple[F64, ExactBlock | None]:
        """Values in the order of the rows, in memory of their own, and the 64-bit integers beside them."""
        if self._quiet:
            with np.errstate(all="ignore"):  # signalling NaN and overflow are values here, not errors of ours
                return self._columns()
        return self._columns()

    def _columns(self) -> tuple[F64, ExactBlock | None]:
        out: F64 = np.empty(self._n)
        exact: list[NDArray[np.int64]] = []
        for at, source, is_exact in self._segments:
            numbers = source.numbers()
            out[at] = numbers
            if is_exact:
                exact.append(_as_int64(numbers))
        if self._scaled.start < self._scaled.stop:
            scale(out[self._scaled], *self._factors)
        if self._absent.start < self._absent.stop:
            out[self._absent] = np.nan
        if self._order is not None:
            out = out.take(self._order)
        if not exact:
            return out, None
        return out, ExactBlock(self._exact_rows, np.concatenate(exact).take(self._exact_order))

    def objects(self) -> tuple[tuple[int, Any, int], ...]:
        """Position, value and quality of every object."""
        with np.errstate(all="ignore"):
            return tuple(
                [
                    (i, None, int(Quality.REFUSED_BY_DEVICE)) if source is None else (i, *source.value())
                    for i, source in enumerate(self._objects)
                ]
            )


def _as_int64(numbers: NDArray[Any]) -> NDArray[np.int64]:
    """Exact values; those of uint64 as their bit pattern."""
    if numbers.dtype.kind == "u":
        return numbers.astype(np.uint64).view(np.int64)
    return numbers.astype(np.int64)
