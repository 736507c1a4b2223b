"""alarm list|ack|reset|shelve|unshelve|out|in|history: alarms of a running node."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import click

from sereno.client import AlarmEvent, AlarmQuery, AlarmStatus, Client, alarm_event_json, alarm_json, parse_time
from sereno.model import NotFoundError, RefusedError, parse_duration, severity

from .alarm_figures import replay_alarms, show_figures
from .alarm_report import report_figures
from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table, timestamp

IDS = click.argument("alarms", nargs=-1, required=True, metavar="ALARM...")
NOTE = click.option("--note", default="", help="Why; kept in the journal.")
REASON = click.option("--reason", required=True, help="Why; kept in the journal.")
Act = Callable[[Client, Sequence[str]], Coroutine[Any, Any, list[AlarmStatus]]]


@click.group()
def alarm() -> None:
    """Alarms. ALARM is an id as `list` shows it, or a glob such as 'river/*'; a glob means those that it fits."""


@alarm.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Those that are normal, too.")
@node_options
@json_option
def list_alarms(*, everything: bool, node: NodeAddress, as_json: bool) -> int:
    """The alarms that are not normal, the most urgent first."""

    async def work(client: Client) -> None:
        found = [s for s in await client.alarms() if everything or s.state != "normal"]
        _show(sorted(found, key=urgency), as_json)

    return with_client(work, node)


@alarm.command()
@IDS
@NOTE
@node_options
@json_option
def ack(*, alarms: tuple[str, ...], note: str, node: NodeAddress, as_json: bool) -> int:
    """Acknowledge: say that they have been seen."""
    return _act(
        alarms, node, as_json, lambda s: s.state.needs_acknowledging, lambda c, ids: c.acknowledge(*ids, note=note)
    )


@alarm.command()
@IDS
@NOTE
@node_options
@json_option
def reset(*, alarms: tuple[str, ...], note: str, node: NodeAddress, as_json: bool) -> int:
    """Let latched alarms that are acknowledged become normal."""
    return _act(
        alarms, node, as_json, lambda s: s.state == "latched_acknowledged",
        lambda c, ids: c.alarm.reset(ids, c.actor, note=note),
    )  # fmt: skip


@alarm.command()
@IDS
@click.option("--for", "duration", required=True, help="How long, such as 30min or 8h; at most 7d.")
@REASON
@node_options
@json_option
def shelve(*, alarms: tuple[str, ...], duration: str, reason: str, node: NodeAddress, as_json: bool) -> int:
    """Do not show them for a limited time."""
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--for") from None
    return _act(
        alarms, node, as_json, lambda s: s.state != "shelved",
        lambda c, ids: c.shelve(*ids, reason=reason, seconds=seconds),
    )  # fmt: skip


@alarm.command()
@IDS
@NOTE
@node_options
@json_option
def unshelve(*, alarms: tuple[str, ...], note: str, node: NodeAddress, as_json: bool) -> int:
    """Show them again."""
    return _act(alarms, node, as_json, lambda s: s.shelved_until > 0, lambda c, ids: c.unshelve(*ids, note=note))


@alarm.command()
@IDS
@REASON
@node_options
@json_option
def out(*, alarms: tuple[str, ...], reason: str, node: NodeAddress, as_json: bool) -> int:
    """Take them out of service until they are put back."""
    return _act(
        alarms, node, as_json, lambda s: s.state != "out_of_service",
        lambda c, ids: c.alarm.take_out(ids, c.actor, reason=reason),
    )  # fmt: skip


@alarm.command(name="in")
@IDS
@NOTE
@node_options
@json_option
def put_back(*, alarms: tuple[str, ...], note: str, node: NodeAddress, as_json: bool) -> int:
    """Put them back in service."""
    return _act(
        alarms, node, as_json, lambda s: s.state == "out_of_service",
        lambda c, ids: c.alarm.put_back(ids, c.actor, note=note),
    )  # fmt: skip


@alarm.command()
@click.argument("alarms", default="", metavar="[ALARM]")
@click.option("--from", "start", default="now-1d", show_default=True, help="ISO 8601, or relative as now-6h.")
@click.option("--to", "end", default="now", show_default=True, help="Before this time.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1), help="The newest so many.")
@node_options
@json_option
def history(*, alarms: str, start: str, end: str, limit: int, node: NodeAddress, as_json: bool) -> int:
    """The journal, the newest at the end."""
    try:
        bounds = parse_time(start), parse_time(end)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None

    async def work(client: Client) -> None:
        query = AlarmQuery(alarms, (), *bounds, limit=limit)
        found = reversed(await client.alarm.journal(query, client.actor))
        if as_json:
            for event in found:
                json_line(alarm_event_json(event))
        else:
            table(("time", "priority", "alarm", "event", "state", "value", "by", "note"), [_event(e) for e in found])

    return with_client(work, node)


alarm.add_command(show_figures)
alarm.add_command(replay_alarms)
alarm.add_command(report_figures)


def urgency(status: AlarmStatus) -> tuple[bool, bool, int, int]:
    """Order in which people want to see alarms: shown before hidden, unacknowledged first, then by priority, newest."""
    state = status.state
    return state.hidden, not state.needs_acknowledging, status.spec.priority or 9, -status.since


def _act(
    given: tuple[str, ...], node: NodeAddress, as_json: bool, fits: Callable[[AlarmStatus], bool], act: Act
) -> int:
    """The act on all ids; of a glob on those for which it means anything."""

    async def work(client: Client) -> None:
        found = await client.alarms() if any(c in one for one in given for c in "*?[") else []
        ids: dict[str, None] = {}
        for one in given:
            if not any(c in one for c in "*?["):
                ids[one] = None
                continue
            named = [s for s in found if fnmatch.fnmatchcase(s.spec.id, one)]
            if not named:
                raise NotFoundError(f"no alarm that {one!r} fits")
            ids.update((s.spec.id, None) for s in named if fits(s))
        if not ids:
            raise RefusedError("none of these alarms is in a state for it")
        _show(await act(client, list(ids)), as_json)

    return with_client(work, node)


def _show(found: Sequence[AlarmStatus], as_json: bool) -> None:
    if as_json:
        for status in found:
            json_line(alarm_json(status))
    else:
        table(("priority", "alarm", "state", "since", "value", "response"), [_row(status) for status in found])


def _row(status: AlarmStatus) -> tuple[str, ...]:
    spec = status.spec
    value = "-" if status.value is None else f"{status.value:.6g} {spec.unit}".strip()
    if severity(status.quality) != "good":
        value += f" ({severity(status.quality)})"
    state = str(status.state)
    if status.shelved_until:
        state += f" until {timestamp(status.shelved_until)}"
    return str(spec.priority or "draft"), spec.id, state, timestamp(status.since), value, spec.response


def _event(event: AlarmEvent) -> tuple[str, ...]:
    value = "-" if event.value is None else f"{event.value:.6g}"
    return (
        timestamp(event.t), str(event.priority or "-"), event.alarm, event.event, str(event.state), value, event.actor,
        event.note,
    )  # fmt: skip
