"""Values for people: with label and unit."""

from __future__ import annotations

from typing import Any

from sereno.model import TagSpec, ValueType


def show(value: Any, spec: TagSpec) -> str:
    """A value with its unit, for messages: '4.27 m', 'running', 'no value'."""
    if value is None:
        return "no value"
    if spec.type is ValueType.ENUM and isinstance(value, int) and 0 <= value < len(spec.labels):
        return spec.labels[value]
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, float):
        text = f"{value:.{spec.decimals}f}" if spec.decimals is not None else f"{value:.7g}"
    else:
        text = str(value)
    return f"{text} {spec.unit}" if spec.unit else text
