"""Values for people and JSON: bool, exact integers, floats, enum labels, strings, arrays."""

from __future__ import annotations

import math
from typing import Any

from ._quality import severity
from ._spec import TagSpec, ValueType

_WRAP = 1 << 64


def row_value(spec: TagSpec, value: float, exact: int, quality: int) -> Any:
    """The Python value of a row; `exact` counts for 64-bit integers. None = there is no value (NaN and bad).

    An enum code without a label stays a number. An integer type with a fraction (a scaled register) stays a float.
    """
    if math.isnan(value):
        return None if severity(quality) == "bad" or not spec.type.is_float else value
    kind = spec.type
    if kind.is_float:
        return value
    if kind.is_exact and value.is_integer():
        return exact % _WRAP if kind is ValueType.UINT64 else exact
    if kind is ValueType.BOOL:
        return value != 0.0
    whole = int(value) if value.is_integer() else value
    if kind is ValueType.ENUM and isinstance(whole, int) and 0 <= whole < len(spec.labels):
        return spec.labels[whole]
    return whole


def object_value(spec: TagSpec, value: Any) -> Any:
    """The Python value of an object: strings and arrays as they are."""
    if spec.type is ValueType.STRING and isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value
