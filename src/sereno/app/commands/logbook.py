"""logbook list|add|correct|hand-over|take-over: the logbook of the shift of a running node."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import click

from sereno.client import Client, LogEntry, LogQuery, log_entry_json, parse_time

from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, timestamp

Work = Callable[[Client], Coroutine[Any, Any, LogEntry]]


@click.group()
def logbook() -> None:
    """The logbook of the shift. Entries are never changed; a correction is a new entry."""


@logbook.command(name="list")
@click.option("--about", "subject", default="", help="Notes on this alarm, tag or device.")
@click.option("--text", default="", help="Entries with this text in them.")
@click.option("--from", "start", default="now-7d", show_default=True, help="ISO 8601, or relative as now-12h.")
@click.option("--to", "end", default="now", show_default=True, help="Before this time.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="The newest so many.")
@node_options
@json_option
def list_entries(*, subject: str, text: str, start: str, end: str, limit: int, node: NodeAddress, as_json: bool) -> int:
    """The entries, the newest at the end."""
    try:
        bounds = parse_time(start), parse_time(end)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None

    async def work(client: Client) -> None:
        query = LogQuery(subject=subject, text=text, start=bounds[0], end=bounds[1], limit=limit)
        for entry in reversed(await client.logbook.entries(query, client.actor)):
            _show(entry, as_json)

    return with_client(work, node)


@logbook.command()
@click.argument("text")
@click.option("--about", "subject", default="", help="The alarm, tag or device that this is a note on.")
@node_options
@json_option
def add(*, text: str, subject: str, node: NodeAddress, as_json: bool) -> int:
    """Add an entry, or a note on something."""
    return _add(lambda client: client.logbook.write(text, client.actor, subject=subject), node, as_json)


@logbook.command()
@click.argument("entry", type=click.IntRange(1))
@click.argument("text")
@node_options
@json_option
def correct(*, entry: int, text: str, node: NodeAddress, as_json: bool) -> int:
    """Add a correction of ENTRY, which stays as it is."""
    return _add(lambda client: client.logbook.correct(entry, text, client.actor), node, as_json)


@logbook.command(name="hand-over")
@click.argument("text")
@node_options
@json_option
def hand_over(*, text: str, node: NodeAddress, as_json: bool) -> int:
    """End a shift; how alarms and overrides stand goes with it."""
    return _add(lambda client: client.logbook.hand_over(text, client.actor), node, as_json)


@logbook.command(name="take-over")
@click.argument("entry", type=click.IntRange(1))
@click.argument("text", default="")
@node_options
@json_option
def take_over(*, entry: int, text: str, node: NodeAddress, as_json: bool) -> int:
    """Take over what was handed over by ENTRY."""
    return _add(lambda client: client.logbook.take_over(entry, text, client.actor), node, as_json)


def _add(act: Work, node: NodeAddress, as_json: bool) -> int:
    async def work(client: Client) -> None:
        _show(await act(client), as_json)

    return with_client(work, node)


def _show(entry: LogEntry, as_json: bool) -> None:
    if as_json:
        json_line(log_entry_json(entry))
        return
    about = f" on {entry.subject}" if entry.subject else ""
    refers = f" of {entry.refers}" if entry.refers else ""
    kind = "" if entry.kind == "entry" else f" {entry.kind.replace('_', '-')}{refers}"
    click.echo(f"{entry.id}  {timestamp(entry.t)}  {entry.actor}{kind}{about}: {entry.text}")
    for one in entry.facts.get("alarms", ()):
        click.echo(f"    {one['state']}: {one['alarm']}")
    for name in ("substituted", "maintenance"):
        for one in entry.facts.get(name, ()):
            click.echo(f"    {name}: {one['path']} ({one['reason']})")
