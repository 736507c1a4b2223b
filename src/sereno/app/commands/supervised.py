"""What agents and simulators have in common in a terminal: orders to them, and their logs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from sereno.client import Client, LogLine, log_line_json
from sereno.model import AckState, NotFoundError, match_paths

from .live import ack_exit_code
from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, timestamp

_RUNS = ("running", "starting")


def order(
    driver: str, noun: str, named: str, command: str, node: NodeAddress, *arguments: Any, below: str = "", as_json: bool
) -> int:
    """Have the supervisor do this to all that `named`, a path or a glob, means; the exit code of the first that fails.

    They are devices of kind `driver`, by their paths without `below`. Of many only those are started that do not run.
    """

    async def work(client: Client) -> int:
        known = [status.path.removesuffix(below) for status in await client.devices() if status.driver == driver]
        all_of = bool(set(named) & set("*?["))
        found = match_paths(named, known) if all_of else [named] if named in known else []
        if not found:
            raise NotFoundError(f"there is no {noun} {named!r}; there are: {', '.join(known) or 'none'}")
        if all_of and command == "start":
            found = [path for path in found if (await client.get(f"{path}{below}/state")).value not in _RUNS]
        codes = []
        for path in found:
            ack = await client.call(path + below, command, *arguments, timeout=30.0)
            if as_json:
                json_line({noun: path, "command": command, "state": str(ack.state), "reason": ack.reason})
            else:
                words = f"{path}: {str(ack.state).replace('_', ' ')}: {ack.reason}".removesuffix(": ")
                click.echo(words, err=ack.state is not AckState.DONE)
            codes.append(ack_exit_code(ack))
        return next((code for code in codes if code), 0)

    return with_client(work, node)


def log_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--lines, --follow and those of the node and of JSON."""
    for option in (
        json_option,
        node_options,
        click.option("--follow", is_flag=True, help="Go on with what it says from now on, until Ctrl-C."),
        click.option("--lines", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at first."),
    ):
        command = option(command)
    return command


def show_log(path: str, *, lines: int, follow: bool, node: NodeAddress, as_json: bool) -> int:
    """Print what it has said."""

    async def work(client: Client) -> None:
        last, limit = 0, lines
        while True:
            for line in await client.agent_log(path, after=last, limit=limit):
                json_line(log_line_json(line)) if as_json else click.echo(_said(line))
                last, limit = line.number, 1000
            if not follow:
                return
            await client.clock.sleep(1.0)

    return with_client(work, node)


def seconds(value: object) -> str:
    """A silence, in a table."""
    return f"{value:.0f} s" if isinstance(value, float) else ""


def _said(line: LogLine) -> str:
    more = "  ".join(f"{key}={value}" for key, value in line.fields.items())
    return f"{timestamp(line.t)}  {line.level:8}  {line.event}  {more}".rstrip()
