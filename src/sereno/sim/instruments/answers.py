"""What answers of simulated Alpaca devices are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sereno.model import DeviceError

from .alpaca import Getter, constant


def constants(**values: Any) -> dict[str, Getter]:
    """Answers that are always the same, by name."""
    return {name: constant(value) for name, value in values.items()}


def told(read: Callable[[], Any]) -> Getter:
    """An answer that is read from a model."""
    return lambda _: read()


def within(value: float, low: float, high: float, name: str) -> float:
    """The value. Raises DeviceError if it is out of bounds."""
    if not low <= value <= high:
        raise DeviceError("invalid_value", f"{name} {value:g}, expected {low:g} to {high:g}")
    return value
