"""Commands of a Tango device: what people are told of them, and arguments as Tango takes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sereno.client import CommandSpec, ParameterSpec
from sereno.model import NotFoundError, RefusedError, ValueType

from .peer import CommandInfo
from .protocol import STATES, TYPES

NOTHING = "DevVoid"
_MIXED = {"DevVarLongStringArray": ValueType.INT32, "DevVarDoubleStringArray": ValueType.FLOAT64}
_ARRAYS = {
    "DevVarCharArray": ValueType.UINT8,
    **{f"DevVar{name.removeprefix('Dev')}Array": kind for name, kind in TYPES.items() if name != "DevEncoded"},
}


def command_specs(commands: Iterable[CommandInfo]) -> tuple[CommandSpec, ...]:
    """As they are described to clients."""
    return tuple(CommandSpec(name=c.name, parameters=_parameters(c), result=_result(c)) for c in commands)


def found(commands: Iterable[CommandInfo], name: str, device: str) -> CommandInfo:
    """A command by its name in any case. Raises NotFoundError."""
    known = {c.name.lower(): c for c in commands}
    if name.lower() not in known:
        names = ", ".join(c.name for c in known.values()) or "none"
        raise NotFoundError(f"{device} has no command {name!r}; there are: {names}")
    return known[name.lower()]


def argument_of(command: CommandInfo, arguments: tuple[Any, ...]) -> Any:
    """The one argument that Tango takes; an array may be given as a list or as its elements. Raises RefusedError."""
    takes = command.takes
    if takes == NOTHING:
        return _exactly(command, arguments, 0)
    if takes in _MIXED:
        _exactly(command, arguments, 2)
        return [list(arguments[0]), list(arguments[1])]
    if takes == "DevEncoded":
        _exactly(command, arguments, 2)
        data = arguments[1]
        return str(arguments[0]), data.encode() if isinstance(data, str) else bytes(data)
    if takes in _ARRAYS:
        is_list = len(arguments) == 1 and not isinstance(arguments[0], str | int | float)
        return list(arguments[0] if is_list else arguments)
    return _scalar(command, _exactly(command, arguments, 1))


def _scalar(command: CommandInfo, value: Any) -> Any:
    if command.takes == "DevState" and isinstance(value, str):
        import tango

        if value.lower() not in STATES:
            raise RefusedError(f"{command.name}: {value!r} is no state, expected one of {', '.join(STATES)}")
        return tango.DevState(STATES.index(value.lower()))
    return value


def _exactly(command: CommandInfo, arguments: tuple[Any, ...], count: int) -> Any:
    if len(arguments) != count:
        spec = command_specs([command])[0]
        raise RefusedError(f"{len(arguments)} argument(s) given to {spec.signature}, expected {count}")
    return arguments[0] if arguments else None


def _parameters(command: CommandInfo) -> tuple[ParameterSpec, ...]:
    takes = command.takes
    if takes == NOTHING:
        return ()
    if takes in _MIXED:
        texts = ParameterSpec(name="texts", type=ValueType.STRING, shape=(0,))
        return ParameterSpec(name="numbers", type=_MIXED[takes], shape=(0,)), texts
    if takes == "DevEncoded":
        text = ValueType.STRING
        return ParameterSpec(name="format", type=text), ParameterSpec(name="data", type=text)
    return (_described("value", takes),)


def _result(command: CommandInfo) -> ParameterSpec | None:
    return None if command.gives == NOTHING else _described("result", command.gives)


def _described(name: str, kind: str) -> ParameterSpec:
    if kind in _ARRAYS:
        return ParameterSpec(name=name, type=_ARRAYS[kind], shape=(0,))
    labels = STATES if kind == "DevState" else ()
    return ParameterSpec(name=name, type=TYPES.get(kind, ValueType.STRING), labels=labels)
