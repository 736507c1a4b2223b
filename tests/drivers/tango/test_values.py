import numpy as np
import pytest

from sereno.drivers.tango.protocol import QUALITIES, STATES, TYPES, quality_of
from sereno.drivers.tango.values import coded_value, plain_value
from sereno.model import Quality, TagSpec, ValueType


def spec(kind, shape=(), labels=()):
    return TagSpec(path="d/t", type=ValueType(kind), shape=shape, labels=labels)


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        (spec("float64"), np.float32(0.5), 0.5),
        (spec("float64"), 7, 7.0),
        (spec("int32"), np.int64(7), 7),
        (spec("enum", labels=STATES), "moving", STATES.index("moving")),
        (spec("enum", labels=("a", "b")), np.int16(1), 1),
        (spec("string"), "moving", "moving"),
        (spec("string"), ("json", b"{}"), "{}"),
        (spec("string", (0,)), ("a", "b"), ("a", "b")),
    ],
)
def test_values_become_those_of_the_tag(declared, given, expected):
    assert coded_value(declared, given) == expected


def test_bytes_and_states_as_arrays():
    assert coded_value(spec("uint8", (0,)), ("raw", b"\x01\xff")).tolist() == [1, 255]
    assert coded_value(spec("enum", (0,), STATES), ["on", "fault"]).tolist() == [0, STATES.index("fault")]


@pytest.mark.parametrize(
    ("declared", "given"),
    [
        (spec("int16"), 70000),
        (spec("int16"), 1.5),
        (spec("bool"), 1),
        (spec("string"), 1.0),
        (spec("float64"), np.zeros(3)),
        (spec("float64", (0, 0)), np.zeros(3)),
        (spec("enum", labels=("a",)), "b"),
        (spec("enum", labels=("a",)), 1.5),
    ],
)
def test_what_does_not_fit_is_told(declared, given):
    with pytest.raises((TypeError, ValueError)):
        coded_value(declared, given)


def test_labels_go_out_as_codes():
    assert plain_value(spec("enum", labels=("a", "b")), "b") == 1
    assert plain_value(spec("float64"), 2.5) == 2.5


def test_only_an_invalid_value_is_bad():
    assert [quality_of(code) for code in range(len(QUALITIES))] == [0, int(Quality.BAD), 0, 0, 0]


def test_codes_are_those_of_tango(require_package):
    tango = require_package("tango", "pytango")
    assert [str(state).lower() for state in tango.DevState.__members__] == list(STATES)
    assert [name.removeprefix("ATTR_").lower() for name in tango.AttrQuality.__members__] == list(QUALITIES)
    assert set(TYPES) <= set(tango.CmdArgType.__members__)
