"""substitute: force the value of a tag for a while, end it, list what is forced."""

from __future__ import annotations

import click

from sereno.client import Client, Substitution, substitution_json
from sereno.model import Override, parse_duration

from .live import parse_value
from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table, timestamp, with_unit


def seconds_of(text: str) -> float:
    """A duration such as 2h, of an option. Raises click.BadParameter."""
    try:
        return parse_duration(float(text) if text.replace(".", "", 1).isdigit() else text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def until(override: Override) -> str:
    """When an override ends, for people."""
    return f"until {timestamp(override.expires)}" if override.expires else "until ended by hand"


@click.command()
@click.argument("tag", required=False)
@click.argument("value", required=False)
@click.option("--reason", default="", help="Why; kept with the record and shown.")
@click.option("--for", "duration", default="", help="How long at most, such as 30min or 2h.")
@click.option("--end", is_flag=True, help="Show the tag's own value again.")
@node_options
@json_option
def substitute(
    *, tag: str | None, value: str | None, reason: str, duration: str, end: bool, node: NodeAddress, as_json: bool
) -> int:
    """Let VALUE stand for what the device says of TAG. Without a tag: list what is substituted."""
    if tag is not None and not end and (value is None or not reason or not duration):
        raise click.UsageError("substitute TAG VALUE needs --reason and --for; or substitute TAG --end")

    async def work(client: Client) -> None:
        if tag is None:
            _list(await client.substitutions(), as_json)
        elif end:
            ended = await client.end_substitution(tag)
            click.echo(f"{ended.path}: shows its own value again")
        else:
            spec = (await client.get(tag)).tag
            made = await client.substitute(
                tag, parse_value(spec, value or ""), reason=reason, seconds=seconds_of(duration)
            )
            click.echo(f"{made.path}: substituted by {with_unit(spec, made.value)} {until(made)}")

    return with_client(work, node)


def _list(found: list[Substitution], as_json: bool) -> None:
    if as_json:
        for one in found:
            json_line(substitution_json(one))
        return
    rows = [
        (s.override.path, with_unit(s.own.tag, s.override.value), with_unit(s.own.tag, s.own.value), s.override.actor,
         timestamp(s.override.expires), s.override.reason)
        for s in found
    ]  # fmt: skip
    table(("tag", "substituted", "own value", "by", "until", "reason"), rows)
