import pytest

from sereno.drivers.tango.calls import argument_of, command_specs, found
from sereno.drivers.tango.peer import CommandInfo
from sereno.model import NotFoundError, RefusedError


def command(takes, gives="DevVoid"):
    return CommandInfo("Do", takes, gives)


@pytest.mark.parametrize(
    ("takes", "arguments", "expected"),
    [
        ("DevVoid", (), None),
        ("DevDouble", (2.5,), 2.5),
        ("DevVarDoubleArray", ([1.0, 2.0],), [1.0, 2.0]),
        ("DevVarDoubleArray", (1.0, 2.0), [1.0, 2.0]),
        ("DevVarDoubleArray", (), []),
        ("DevVarStringArray", ("a",), ["a"]),
        ("DevVarLongStringArray", ((1, 2), ("x",)), [[1, 2], ["x"]]),
        ("DevEncoded", ("json", "{}"), ("json", b"{}")),
    ],
)
def test_arguments_become_the_one_of_tango(takes, arguments, expected):
    assert argument_of(command(takes), arguments) == expected


@pytest.mark.parametrize(
    ("takes", "arguments", "words"),
    [
        ("DevVoid", (1,), "expected 0"),
        ("DevDouble", (), "Do\\(value: float64\\), expected 1"),
        ("DevVarLongStringArray", (1,), "expected 2"),
    ],
)
def test_a_wrong_number_is_refused_with_the_signature(takes, arguments, words):
    with pytest.raises(RefusedError, match=words):
        argument_of(command(takes), arguments)


def test_commands_are_found_in_any_case_and_others_told():
    known = [command("DevVoid")]
    assert found(known, "dO", "a/b") is known[0]
    with pytest.raises(NotFoundError, match="there are: Do"):
        found(known, "undo", "a/b")


def test_signatures():
    kinds = [command("DevVarStringArray", "DevState"), command("DevVarDoubleStringArray", "DevVarLong64Array")]
    first, second = command_specs(kinds)
    assert first.signature == "Do(value: string[])"
    assert first.result.labels[:2] == ("on", "off")
    assert second.signature == "Do(numbers: float64[], texts: string[])"
    assert second.result.words == "result: int64[]"
