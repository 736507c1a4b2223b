"""Operations on columns with their quality: what the functions and signs of the language do.

A column is (value float64, quality uint16), arrays or scalars that broadcast. Quality goes through as the worst of the
inputs, the larger code, except where a value alone decides (`and`, `or`, `if`). What becomes infinite or not a number
is bad: NOT_A_NUMBER.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from sereno.model import Quality

Operation = Callable[..., "Column"]
_BAD = np.uint16(Quality.BAD)
_NOT_A_NUMBER = np.uint16(Quality.NOT_A_NUMBER)


class Column(NamedTuple):
    """Values with their quality codes."""

    value: Any
    quality: Any


def loaded(value: Any, quality: Any) -> Column:
    """An input; NaN that claims to be usable is not a number."""
    codes = np.asarray(quality, np.uint16)
    numbers = np.asarray(value, np.float64)
    return Column(numbers, np.where(np.isnan(numbers) & (codes < _BAD), _NOT_A_NUMBER, codes))


def constant(value: float) -> Column:
    """A good number."""
    return Column(np.float64(value), np.uint16(0))


def computed(function: Callable[..., Any]) -> Operation:
    """Arithmetic: the worst quality, and bad where the result is no finite number."""

    def operate(*columns: Column) -> Column:
        value = function(*(c.value for c in columns))
        quality = worst_of(columns)
        return Column(value, np.where(~np.isfinite(value) & (quality < _BAD), _NOT_A_NUMBER, quality))

    return operate


def compared(function: Callable[..., Any]) -> Operation:
    """A condition: 1.0 or 0.0 with the worst quality."""

    def operate(*columns: Column) -> Column:
        return Column(function(*(c.value for c in columns)) * 1.0, worst_of(columns))

    return operate


def worst_of(columns: tuple[Column, ...]) -> Any:
    """The largest code of each row: the severity is in its upper bits."""
    return reduce(np.maximum, (c.quality for c in columns))


def both(a: Column, b: Column) -> Column:
    """and: a false operand decides, whatever the quality of the other."""
    return _decided(a, b, a.value == 0, b.value == 0, decided_value=0.0)


def either(a: Column, b: Column) -> Column:
    """or: a true operand decides, whatever the quality of the other."""
    return _decided(a, b, a.value != 0, b.value != 0, decided_value=1.0)


def inverted(a: Column) -> Column:
    """not."""
    return Column((a.value == 0) * 1.0, a.quality)


def chosen(condition: Column, then: Column, otherwise: Column) -> Column:
    """if: the quality of the condition and of the chosen side."""
    true = condition.value != 0
    quality = np.maximum(condition.quality, np.where(true, then.quality, otherwise.quality))
    return Column(np.where(true, then.value, otherwise.value), quality)


def rounded(value: Any) -> Any:
    """To the nearest whole number, halves away from zero."""
    return np.copysign(np.floor(np.abs(value) + 0.5), value)


def smallest(*columns: Column) -> Column:
    """min."""
    return Column(reduce(np.minimum, (c.value for c in columns)), worst_of(columns))


def largest(*columns: Column) -> Column:
    """max."""
    return Column(reduce(np.maximum, (c.value for c in columns)), worst_of(columns))


def _decided(a: Column, b: Column, a_decides: Any, b_decides: Any, *, decided_value: float) -> Column:
    least, most = np.minimum(a.quality, b.quality), np.maximum(a.quality, b.quality)
    one = np.where(a_decides, a.quality, b.quality)
    decided = a_decides | b_decides
    quality = np.where(a_decides & b_decides, least, np.where(decided, one, most))
    return Column(np.where(decided, decided_value, 1.0 - decided_value), quality)
