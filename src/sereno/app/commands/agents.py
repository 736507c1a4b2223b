"""agent list, log, start, stop, restart: supervised programs of the node."""

from __future__ import annotations

import click

from sereno.agents.supervisor import BELOW, DRIVER
from sereno.client import Client, DeviceStatus
from sereno.device.authoring.plan import HELD

from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table
from .supervised import log_options, order, seconds, show_log


@click.group()
def agent() -> None:
    """Agents: supervised programs with an actor of their own."""


@agent.command(name="list")
@node_options
@json_option
def list_agents(*, node: NodeAddress, as_json: bool) -> int:
    """Every agent, what it is made to do, how often it was started again, its timers, and why it is as it is."""

    async def work(client: Client) -> None:
        devices = {status.path: status for status in await client.devices()}
        rows = []
        for status in devices.values():
            if status.driver != DRIVER:
                continue
            known = {reading.tag.name: reading for reading in await client.read(status.path)}
            name = status.path.removesuffix(f"/{BELOW}")
            told = {key: known[key].value for key in ("state", "restarts", "silence")}
            rows.append((name, told, _timers(devices.get(name)), status.status))
        if as_json:
            for name, told, timers, why in rows:
                json_line({"agent": name, **told, "timers": timers, "why": why})
            return
        heads = ("agent", "state", "restarts", "silent", "timers", "why")
        cells = [
            (name, str(t["state"]), str(t["restarts"]), seconds(t["silence"]), _said(timers), why)
            for name, t, timers, why in rows
        ]
        table(heads, cells, right=(2, 3))

    return with_client(work, node)


@agent.command()
@click.argument("name", metavar="AGENT")
@log_options
def log(*, name: str, lines: int, follow: bool, node: NodeAddress, as_json: bool) -> int:
    """What an agent has said since the node started, at most its last 1000 lines."""
    return show_log(name, lines=lines, follow=follow, node=node, as_json=as_json)


@agent.command()
@click.argument("name", metavar="AGENT")
@node_options
@json_option
def start(*, name: str, node: NodeAddress, as_json: bool) -> int:
    """Start an agent that is stopped or was given up; all of them: '*'."""
    return _order(name, "start", node, as_json=as_json)


@agent.command()
@click.argument("name", metavar="AGENT")
@node_options
@json_option
def stop(*, name: str, node: NodeAddress, as_json: bool) -> int:
    """Stop an agent until somebody starts it, or all: '*'. Its tags turn stale."""
    return _order(name, "stop", node, as_json=as_json)


@agent.command()
@click.argument("name", metavar="AGENT")
@node_options
@json_option
def restart(*, name: str, node: NodeAddress, as_json: bool) -> int:
    """Stop an agent and start it anew, or all: '*'."""
    return _order(name, "restart", node, as_json=as_json)


def _order(name: str, command: str, node: NodeAddress, *, as_json: bool) -> int:
    return order(DRIVER, "agent", name, command, node, below=f"/{BELOW}", as_json=as_json)


def _timers(agent: DeviceStatus | None) -> dict[str, float]:
    """The period of each, s: its scans, without what the framework itself publishes for it."""
    return {group.name: group.period for group in agent.groups if group.name != HELD} if agent else {}


def _said(timers: dict[str, float]) -> str:
    return ", ".join(f"{name} {period:g} s" for name, period in timers.items())
