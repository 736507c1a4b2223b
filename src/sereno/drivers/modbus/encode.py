"""From a value in engineering units to the request that writes it."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from sereno.model import RefusedError, ValueType

from .fields import INTEGERS, SIGNED, SIZES, Field
from .protocol import MaskWrite, Request, WriteCoil, WriteCoils, WriteRegister, WriteRegisters

_FLOATS = {ValueType.FLOAT32: "<f", ValueType.FLOAT64: "<d"}


def write_request(field: Field, value: Any, *, single: bool) -> Request:
    """The request that writes `value`; `single` allows FC 5 and 6. Raises RefusedError for what does not fit."""
    start = field.area.start
    if field.packed:
        states = tuple(_state(field, v) for v in _elements(field, value))
        return WriteCoil(start, states[0]) if single and len(states) == 1 else WriteCoils(start, states)
    if field.bits is not None and field.count is None:
        return _mask_write(field, value)
    data = _text(field, value) if field.raw is ValueType.STRING else _numbers(field, value)
    if single and len(data) == 2:
        return WriteRegister(start, int.from_bytes(data, "big"))
    return WriteRegisters(start, data)


def masked(register: int, request: MaskWrite) -> WriteRegister:
    """What a mask write does to `register`, as a plain write: for devices without FC 22."""
    return WriteRegister(request.address, register & request.and_mask | request.or_mask & ~request.and_mask & 0xFFFF)


def _mask_write(field: Field, value: Any) -> MaskWrite:
    low, high = field.bits or (0, 15)
    ones = (1 << (high - low + 1)) - 1
    mask, bits = ones << low, (_integer(field, value) & ones) << low
    if field.order == (0, 1):
        mask, bits = _swapped(mask), _swapped(bits)
    return MaskWrite(field.area.start, ~mask & 0xFFFF, bits)


def _swapped(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8


def _numbers(field: Field, value: Any) -> bytes:
    data = bytearray()
    for element in _elements(field, value):
        little = _little_endian(field, element)
        wire = bytearray(len(little))
        for byte, place in zip(little, field.order, strict=True):
            wire[place] = byte
        data += wire
    return bytes(data)


def _little_endian(field: Field, value: Any) -> bytes:
    if field.raw in _FLOATS:
        number = _unscaled(field, _number(field, value))
        try:
            return struct.pack(_FLOATS[field.raw], number)
        except OverflowError:
            raise RefusedError(f"{value!r} does not fit {field.raw}") from None
    return (_integer(field, value) & (1 << 8 * SIZES[field.raw]) - 1).to_bytes(SIZES[field.raw], "little")


def _integer(field: Field, value: Any) -> int:
    """The raw integer, checked against what the field can hold."""
    number = _unscaled(field, _number(field, value))
    if field.raw is ValueType.BOOL:
        return int(number != 0)
    raw = round(number) if field.scaling is not None else int(number)
    if field.scaling is None and raw != number:
        raise RefusedError(f"{value!r} is not a whole number, and {field.raw} holds no other")
    low, high = _limits(field)
    if not low <= raw <= high:
        as_raw = f" is {raw} in the register and" if field.scaling is not None else ""
        raise RefusedError(f"{value!r}{as_raw} does not fit {_width(field)} ({low} to {high})")
    return raw


def _limits(field: Field) -> tuple[int, int]:
    if field.bits is None:
        return INTEGERS[field.raw]
    width = field.bits[1] - field.bits[0] + 1
    return (-(1 << width - 1), (1 << width - 1) - 1) if field.raw in SIGNED else (0, (1 << width) - 1)


def _width(field: Field) -> str:
    if field.bits is None:
        return str(field.raw)
    width = field.bits[1] - field.bits[0] + 1
    return f"{width} bit{'s' if width > 1 else ''} of a register"


def _unscaled(field: Field, number: float) -> float:
    scaling = field.scaling
    return number if scaling is None else (number - scaling.offset) * scaling.divide / scaling.multiply


def _state(field: Field, value: Any) -> bool:
    return _number(field, value) != 0


def _number(field: Field, value: Any) -> float:
    """A finite number, or the code of a label; integers stay exact."""
    if isinstance(value, str) and value in field.labels:
        return field.labels.index(value)
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, int | float) or not math.isfinite(value):
        expected = f"one of {', '.join(field.labels)}" if field.labels else "a finite number"
        raise RefusedError(f"{value!r} for {field.name}, expected {expected}")
    return value


def _elements(field: Field, value: Any) -> Sequence[Any]:
    if field.count is None:
        return (value,)
    elements = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(elements, list | tuple) or len(elements) != field.count:
        raise RefusedError(f"{field.name} takes a list of {field.count} values, found {value!r:.60}")
    return elements


def _text(field: Field, value: Any) -> bytes:
    """The string padded with NUL to its registers, in the byte order of the device."""
    if not isinstance(value, str):
        raise RefusedError(f"{value!r} for {field.name}, expected a text")
    try:
        data = value.encode(field.encoding)
    except UnicodeEncodeError as error:
        raise RefusedError(f"{value!r} cannot be written as {field.encoding}: {error.reason}") from None
    if len(data) > field.length:
        raise RefusedError(f"{value!r} is {len(data)} bytes, and {field.name} holds {field.length}")
    padded = data.ljust(len(field.order), b"\0")
    wire = bytearray(len(padded))
    for byte, place in zip(padded, field.order, strict=True):
        wire[place] = byte
    return bytes(wire)
