"""Values of Tango as values of a tag, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from sereno.device.authoring.kinds import Kind
from sereno.model import TagSpec, ValueType


def coded_value(spec: TagSpec, value: Any) -> Any:
    """A value read from Tango as columns carry it. Raises TypeError or ValueError where it is none of the tag's type.

    States may be given as their lower-case word; DevEncoded is (format, bytes).
    """
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], bytes | bytearray):
        value = _decoded(spec, bytes(value[1]))
    if spec.type is ValueType.ENUM and not spec.shape:
        return _code(spec, value)
    if spec.type is ValueType.ENUM:
        value = np.array([_code(spec, one) for one in np.asarray(value).ravel().tolist()], np.int32)
        return Kind(ValueType.INT32, spec.shape).coded(value)
    return Kind(spec.type, spec.shape).coded(value)


def plain_value(spec: TagSpec, value: Any) -> Any:
    """A value of ours as Tango takes it: enum labels as their code, the rest as it is."""
    if spec.type is ValueType.ENUM and not spec.shape:
        return _code(spec, value)
    return value


def _decoded(spec: TagSpec, data: bytes) -> Any:
    if spec.type is ValueType.STRING:
        return data.decode("utf-8", "replace")
    return np.frombuffer(data, np.uint8)


def _code(spec: TagSpec, value: Any) -> int:
    if isinstance(value, str):
        if value not in spec.labels:
            raise ValueError(f"{value!r} is none of {', '.join(spec.labels)}")
        return spec.labels.index(value)
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{value!r} is neither a code nor one of {', '.join(spec.labels)}")
    return int(value)
