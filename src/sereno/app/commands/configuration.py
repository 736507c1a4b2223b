"""plan and apply: what another plant file would change in a running node, and making it so."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from sereno.client import Change, ChangePlan, Client, Effect, plan_json

from .options import NodeAddress, json_option, node_options, with_client
from .plant import plant_path
from .show import json_line, timestamp

_MARKS = {"added": "+", "removed": "-", "changed": "~"}
_EFFECTS = {Effect.LIVE: "", Effect.INTERRUPTS: "  (interrupts)", Effect.NEXT_START: "  (with the next start)"}
_FAULTS = 2
MOST = 200
"""Changes that are listed; --all lists every one."""

_plant = click.argument("plant", type=click.Path(path_type=Path), required=False, metavar="[PLANT]")
_back = click.option("--back", is_flag=True, help="The configuration that ran before, instead of a plant file.")
_every = click.option("--all", "every", is_flag=True, help=f"List every change, not only the first {MOST}.")


@click.command()
@_plant
@_back
@_every
@node_options
@json_option
def plan(*, plant: Path | None, back: bool, every: bool, node: NodeAddress, as_json: bool) -> int:
    """What PLANT would change in the running node; nothing does. Without PLANT, the file that it was started with."""

    async def work(client: Client) -> int:
        found = await client.configuration.plan(client.actor, plant=_named(plant), back=back)
        return _show(found, as_json=as_json, every=every)

    return with_client(work, node)


@click.command()
@_plant
@_back
@_every
@click.option("--yes", is_flag=True, help="Do not ask, also where devices are interrupted.")
@click.option("--reason", default="", help="Why, for the audit.")
@node_options
@json_option
def apply(
    *, plant: Path | None, back: bool, every: bool, yes: bool, reason: str, node: NodeAddress, as_json: bool
) -> int:
    """Make PLANT run in place of what runs, without stopping the rest; --back returns to what ran before."""

    async def work(client: Client) -> int:
        port, named = client.configuration, _named(plant)
        found = await port.plan(client.actor, plant=named, back=back)
        if found.faults or not found.changes:
            return _show(found, as_json=as_json, every=every)
        if not as_json:
            _show(found, as_json=False, every=every)
        if found.interrupted and not yes:
            _confirm(found, as_json=as_json)
        done = await port.apply(client.actor, plant=named, back=back, token=found.token, comment=reason)
        if as_json:
            json_line(plan_json(done))
        else:
            running = await port.running(client.actor)
            click.echo(f"applied: configuration {running.number} runs since {timestamp(running.since)}")
            if running.back:
                click.echo(f"{running.source} still says otherwise, and a restart would start that")
                click.echo(f"the files of what runs now are in {running.folder}")
        return 0

    return with_client(work, node)


def _named(plant: Path | None) -> str:
    return "" if plant is None else str(plant_path(plant).absolute())


def _confirm(found: ChangePlan, *, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise click.UsageError(f"this interrupts {', '.join(found.interrupted)}; say --yes")
    click.confirm("Apply it?", abort=True)


def _show(found: ChangePlan, *, as_json: bool, every: bool) -> int:
    if as_json:
        json_line(plan_json(found))
        return _FAULTS if found.faults else 0
    for fault in found.faults:
        click.echo(str(fault), err=True)
    if found.faults:
        click.echo("nothing is applied", err=True)
        return _FAULTS
    if not found.changes:
        click.echo(f"{found.plant} runs as {found.source} says; nothing would change")
        return 0
    for change in found.changes if every else found.changes[:MOST]:
        _line(change)
    if len(found.changes) > MOST and not every:
        click.echo(f"and {len(found.changes) - MOST} more (--all)")
    for device, why in found.interrupted.items():
        click.echo(f"interrupts {device}: {why}")
    click.echo(f"{len(found.changes)} changes, {len(found.interrupted)} devices interrupted")
    return 0


def _line(change: Change) -> None:
    click.echo(f"{_MARKS[change.change]} {change.kind} {change.name}{_EFFECTS[change.effect]}")
    for field in change.fields:
        click.echo(f"    {field.field}: {field.old or '(none)'} -> {field.new or '(none)'}")
