"""lock list|release: devices that somebody keeps for themselves."""

from __future__ import annotations

import click

from sereno.client import Client, lock_json

from .options import NodeAddress, json_option, node_options, with_client
from .show import json_line, table, timestamp


@click.group()
def lock() -> None:
    """Devices whose commands somebody keeps for themselves."""


@lock.command(name="list")
@node_options
@json_option
def list_locks(*, node: NodeAddress, as_json: bool) -> int:
    """Who has locked what, since when and until when."""

    async def work(client: Client) -> None:
        found = await client.locks()
        if as_json:
            for one in found:
                json_line(lock_json(one))
            return
        rows = [
            (
                one.device,
                one.actor,
                timestamp(one.since),
                timestamp(one.expires) if one.expires else "its connection ends",
            )
            for one in found
        ]
        table(("device", "by", "since", "until"), rows)

    return with_client(work, node)


@lock.command()
@click.argument("device")
@node_options
@json_option
def release(*, device: str, node: NodeAddress, as_json: bool) -> int:
    """Take somebody's lock on DEVICE away. Needs the right to configure it, and is on record."""

    async def work(client: Client) -> None:
        ended = await client.unlock(device, force=True)
        if as_json:
            json_line(lock_json(ended))
        else:
            click.echo(f"{ended.device}: no longer locked by {ended.actor}")

    return with_client(work, node)
