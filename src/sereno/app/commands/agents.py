"""agent list, log, start, stop, restart: supervised programs of the node."""

from __future__ import annotations

import click

from sereno.agents.supervisor import BELOW, DRIVER
from sereno.client import Client, LogLine, log_line_json
from sereno.model import AckState, NotFoundError

from .live import ack_exit_code
from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table, timestamp


@click.group()
def agent() -> None:
    """Agents: supervised programs with an actor of their own."""


@agent.command(name="list")
@node_options
@json_option
def list_agents(*, node: NodeAddress, as_json: bool) -> int:
    """Every agent, what it is made to do, how often it was started again, and why."""

    async def work(client: Client) -> None:
        rows = []
        for status in await client.devices():
            if status.driver != DRIVER:
                continue
            known = {reading.tag.name: reading for reading in await client.read(status.path)}
            name = status.path.removesuffix(f"/{BELOW}")
            told = {key: known[key].value for key in ("state", "restarts", "silence")}
            rows.append((name, told, status.status))
        if as_json:
            for name, told, why in rows:
                json_line({"agent": name, **told, "why": why})
            return
        heads = ("agent", "state", "restarts", "silent", "why")
        cells = [(name, str(t["state"]), str(t["restarts"]), _seconds(t["silence"]), why) for name, t, why in rows]
        table(heads, cells, right=(2, 3))

    return with_client(work, node)


@agent.command()
@click.argument("name", metavar="AGENT")
@click.option("--lines", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many at first.")
@click.option("--follow", is_flag=True, help="Go on with what it says from now on, until Ctrl-C.")
@node_options
@json_option
def log(*, name: str, lines: int, follow: bool, node: NodeAddress, as_json: bool) -> int:
    """What an agent has said since the node started, at most its last 1000 lines."""

    async def work(client: Client) -> None:
        last, limit = 0, lines
        while True:
            for line in await client.agent_log(name, after=last, limit=limit):
                json_line(log_line_json(line)) if as_json else click.echo(_said(line))
                last, limit = line.number, 1000
            if not follow:
                return
            await client.clock.sleep(1.0)

    return with_client(work, node)


@agent.command()
@click.argument("name", metavar="AGENT")
@node_options
def start(*, name: str, node: NodeAddress) -> int:
    """Start an agent that is stopped or was given up."""
    return _order(name, "start", node)


@agent.command()
@click.argument("name", metavar="AGENT")
@node_options
def stop(*, name: str, node: NodeAddress) -> int:
    """Stop an agent until somebody starts it; its tags turn stale."""
    return _order(name, "stop", node)


@agent.command()
@click.argument("name", metavar="AGENT")
@node_options
def restart(*, name: str, node: NodeAddress) -> int:
    """Stop an agent and start it anew."""
    return _order(name, "restart", node)


def _order(name: str, command: str, node: NodeAddress) -> int:
    async def work(client: Client) -> int:
        path = f"{name}/{BELOW}"
        known = [status.path for status in await client.devices() if status.driver == DRIVER]
        if path not in known:
            agents = ", ".join(one.removesuffix(f"/{BELOW}") for one in known) or "none"
            raise NotFoundError(f"there is no agent {name!r}; there are: {agents}")
        ack = await client.call(path, command, timeout=30.0)
        if ack.state is not AckState.DONE:
            click.echo(f"{str(ack.state).replace('_', ' ')}: {ack.reason}", err=True)
        return ack_exit_code(ack)

    return with_client(work, node)


def _seconds(value: object) -> str:
    return f"{value:.0f} s" if isinstance(value, float) else ""


def _said(line: LogLine) -> str:
    more = "  ".join(f"{key}={value}" for key, value in line.fields.items())
    return f"{timestamp(line.t)}  {line.level:8}  {line.event}  {more}".rstrip()
