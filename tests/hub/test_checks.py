from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sereno.hub.agreement import reached, unchanged
from sereno.hub.checks import writable_value
from sereno.model import RefusedError, Setpoint, TagSpec, ValueType

LABELS = ("stopped", "running")


def spec(kind: str = "float64", low: float | None = None, high: float | None = None, **keys: Any) -> TagSpec:
    return TagSpec(path="a/b", type=ValueType(kind), setpoint=Setpoint(low=low, high=high), **keys)


@pytest.mark.parametrize(
    ("tag", "value", "expected"),
    [
        (spec(), 1, 1.0),
        (spec(), np.float32(0.5), 0.5),
        (spec(low=0, high=10), 10, 10.0),
        (spec("bool"), True, True),
        (spec("bool"), 0, False),
        (spec("bool", labels=("no", "yes")), "yes", True),
        (spec("int16"), -32768, -32768),
        (spec("uint16"), 7.0, 7),
        (spec("uint16", decimals=1), 12.3, 12.3),
        (spec("uint16", decimals=1), 6553600, 6553600),
        (spec("uint16", high=100000), 90000, 90000),
        (spec("uint64"), 2**64 - 1, 2**64 - 1),
        (spec("enum", labels=LABELS), "running", 1),
        (spec("enum", labels=LABELS), 0, 0),
        (spec("enum", labels=LABELS, low=1), "running", 1),
        (spec("string"), "recipe", "recipe"),
        (spec("float32", shape=(2,)), [1, 2.5], (1.0, 2.5)),
        (spec("float32", shape=(0,)), [1, 2.5], (1.0, 2.5)),
        (spec("float32", shape=(0,)), [], ()),
        (spec("int16", shape=(0, 2)), [[1, 2], [3, 4]], ((1, 2), (3, 4))),
        (spec("int16", shape=(0, 0)), [], ()),
        (spec("int16", shape=(2, 2)), np.array([[1, 2], [3, 4]]), (1, 2, 3, 4)),
    ],
)
def test_accepted(tag: TagSpec, value: Any, expected: Any) -> None:
    got = writable_value(tag, value)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("tag", "value", "words"),
    [
        (spec(low=0, high=10, unit="m"), 10.01, "10.01 m is above the limit, a/b takes 0 to 10"),
        (spec(low=0, high=10), -1, "-1 is below the limit, a/b takes 0 to 10"),
        (spec(low=0), -1, "takes 0 or more"),
        (spec(high=3), 4, "takes 3 or less"),
        (spec("float64", high=3, shape=(2,)), [1, 4], "takes 3 or less"),
        (spec(), "12", "takes a number (float64), this is '12'"),
        (spec(), True, "takes a number"),
        (spec(), None, "takes a number"),
        (spec(), float("nan"), "a finite number, this is nan"),
        (spec(), float("inf"), "a finite number"),
        (spec("int32"), float("-inf"), "a finite number"),
        (spec("float32"), 1e39, "does not fit float32"),
        (spec("float64"), 10**400, "does not fit float64"),
        (spec("int16"), 32768, "32768 does not fit int16, a/b takes -32768 to 32767"),
        (spec("uint8"), -1, "takes 0 to 255"),
        (spec("uint64"), 2**64, "does not fit uint64"),
        (spec("bool"), 2, "takes true or false, this is 2"),
        (spec("bool"), "true", "takes true or false"),
        (spec("enum", labels=LABELS), "runing", "did you mean 'running'?"),
        (spec("enum", labels=LABELS), 2, "takes 'stopped', 'running', this is 2"),
        (spec("enum", labels=LABELS), True, "this is True"),
        (spec("string"), 5, "takes text"),
        (spec(shape=(2,)), [1], "array of shape (2,), this is shape (1,)"),
        (spec(shape=(2,)), 1, "this is int"),
        (spec(shape=(0, 2)), [[1, 2, 3]], "this is shape (1, 3)"),
        (spec(shape=(0, 0)), [[1, 2], [3]], "this is list"),
    ],
)
def test_refused(tag: TagSpec, value: Any, words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        writable_value(tag, value)
    assert words in str(caught.value)


def commanded(tolerance: float = 0.0, kind: str = "float64", **keys: Any) -> TagSpec:
    return TagSpec(path="a/sp", type=ValueType(kind), setpoint=Setpoint(tolerance=tolerance), **keys)


@pytest.mark.parametrize(
    ("tag", "wanted", "readback", "seen", "expected"),
    [
        (commanded(), 1.5, commanded(), 1.5, True),
        (commanded(), 1.5, commanded(), 1.5001, False),
        (commanded(0.1), 1.5, commanded(), 1.6, True),
        (commanded(0.1), 1.5, commanded(), 1.61, False),
        (commanded(), 0.1, commanded(kind="float32"), float(np.float32(0.1)), True),
        (commanded(kind="int64"), 2**60, commanded(kind="int64"), 2**60 + 1, False),
        (commanded(2, kind="int16"), 10, commanded(kind="int16"), 12, True),
        (commanded(kind="enum", labels=LABELS), 1, commanded(kind="enum", labels=LABELS), "running", True),
        (commanded(kind="bool"), True, commanded(kind="enum", labels=LABELS), "running", True),
        (commanded(kind="string"), "x", commanded(kind="string"), "x", True),
        (commanded(kind="string"), "x", commanded(kind="string"), "y", False),
        (commanded(), 1.0, commanded(), None, False),
        (commanded(shape=(2,)), (1.0, 2.0), commanded(shape=(2,)), np.array([1.0, 2.0]), True),
        (commanded(shape=(2,)), (1.0, 2.0), commanded(shape=(3,)), np.array([1.0, 2.0, 3.0]), False),
    ],
)
def test_reached(tag: TagSpec, wanted: Any, readback: TagSpec, seen: Any, expected: bool) -> None:
    assert reached(tag, readback, wanted, seen) is expected


def test_unchanged_is_as_far_as_a_page_shows_it() -> None:
    assert unchanged(commanded(decimals=1), 4.2, 4.24)
    assert not unchanged(commanded(decimals=1), 4.2, 4.26)
    assert unchanged(commanded(deadband=0.5), 4.0, 4.5)
    assert not unchanged(commanded(), 4.0, 4.5)
    assert not unchanged(commanded(), 4.0, None)
    assert unchanged(commanded(kind="enum", labels=LABELS), 1, "running")
    assert not unchanged(commanded(kind="enum", labels=LABELS), "stopped", "running")
    assert not unchanged(commanded(), "four", 4.0)


def test_limits_of_an_enum_bound_its_codes() -> None:
    tag = spec("enum", labels=("closed", "open", "opening", "closing"), low=1, high=1)
    assert writable_value(tag, "open") == writable_value(tag, 1) == 1
    for value in ("closed", 0, 2, "closing"):
        with pytest.raises(RefusedError, match="takes 'open' only"):
            writable_value(tag, value)
    with pytest.raises(RefusedError, match="no label is within"):
        writable_value(spec("enum", labels=LABELS, low=5), "running")
