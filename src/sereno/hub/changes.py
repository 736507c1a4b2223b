"""Has a value changed? The deadband over columns, exact integers and objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

_FAR = 2.0**62


def mark_beyond(values: F64, reported: F64, deadband: F64, scratch: F64, out: Mask) -> None:
    """out = |values - reported| > deadband, for columns of one length; NaN equals NaN and inf equals inf.

    `scratch` is overwritten. The caller silences numpy's "invalid" for inf - inf.
    """
    np.subtract(values, reported, out=scratch)
    np.abs(scratch, out=scratch)
    np.greater(scratch, deadband, out=out)
    if np.isnan(np.maximum.reduce(scratch)):
        odd = np.isnan(scratch)
        out |= odd & (values != reported) & ~(np.isnan(values) & np.isnan(reported))


def exact_beyond(exact: I64, reported_exact: I64, values: F64, reported: F64, deadband: F64) -> Mask:
    """The same for 64-bit integers, by their exact difference.

    `values` and `reported` are the floats of the same rows: they tell a difference too wide for int64 (which
    wraps, and so serves uint64 bit patterns as well) and a missing value (NaN).
    """
    distance = np.abs(values - reported)
    far = ~(distance < _FAR) & ~(np.isnan(values) & np.isnan(reported))
    steps = np.abs(exact - reported_exact)
    moved: Mask = far | (steps > deadband)
    return moved


def integers(values: F64, unsigned: Mask) -> I64:
    """Whole floats as int64, uint64 ones as their bit pattern; infinity becomes the outermost number."""
    whole = np.nan_to_num(values)
    result = np.where(unsigned, 0.0, whole).astype(np.int64)
    result[unsigned] = whole[unsigned].astype(np.uint64).view(np.int64)
    return result


def same_object(a: Any, b: Any) -> bool:
    """Equal values of objects: strings, bytes, tuples, arrays (NaN equals NaN)."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)) or a.dtype != b.dtype:
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    return type(a) is type(b) and bool(a == b)
