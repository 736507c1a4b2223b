import numpy as np
import pytest

from sereno.access.insecure import Insecure
from sereno.client import CommandSpec, DeviceStatus, ParameterSpec, Reading
from sereno.gateways.tango.calls import arguments_of, command_of, result_of
from sereno.gateways.tango.order import transport_rules
from sereno.gateways.tango.shown import shown, tango_value, written_value
from sereno.model import (
    Access,
    Limits,
    LinkState,
    OperationalState,
    Quality,
    RefusedError,
    Setpoint,
    TagSpec,
    ValueType,
)

INVALID, WARNING, VALID = 1, 4, 0


def device(path, *commands):
    return DeviceStatus(path, "x", "", OperationalState.ENABLED, LinkState.UP, "", 0, 1.0, commands=commands)


def spec(name="level", kind="float64", **more):
    return TagSpec(path=f"lab/ps/1/{name}", type=ValueType(kind), **more)


def writer(*globs):
    return Insecure(name="gateway/tango", writes=globs).actor


def only(declared, writes=("*",)):
    devices = shown([declared], [device("lab/ps/1")], actor=writer(*writes), prefix="sereno", names={})
    return next(iter(devices["lab/ps/1"].attributes.values()), None)


def reading(declared, value, quality=0):
    return Reading(declared, value, int(quality), "", 10**18, 0.0)


@pytest.mark.parametrize(
    ("declared", "value", "expected"),
    [
        (spec(), 1.5, 1.5),
        (spec(kind="enum", labels=("off", "on")), "on", 1),
        (spec(kind="enum", labels=("off", "on")), 7, 7),
        (spec(kind="string", shape=(0,)), ("a", "b"), ["a", "b"]),
        (spec(kind="string", shape=(0, 0)), (("a",), ("b",)), [["a"], ["b"]]),
    ],
)
def test_values_as_tango_takes_them(declared, value, expected):
    assert tango_value(only(declared), reading(declared, value)) == (expected, VALID)


def test_narrow_integers_become_what_tango_has():
    declared = spec(kind="int8", shape=(0,))
    value, _ = tango_value(only(declared), reading(declared, np.array([-1, 2], np.int8)))
    assert value.dtype == np.int16


@pytest.mark.parametrize(
    ("value", "quality", "expected"),
    [
        (1.0, Quality.OUT_OF_RANGE, (1.0, WARNING)),
        (1.0, Quality.STALE, (0, INVALID)),
        (None, Quality.WAITING, (0, INVALID)),
        (1.0, Quality.SUBSTITUTED, (1.0, VALID)),
    ],
)
def test_quality_says_whether_the_value_may_be_trusted(value, quality, expected):
    assert tango_value(only(spec()), reading(spec(), value, quality)) == expected
    assert tango_value(only(spec(kind="string")), None) == ("", INVALID)
    assert tango_value(only(spec(shape=(0, 0))), None) == ([[]], INVALID)


def test_what_is_written_comes_back_as_ours():
    mode = only(spec(kind="enum", labels=("off", "on"), access=Access.READ_WRITE))
    assert written_value(mode, 1) == "on"
    assert written_value(only(spec(shape=(0,))), np.array([1.0])) == [1.0]
    assert written_value(only(spec(kind="string", shape=(0,))), ("a",)) == ["a"]


def test_bounds_and_limits_are_those_that_the_type_can_hold():
    more = {"setpoint": Setpoint(low=0.0, high=9.5), "limits": Limits(lo=1.0, hihi=8.5), "access": Access.READ_WRITE}
    properties = only(spec(unit="m", decimals=2, **more)).properties
    assert properties == {
        "label": "level", "unit": "m", "description": "lab/ps/1/level", "format": "%.2f",
        "min_value": "0.0", "max_value": "9.5", "min_warning": "1.0", "max_alarm": "8.5",
    }  # fmt: skip
    properties = only(spec(kind="int16", **more)).properties
    assert {key: properties[key] for key in ("min_value", "min_warning")} == {"min_value": "0", "min_warning": "1"}
    assert not {"max_value", "max_alarm", "format"} & set(properties)


def test_only_what_is_listed_can_be_written_or_called():
    tags = [spec("a", access=Access.READ_WRITE), spec("b", access=Access.READ_WRITE), spec("c", access=Access.WRITE)]
    devices = [device("lab/ps/1", CommandSpec(name="reset")), device("lab/ps/2", CommandSpec(name="reset"))]
    found = shown(tags, devices, actor=writer("lab/ps/1/a", "lab/ps/2"), prefix="sereno", names={})
    assert {name: one.writable for name, one in found["lab/ps/1"].attributes.items()} == {"a": True, "b": False}
    assert (list(found["lab/ps/1"].commands), list(found["lab/ps/2"].commands)) == ([], ["reset"])
    devices = [device("lab/ps/1", CommandSpec(name="reset"), CommandSpec(name="look", reads=True))]
    found = shown(tags, devices, actor=writer("lab/ps/2"), prefix="sereno", names={})
    assert list(found["lab/ps/1"].commands) == ["look"], "what only reads is there as values are"


def command(*kinds, result=None):
    parameters = tuple(ParameterSpec(name=f"p{i}", type=ValueType(k), shape=s) for i, (k, s) in enumerate(kinds))
    gives = None if result is None else ParameterSpec(name="r", type=ValueType(result[0]), shape=result[1])
    return command_of(CommandSpec(name="do", parameters=parameters, result=gives))


@pytest.mark.parametrize(
    ("made", "takes", "given", "arguments"),
    [
        (command(), "DevVoid", None, ()),
        (command(("float64", ())), "DevDouble", 1.5, (1.5,)),
        (command(("int8", ())), "DevShort", 1, (1,)),
        (command(("uint8", (0,))), "DevVarCharArray", np.array([1], np.uint8), ([1],)),
        (command(("string", (0,))), "DevVarStringArray", ["a"], (["a"],)),
        (command(("float64", (0, 0))), "DevString", "[[1, 2]]", ([[1, 2]],)),
        (command(("int64", ()), ("string", ())), "DevString", '[1, "x"]', (1, "x")),
    ],
)
def test_one_value_goes_in(made, takes, given, arguments):
    assert (made.takes, arguments_of(made, given)) == (takes, arguments)


@pytest.mark.parametrize("given", ["1, 2", "{}", "7"])
def test_what_is_no_list_of_arguments_is_refused(given):
    with pytest.raises(RefusedError, match="JSON"):
        arguments_of(command(("int64", ()), ("string", ())), given)


@pytest.mark.parametrize(
    ("made", "value", "expected"),
    [
        (command(), 5, None),
        (command(result=("float64", ())), 2.5, 2.5),
        (command(result=("string", ())), "x", "x"),
        (command(result=("float64", (0, 0))), [[1.0]], "[[1.0]]"),
        (command(result=("string", ())), None, ""),
    ],
)
def test_one_value_comes_out(made, value, expected):
    assert result_of(made, value) == expected


def test_networks_become_rules_of_the_orb():
    assert transport_rules(("127.0.0.0/8", "::1/128", "10.1.2.3/32")) == (
        "127.0.0.0/255.0.0.0 tcp", "::1/128 tcp", "10.1.2.3/255.255.255.255 tcp"
    )  # fmt: skip
