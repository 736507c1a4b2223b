from __future__ import annotations

import json
from enum import IntEnum

import numpy as np
import pytest

from sereno.model import Quality, ValueType
from sereno.wire.errors import WireError
from sereno.wire.jsonvalue import json_bytes, json_value


class Colour(IntEnum):
    RED = 3


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (True, True),
        (np.bool_(True), True),
        (2**63, 2**63),
        (np.int64(-(2**63)), -(2**63)),
        (np.uint64(2**64 - 1), 2**64 - 1),
        (0.1, 0.1),
        (np.float32(0.5), 0.5),
        (float("nan"), None),
        (float("-inf"), None),
        (np.float64("inf"), None),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.array([[1, 2], [3, 4]], np.int16), [[1, 2], [3, 4]]),
        (np.array(["a"]), ["a"]),
        (np.array([True]), [True]),
        (np.array(1.5), 1.5),
        (np.array([None, "a"], object), [None, "a"]),
        ((1, [2.0, float("nan")]), [1, [2.0, None]]),
        ({1: float("nan")}, {"1": None}),
        (b"\x00\xff", "AP8="),
        (Quality.BAD, 0x8000),
        (ValueType.INT64, "int64"),
        (Colour.RED, 3),
    ],
)
def test_values_become_plain(value: object, plain: object) -> None:
    found = json_value(value)
    assert found == plain
    assert type(found) is type(plain)
    assert json.loads(json_bytes(value)) == plain


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j, np.array([1j]), [object()]])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(WireError, match="cannot be written"):
        json_bytes(value)


def test_what_json_cannot_hold_is_refused() -> None:
    assert json_bytes(1 << 70) == b"1180591620717411303424"
    with pytest.raises(WireError):
        json_bytes("\ud800")
