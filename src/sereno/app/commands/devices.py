"""device list|trace: devices, their links and raw frames."""

from __future__ import annotations

import click

from sereno.client import Client, DeviceStatus, device_json
from sereno.model import LinkState, NotFoundError

from .device_db import device_db
from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table, timestamp
from .substitute import seconds_of, until


@click.group()
def device() -> None:
    """Devices, their links and scan groups."""


@device.command(name="list")
@node_options
@json_option
def list_devices(*, node: NodeAddress, as_json: bool) -> int:
    """State, link and scan groups of every device. Exit code 1 if a link is down."""

    async def work(client: Client) -> int:
        found = await client.devices()
        if as_json:
            for status in found:
                json_line(device_json(status))
        else:
            table(("device", "driver", "state", "link", "groups", "overruns", "last error"), [_row(s) for s in found])
        return 0 if all(s.link is LinkState.UP for s in found) else 1

    return with_client(work, node)


def _row(status: DeviceStatus) -> tuple[str, ...]:
    groups = ", ".join(f"{g.name} {g.period:g} s x {g.tags}{' STALE' if g.stale else ''}" for g in status.groups)
    overruns = str(sum(g.overruns for g in status.groups))
    state = f"{status.state}, OUT" if status.maintenance else str(status.state)
    return (status.path, status.driver, state, str(status.link), groups, overruns, status.last_error)


@device.command(name="show")
@click.argument("path")
@node_options
@json_option
def show_device(*, path: str, node: NodeAddress, as_json: bool) -> int:
    """One device with its scan groups and counters."""

    async def work(client: Client) -> None:
        status = next((s for s in await client.devices() if s.path == path), None)
        if status is None:
            raise NotFoundError(f"no device {path!r}; see `sereno device list`")
        if as_json:
            json_line(device_json(status))
            return
        click.echo(f"{status.path} ({status.driver}, {status.url}): {status.state}, link {status.link}")
        click.echo(f"since {timestamp(status.since)}, stale after {status.stale_after:g} s")
        if status.maintenance:
            out = status.maintenance
            click.echo(f"out for maintenance: {out.reason} ({out.actor}, {until(out)}); commands are refused")
        if status.last_error:
            click.echo(f"last error: {status.last_error}")
        for remark in status.remarks:
            click.echo(remark)
        rows = [
            (g.name, f"{g.period:g}", str(g.tags), str(g.scans), str(g.overruns), str(g.incomplete),
             f"{g.last_duration * 1e3:.1f}", f"{g.worst_duration * 1e3:.1f}", timestamp(g.last_scan))
            for g in status.groups
        ]  # fmt: skip
        table(
            ("group", "period s", "tags", "scans", "overruns", "incomplete", "last ms", "worst ms", "last scan"), rows
        )
        for name, count in sorted(status.counters.items()):
            click.echo(f"  {name:<24}{count}")

    return with_client(work, node)


@device.command()
@click.argument("path")
@click.option("--reason", required=True, help="Why; kept with the record and shown.")
@click.option("--for", "duration", default="", help="How long at most, such as 8h. [until `device in`]")
@node_options
def out(*, path: str, reason: str, duration: str, node: NodeAddress) -> int:
    """Tag a device out for maintenance: commands to it, and to all below it, are refused."""

    async def work(client: Client) -> None:
        made = await client.tag_out(path, reason=reason, seconds=seconds_of(duration) if duration else 0.0)
        click.echo(f"{made.path}: out for maintenance {until(made)}; commands are refused")

    return with_client(work, node)


@device.command(name="in")
@click.argument("path")
@node_options
def tag_in(*, path: str, node: NodeAddress) -> int:
    """End the maintenance of a device."""

    async def work(client: Client) -> None:
        await client.tag_in(path)
        click.echo(f"{path}: takes commands again")

    return with_client(work, node)


@device.command()
@click.argument("path")
@click.option("--count", default=0, help="Stop after so many frames. [until Ctrl-C]")
@node_options
@json_option
def trace(*, path: str, count: int, node: NodeAddress, as_json: bool) -> int:
    """Raw frames of the device's link, both ways, until Ctrl-C."""

    async def work(client: Client) -> None:
        seen = 0
        async for line in client.trace(path):
            if as_json:
                json_line({"t": timestamp(line.t), "link": line.link, "direction": line.direction,
                           "data": line.data.hex(), "text": line.text})  # fmt: skip
            else:
                arrow = {"tx": "->", "rx": "<-"}.get(line.direction, "--")
                click.echo(f"{timestamp(line.t, date=False)} {arrow} {line.data.hex(' ')}  {line.text}")
            seen += 1
            if seen == count:
                return

    return with_client(work, node)


device.add_command(device_db)
