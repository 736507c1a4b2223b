"""guard list: the declared guards and what they did."""

from __future__ import annotations

import click

from sereno.client import Client, GuardStatus, guard_json

from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table, timestamp


@click.group()
def guard() -> None:
    """Guards: declared rules that issue one declared command. They are not the safety layer."""


@guard.command(name="list")
@node_options
@json_option
def list_guards(*, node: NodeAddress, as_json: bool) -> int:
    """State of every guard, how often it acted, and what became of its last command."""

    async def work(client: Client) -> None:
        found = await client.guards()
        if as_json:
            for status in found:
                json_line(guard_json(status))
            return
        heads = ("guard", "state", "condition", "is", "command", "acted", "last", "outcome")
        table(heads, [_row(status) for status in found])

    return with_client(work, node)


def _row(status: GuardStatus) -> tuple[str, ...]:
    repeats = f" ({status.failed} times in a row, it repeats)" if status.retry and status.failed else ""
    return (
        status.name, status.state, status.when, status.verdict, status.command, str(status.acted),
        timestamp(status.last), status.outcome + repeats,
    )  # fmt: skip
