"""Are two values the same for people? Commanded against read back, seen on the page against now."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sereno.model import TagSpec, ValueType

_RELATIVE = {ValueType.FLOAT32: 1e-6, ValueType.FLOAT64: 1e-9}


def reached(spec: TagSpec, readback: TagSpec, wanted: Any, seen: Any) -> bool:
    """True if `seen`, a reading of `readback`, is what `spec` was commanded to, within the set-point's tolerance.

    `wanted` is as `checks.writable_value` gives it.
    """
    tolerance = spec.setpoint.tolerance
    relative = max(_RELATIVE.get(spec.type, 0.0), _RELATIVE.get(readback.type, 0.0))
    return _same(_code(spec, wanted), _code(readback, seen), tolerance, relative)


def unchanged(spec: TagSpec, remembered: Any, now: Any) -> bool:
    """True if the value `remembered` from a page is the one of `now`, as far as a page shows it.

    A page is told what passes the deadband, and rounds to the tag's decimals.
    """
    shown = 0.5 * 10.0**-spec.decimals if spec.decimals is not None else 0.0
    tolerance = max(shown, spec.deadband_absolute, spec.setpoint.tolerance)
    return _same(_code(spec, remembered), _code(spec, now), tolerance, _RELATIVE.get(spec.type, 0.0))


def _same(a: Any, b: Any, tolerance: float, relative: float) -> bool:
    if a is None or b is None:
        return a is b
    if isinstance(a, tuple | list | np.ndarray) or isinstance(b, tuple | list | np.ndarray):
        left, right = np.asarray(a).ravel().tolist(), np.asarray(b).ravel().tolist()
        return len(left) == len(right) and all(
            _same(x, y, tolerance, relative) for x, y in zip(left, right, strict=True)
        )
    if not _is_number(a) or not _is_number(b):
        return bool(a == b)
    if isinstance(a, int) and isinstance(b, int):
        return abs(a - b) <= tolerance
    return math.isclose(a, b, rel_tol=relative, abs_tol=tolerance * (1 + 1e-9))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating)


def _code(spec: TagSpec, value: Any) -> Any:
    """A label as its code; other values as they are."""
    if isinstance(value, str) and value in spec.labels and spec.type is not ValueType.STRING:
        return spec.labels.index(value)
    return value
