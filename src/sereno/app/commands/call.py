"""call: a command of a device, from the terminal."""

from __future__ import annotations

import sys
from typing import Any

import click
import orjson

from sereno.client import Client, CommandSpec, DeviceStatus, ParameterSpec
from sereno.model import AckState, NotFoundError, ValueType
from sereno.wire.jsonvalue import json_value

from .live import ack_exit_code
from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table
from .waiting import follow, marks_words, yes_option


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("device")
@click.argument("command", required=False)
@click.argument("arguments", nargs=-1)
@click.option("--comment", default="", help="Why; kept with the record.")
@click.option("--timeout", default=10.0, show_default=True, help="Seconds until the command expires unsent.")
@yes_option
@node_options
@json_option
def call(
    *,
    device: str,
    command: str | None,
    arguments: tuple[str, ...],
    comment: str,
    timeout: float,
    yes: bool,
    node: NodeAddress,
    as_json: bool,
) -> int:
    """Call COMMAND of DEVICE and print its result; without COMMAND list what may be called.

    ARGUMENTs are given in order or as NAME=VALUE; arrays as [1, 2, 3].
    """

    async def work(client: Client) -> int:
        status = await _device(client, device)
        if command is None:
            _list(status)
            return 0
        spec = _command(status, command)
        ask = client.select_call if spec.marks.marked else client.call
        ack = await ask(device, command, *parsed(spec, arguments), timeout=timeout, comment=comment)
        ack = await follow(client, ack, asks=not (yes or as_json) and sys.stdin.isatty())
        if as_json:
            json_line({"device": device, "command": command, "key": ack.key, "state": ack.state, "reason": ack.reason,
                       "value": json_value(ack.value), "details": ack.details})  # fmt: skip
        elif ack.state is AckState.DONE:
            click.echo("done" if ack.value is None else orjson.dumps(json_value(ack.value)).decode())
        else:
            click.echo(f"{str(ack.state).replace('_', ' ')}: {ack.reason}", err=True)
        return ack_exit_code(ack)

    return with_client(work, node)


def parsed(spec: CommandSpec, texts: tuple[str, ...]) -> list[Any]:
    """The arguments of a command as its parameters say, by position or by name. Raises click.UsageError."""
    parameters = {parameter.name: parameter for parameter in spec.parameters}
    given: dict[str, Any] = {}
    for position, text in enumerate(texts):
        name, equals, value = text.partition("=")
        if not equals or name not in parameters:
            if position >= len(spec.parameters):
                raise click.UsageError(f"{text!r} is one argument too many: {spec.signature}")
            name, value = spec.parameters[position].name, text
        given[name] = _value(parameters[name], value)
    found: list[Any] = []
    for parameter in spec.parameters:
        if parameter.name in given:
            found.append(given.pop(parameter.name))
        elif not parameter.optional:
            raise click.UsageError(f"{parameter.name} is missing: {spec.signature}")
        elif given:
            found.append(parameter.default)
    return found


def _value(parameter: ParameterSpec, text: str) -> Any:
    plain = parameter.type in (ValueType.STRING, ValueType.ENUM) and not parameter.shape
    if plain:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise click.UsageError(f"{text!r} for {parameter.words}") from None


async def _device(client: Client, path: str) -> DeviceStatus:
    known = await client.devices()
    for status in known:
        if status.path == path:
            return status
    raise NotFoundError(f"no device {path!r}; there are {', '.join(s.path for s in known) or 'none'}")


def _command(status: DeviceStatus, name: str) -> CommandSpec:
    for spec in status.commands:
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in status.commands) or "none"
    raise NotFoundError(f"{status.path} has no command {name!r}; there are {known}")


def _list(status: DeviceStatus) -> None:
    rows = [
        (spec.signature, spec.result.words if spec.result else "", ", ".join(spec.allowed),
         ", ".join(marks_words(spec.marks)), spec.marks.interlock, "read" if spec.reads else "call", spec.description)
        for spec in status.commands
    ]  # fmt: skip
    table(("command", "gives", "allowed in", "waits for", "interlock", "right", "description"), rows)
