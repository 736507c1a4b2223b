"""simulator list, log, start, stop, restart: the simulators that a node runs."""

from __future__ import annotations

import click

from sereno.agents.simulators import AREA, DRIVER
from sereno.client import Client, DeviceStatus
from sereno.model import OperationError

from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table
from .supervised import log_options, order, show_log

_NAME = click.argument("name", metavar="SIMULATOR")
_SCENARIO = click.option("--scenario", default="", help="What it plays from now on; 'none' for nothing. [as before]")


@click.group()
def simulator() -> None:
    """Simulators of the plant file, which `sereno demo` and `sereno run --simulators` run."""


@simulator.command(name="list")
@node_options
@json_option
def list_simulators(*, node: NodeAddress, as_json: bool) -> int:
    """Every simulator, how it is, its process, where it listens, how often it was started again, and why."""

    async def work(client: Client) -> None:
        found = [(one, await _told(client, one)) for one in await client.devices() if one.driver == DRIVER]
        if as_json:
            for one, told in found:
                json_line({"simulator": _name(one), **told, "url": one.url, "why": one.status})
            return
        if not found:
            click.echo("no simulators; a plant file's own are run by: sereno run PLANT --simulators", err=True)
            return
        heads = ("simulator", "state", "pid", "url", "scenario", "restarts", "why")
        rows = [
            (
                _name(one),
                *(_cell(cell) for cell in (t["state"], t["pid"], one.url, t["scenario"], t["restarts"])),
                one.status,
            )
            for one, t in found
        ]
        table(heads, rows, right=(2, 5))

    return with_client(work, node)


@simulator.command()
@_NAME
@log_options
def log(*, name: str, lines: int, follow: bool, node: NodeAddress, as_json: bool) -> int:
    """What a simulator has said since the node started, at most its last 1000 lines."""
    return show_log(_path(name), lines=lines, follow=follow, node=node, as_json=as_json)


@simulator.command()
@_NAME
@_SCENARIO
@node_options
@json_option
def start(*, name: str, scenario: str, node: NodeAddress, as_json: bool) -> int:
    """Start a simulator that is stopped, has ended or was given up."""
    return _order(name, "start", node, scenario, as_json=as_json)


@simulator.command()
@_NAME
@node_options
@json_option
def stop(*, name: str, node: NodeAddress, as_json: bool) -> int:
    """Stop a simulator until somebody starts it; its devices lose their connection."""
    return _order(name, "stop", node, "", as_json=as_json)


@simulator.command()
@_NAME
@_SCENARIO
@node_options
@json_option
def restart(*, name: str, scenario: str, node: NodeAddress, as_json: bool) -> int:
    """Stop a simulator and start it anew, at the same port: what it simulates begins from the beginning."""
    return _order(name, "restart", node, scenario, as_json=as_json)


def _order(name: str, command: str, node: NodeAddress, scenario: str, *, as_json: bool) -> int:
    more = [scenario] if scenario else []
    return order(DRIVER, "simulator", _path(name), command, node, *more, as_json=as_json)


def _path(name: str) -> str:
    """People say `plc` or its whole path."""
    return name if name.startswith(f"{AREA}/") else f"{AREA}/{name}"


def _name(status: DeviceStatus) -> str:
    return status.path.removeprefix(f"{AREA}/")


async def _told(client: Client, status: DeviceStatus) -> dict[str, object]:
    """What its tags say; without a process no pid, and no scenario where there are none."""
    known = {reading.tag.name: reading.value for reading in await client.read(f"{status.path}/*")}
    if "state" not in known:
        raise OperationError(f"{status.path} does not tell its state; is the node of another version?")
    return {name: known.get(name) for name in ("state", "restarts", "scenario")} | {"pid": known.get("pid") or None}


def _cell(value: object) -> str:
    return "" if value is None else str(value)
