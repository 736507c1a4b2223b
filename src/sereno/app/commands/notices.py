"""notice list|test|roster|swap: notices of a running node."""

from __future__ import annotations

from typing import Any

import click
import orjson

from sereno.client import Client, RosterSwap, SentNotice, duty_json, parse_time, sent_notice_json

from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table, timestamp


@click.group()
def notice() -> None:
    """Notices: who is told of alarms, by which way, and what became of it."""


@notice.command(name="list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="The newest so many.")
@node_options
@json_option
def list_sent(*, limit: int, node: NodeAddress, as_json: bool) -> int:
    """What was sent to whom and what became of it, the newest at the end."""

    async def work(client: Client) -> None:
        found = list(reversed(await client.notices.sent(client.actor, limit=limit)))
        if as_json:
            for one in found:
                json_line(sent_notice_json(one))
        else:
            table(("time", "pipeline", "step", "notice", "to", "by", "state", "outcome"), [_sent(one) for one in found])

    return with_client(work, node)


@notice.command()
@node_options
@json_option
def status(*, node: NodeAddress, as_json: bool) -> int:
    """Ways, pipelines and heartbeats; exit code 1 if a way fails."""

    async def work(client: Client) -> int:
        found = await client.notices.overview(client.actor)
        if as_json:
            json_line(found)
        else:
            _show_status(found)
        return int(any(way["problem"] for way in found["ways"]))

    return with_client(work, node)


@notice.command()
@click.argument("way")
@click.option("--to", "person", default="", help="A person; needed by ways that need an address.")
@node_options
@json_option
def test(*, way: str, person: str, node: NodeAddress, as_json: bool) -> int:
    """Send a trial by WAY now, and say what became of it."""

    async def work(client: Client) -> None:
        outcome = await client.notices.test(way, person, client.actor)
        json_line({"way": way, "person": person, "outcome": outcome}) if as_json else click.echo(outcome)

    return with_client(work, node)


@notice.command()
@click.option("--from", "start", default="now", show_default=True, help="ISO 8601, or relative as now-6h.")
@click.option("--to", "end", default="now+7d", show_default=True, help="Before this time.")
@node_options
@json_option
def roster(*, start: str, end: str, node: NodeAddress, as_json: bool) -> int:
    """Who is on duty when, by every roster."""
    bounds = _time(start, "--from"), _time(end, "--to")

    async def work(client: Client) -> None:
        found = await client.notices.duty(client.actor, *bounds)
        if as_json:
            for one in found:
                json_line(duty_json(one))
        else:
            rows = [(d.roster, timestamp(d.start), timestamp(d.end), ", ".join(d.people) or "nobody") for d in found]
            table(("roster", "from", "to", "on duty"), rows)

    return with_client(work, node)


@notice.command()
@click.argument("roster_name", metavar="ROSTER")
@click.option("--from", "start", required=True, help="ISO 8601, or relative as now+2h.")
@click.option("--to", "end", required=True, help="Before this time.")
@click.option("--out", "leaves", default="", help="Who leaves.")
@click.option("--in", "takes", default="", help="Who takes over.")
@click.option("--reason", default="", help="Why; kept on record.")
@node_options
@json_option
def swap(
    *, roster_name: str, start: str, end: str, leaves: str, takes: str, reason: str, node: NodeAddress, as_json: bool
) -> int:
    """Change a roster for a time: somebody leaves, somebody takes over, or both."""
    bounds = {"start": _time(start, "--from"), "end": _time(end, "--to")}
    wanted = RosterSwap(roster=roster_name, leaves=leaves, takes=takes, reason=reason, **bounds)

    async def work(client: Client) -> None:
        number = await client.notices.swap(wanted, client.actor)
        json_line({"id": number}) if as_json else click.echo(f"change {number} of {roster_name}")

    return with_client(work, node)


def _time(text: str, option: str) -> int:
    try:
        return parse_time(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None


def _sent(one: SentNotice) -> tuple[str, ...]:
    told = one.subject or ", ".join(one.alarms)
    outcome = f"{one.outcome}; acknowledged by its link" if one.acknowledged else one.outcome
    return timestamp(one.t), one.pipeline, str(one.step + 1), told, one.person or "-", one.way, one.state, outcome


def _show_status(found: dict[str, Any]) -> None:
    ways = [(w["name"], w["kind"], w["problem"] or "works", str(w["sent"]), str(w["failed"])) for w in found["ways"]]
    table(("way", "kind", "state", "sent", "failed"), ways)
    duty = [(d["roster"], ", ".join(d["people"]) or "nobody", d["timezone"]) for d in found["duty"]]
    if duty:
        table(("roster", "on duty now", "time zone"), duty)
    rows = [
        (p["name"], " ".join(p["alarms"]), orjson.dumps(p["priorities"]).decode(), str(p["cases"]))
        for p in found["pipelines"]
    ]
    if rows:
        table(("pipeline", "alarms", "priorities", "alarms in it"), rows)
    beats = [(b["name"], b["way"], b["last"] or "never", b["outcome"]) for b in found["heartbeats"]]
    if beats:
        table(("heartbeat", "way", "last", "outcome"), beats)
