"""Values of tags as JSON: exact integers, NaN and infinity as null, arrays as lists."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from enum import Enum
from typing import Any

import msgspec
import numpy as np

from .errors import WireError


def json_value(value: Any) -> Any:
    """`value` built of None, bool, int, float, str, list and dict only.

    NaN and infinities become None, integers stay exact at any size, numpy scalars and arrays become
    numbers and (nested) lists, bytes base64 text. Raises WireError for any other type.
    """
    if value is None or (isinstance(value, str | bool | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [json_value(v) for v in value]
    return _json_other(value)


def _json_other(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _json_array(value)
    if isinstance(value, np.generic):
        return json_value(value.item())
    if isinstance(value, Enum):
        return json_value(value.value)
    if isinstance(value, Mapping):
        return {str(k): json_value(v) for k, v in value.items()}
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode("ascii")
    raise WireError(f"a value of type {type(value).__name__} cannot be written as JSON: {value!r:.80}")


def _json_array(array: np.ndarray[Any, Any]) -> Any:
    listed = array.tolist()
    if array.dtype.kind in "biuU" or (array.dtype.kind == "f" and bool(np.isfinite(array).all())):
        return listed
    return json_value(listed)


def json_bytes(value: Any) -> bytes:
    """`json_value(value)` as UTF-8 JSON. Raises WireError, also for text that is not Unicode."""
    try:
        return msgspec.json.encode(json_value(value))
    except (UnicodeEncodeError, RecursionError) as error:
        raise WireError(f"value cannot be written as JSON: {error}") from error
