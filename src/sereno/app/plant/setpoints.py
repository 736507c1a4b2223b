"""The set-point of a tag out of its table: what follows from its type and its address, and what contradicts them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sereno.model import Setpoint, ValueType

from .schema import TagTable

_NO_NUMBERS = (ValueType.BOOL, ValueType.ENUM, ValueType.STRING)


def setpoint_of(table: TagTable, kind: ValueType, config: Any) -> Setpoint:
    """As declared; a scaled integer register without `tolerance` gets half of one count. Raises ValueError."""
    declared = table.setpoint
    for key in ("max_step", "max_rate"):
        if kind in _NO_NUMBERS and getattr(declared, key) is not None:
            raise ValueError(f"setpoint.{key} is for numbers, and the type is {kind}")
    made = declared.setpoint()
    return (
        made if "tolerance" in declared.model_fields_set else replace(made, tolerance=_half_step(table, kind, config))
    )


def _half_step(table: TagTable, kind: ValueType, config: Any) -> float:
    raw_type = getattr(config, "raw_type", None) or kind
    if not getattr(config, "scaled", False) or raw_type.is_float:
        return 0.0
    raw = getattr(config, "raw", None)
    if raw is not None:
        return 0.0 if table.low is None or table.high is None else abs((table.high - table.low) / (raw[1] - raw[0])) / 2
    return abs(float(config.scale)) / 2
