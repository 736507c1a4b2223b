"""Commands of ours as Tango has them: one value in, one value out."""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from sereno.client import CommandSpec, ParameterSpec
from sereno.drivers.tango.protocol import TANGO_TYPES
from sereno.model import RefusedError, ValueType
from sereno.wire.jsonvalue import json_bytes

from .names import command_name

TEXT = "DevString"
NOTHING = "DevVoid"


@dataclass(frozen=True, slots=True)
class Command:
    """A command by its name in Tango. Several arguments, and what has no type there, travel as JSON in a text."""

    spec: CommandSpec
    name: str
    takes: str
    gives: str

    @property
    def words(self) -> str:
        """What goes in, for the description of the command."""
        return f"JSON array: {self.spec.signature}" if len(self.spec.parameters) > 1 else self.spec.signature


def command_of(spec: CommandSpec, reserved: Container[str] = ()) -> Command:
    """A command as Tango clients see it. `reserved` names are not for commands."""
    parameters = spec.parameters
    takes = NOTHING if not parameters else _typed(parameters[0]) if len(parameters) == 1 else TEXT
    gives = NOTHING if spec.result is None else _typed(spec.result)
    return Command(spec, command_name(spec.name, reserved), takes, gives)


def arguments_of(command: Command, value: Any) -> tuple[Any, ...]:
    """What a Tango client gave, as the arguments of the command. Raises RefusedError where it is no JSON."""
    parameters = command.spec.parameters
    if not parameters:
        return ()
    plain = value.tolist() if hasattr(value, "tolist") else value
    if len(parameters) == 1 and len(parameters[0].shape) < 2:
        return (plain,)
    try:
        given = json.loads(plain)
    except ValueError as error:
        raise RefusedError(f"{command.words}: {plain!r:.80} is no JSON, {error}") from None
    if len(parameters) == 1:
        return (given,)
    if not isinstance(given, list):
        raise RefusedError(f"{command.words}: {plain!r:.80} is no JSON array")
    return tuple(given)


def result_of(command: Command, value: Any) -> Any:
    """The result as Tango takes it."""
    if command.gives == NOTHING or value is None:
        return None if command.gives == NOTHING else "" if command.gives == TEXT else 0
    if command.gives == TEXT:
        return value if isinstance(value, str) else json_bytes(value).decode()
    return value


def _typed(parameter: ParameterSpec) -> str:
    if parameter.type is ValueType.ENUM or len(parameter.shape) > 1:
        return TEXT
    kind = TANGO_TYPES[parameter.type]
    if not parameter.shape:
        return kind
    return "DevVarCharArray" if kind == "DevUChar" else f"DevVar{kind.removeprefix('Dev')}Array"
