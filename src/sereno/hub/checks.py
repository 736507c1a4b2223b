"""What a written value must be: type, range of the type, limits of the set-point. Refusals say the limits."""

from __future__ import annotations

import math
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sereno.model import RefusedError, TagSpec, ValueType

from .present import show

_BITS = {
    ValueType.INT8: 8,
    ValueType.UINT8: 8,
    ValueType.INT16: 16,
    ValueType.UINT16: 16,
    ValueType.INT32: 32,
    ValueType.UINT32: 32,
    ValueType.INT64: 64,
    ValueType.UINT64: 64,
}
_RANGES: dict[ValueType, tuple[int, int]] = {
    kind: (0, 2**bits - 1) if kind.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for kind, bits in _BITS.items()
}
_FLOAT32_MAX = (2 - 2**-23) * 2.0**127


def writable_value(spec: TagSpec, value: Any) -> Any:
    """`value` as the driver gets it: bool, int, float, enum code (int), str, or a flat tuple of these for an array.

    For two dimensions with one of any length it is a tuple of rows. Raises RefusedError with what was expected.
    """
    if not spec.shape:
        return _scalar(spec, value)
    array = _array(value)
    if array is None or not _fits(array.shape, spec.shape):
        found = type(value).__name__ if array is None else f"shape {array.shape}"
        raise RefusedError(f"{spec.path} takes an array of shape {spec.shape}, this is {found}")
    if 0 not in spec.shape or array.ndim == 1:
        return tuple(_scalar(spec, element) for element in array.ravel().tolist())
    return tuple(tuple(_scalar(spec, element) for element in row) for row in array.tolist())


def _array(value: Any) -> NDArray[Any] | None:
    try:
        return np.asarray(value) if isinstance(value, list | tuple | np.ndarray) else None
    except ValueError:  # rows of different lengths
        return None


def _fits(found: tuple[int, ...], declared: tuple[int, ...]) -> bool:
    """Lengths as declared, where 0 stands for any; nothing at all has no second dimension."""
    if found == (0,) and declared[0] == 0:
        return True
    return len(found) == len(declared) and all(want in (0, have) for want, have in zip(declared, found, strict=True))


def _scalar(spec: TagSpec, value: Any) -> Any:
    checked = _BY_TYPE[spec.type](spec, value)
    if isinstance(checked, int | float) and spec.type not in (ValueType.BOOL, ValueType.ENUM):
        _check_limits(spec, checked)
    return checked


def _check_limits(spec: TagSpec, value: float) -> None:
    setpoint = spec.setpoint
    if setpoint.low is not None and value < setpoint.low:
        raise RefusedError(f"{show(value, spec)} is below the limit, {_limits(spec)}")
    if setpoint.high is not None and value > setpoint.high:
        raise RefusedError(f"{show(value, spec)} is above the limit, {_limits(spec)}")


def _limits(spec: TagSpec) -> str:
    low, high = spec.setpoint.low, spec.setpoint.high
    if low is not None and high is not None:
        return f"{spec.path} takes {low:g} to {high:g}"
    return f"{spec.path} takes {f'{low:g} or more' if low is not None else f'{high:g} or less'}"


def _number(spec: TagSpec, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise RefusedError(f"{spec.path} takes a number ({spec.type}), this is {value!r}")
    number = value.item() if isinstance(value, np.integer | np.floating) else value
    if isinstance(number, float) and not math.isfinite(number):
        raise RefusedError(f"{spec.path} takes a finite number, this is {number}")
    return number


def _float(spec: TagSpec, value: Any) -> float:
    number = _number(spec, value)
    if spec.type is ValueType.FLOAT32 and abs(number) > _FLOAT32_MAX:
        raise RefusedError(f"{number} does not fit {spec.type}, {spec.path} takes up to {_FLOAT32_MAX:.4g}")
    try:
        return float(number)
    except OverflowError:
        raise RefusedError(f"{number} does not fit {spec.type} of {spec.path}") from None


def _integer(spec: TagSpec, value: Any) -> int | float:
    """A fraction passes: the register may be scaled, which its driver knows and checks."""
    number = _number(spec, value)
    if isinstance(number, float) and not number.is_integer():
        return number
    low, high = _RANGES[spec.type]
    if not _scaled(spec, low, high) and not low <= number <= high:
        raise RefusedError(f"{number:.0f} does not fit {spec.type}, {spec.path} takes {low} to {high}")
    return int(number)


def _scaled(spec: TagSpec, low: int, high: int) -> bool:
    """Signs that the tag's value is not the bare register: decimals, or declared limits beyond the type's range."""
    declared = (spec.low, spec.high, spec.setpoint.low, spec.setpoint.high)
    return bool(spec.decimals) or any(limit is not None and not low <= limit <= high for limit in declared)


def _bool(spec: TagSpec, value: Any) -> bool:
    if isinstance(value, bool | np.bool_) or (isinstance(value, int | float) and value in (0, 1)):
        return bool(value)
    if isinstance(value, str) and value in spec.labels[:2]:
        return bool(spec.labels.index(value))
    raise RefusedError(f"{spec.path} takes true or false, this is {value!r}")


def _enum(spec: TagSpec, value: Any) -> int:
    if isinstance(value, str) and value in spec.labels:
        return _taken(spec, spec.labels.index(value))
    whole = isinstance(value, int | np.integer) or (isinstance(value, float) and value.is_integer())
    if whole and not isinstance(value, bool) and 0 <= value < len(spec.labels):
        return _taken(spec, int(value))
    near = get_close_matches(value, spec.labels, 1) if isinstance(value, str) else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise RefusedError(f"{spec.path} takes {', '.join(map(repr, spec.labels))}, this is {value!r}{hint}")


def _taken(spec: TagSpec, code: int) -> int:
    """A code within the limits of the set-point, of which both count."""
    low, high = spec.setpoint.low, spec.setpoint.high
    taken = [label for i, label in enumerate(spec.labels) if (low is None or i >= low) and (high is None or i <= high)]
    if not taken:
        raise RefusedError(f"{spec.path} takes nothing: no label is within its limits, which bound codes")
    if spec.labels[code] not in taken:
        raise RefusedError(f"{spec.path} takes {', '.join(map(repr, taken))} only, this is {spec.labels[code]!r}")
    return code


def _string(spec: TagSpec, value: Any) -> str:
    if not isinstance(value, str):
        raise RefusedError(f"{spec.path} takes text, this is {value!r}")
    return value


_BY_TYPE: dict[ValueType, Callable[[TagSpec, Any], Any]] = {
    ValueType.BOOL: _bool,
    ValueType.ENUM: _enum,
    ValueType.STRING: _string,
    ValueType.FLOAT32: _float,
    ValueType.FLOAT64: _float,
    **dict.fromkeys(_RANGES, _integer),
}
