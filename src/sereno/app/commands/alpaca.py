"""alpaca browse: which Alpaca servers there are, and which instruments they have, without a plant file."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import click

from sereno.model import DeliveryError, check_path

from .options import json_option
from .show import json_line, table


@click.group()
def alpaca() -> None:
    """Look for instruments that speak ASCOM Alpaca."""


@alpaca.command()
@click.argument("server", default="", metavar="[HOST:PORT]")
@click.option("--toml", "as_toml", is_flag=True, help="Print the [[device]] sections of a plant file.")
@click.option("--below", default="site", show_default=True, metavar="NAME", help="The first part of their names there.")
@click.option("--timeout", default=3.0, show_default=True, help="Seconds to wait for an answer.")
@json_option
def browse(*, server: str, as_toml: bool, below: str, timeout: float, as_json: bool) -> int:
    """List the instruments of a server; without one, of all that answer on this network. Exit code 1 without any."""
    from sereno.device.instruments import KINDS
    from sereno.drivers.alpaca.discovery import Configured, configured, device_toml, discover

    try:
        check_path(below, segments=1)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--below") from None

    async def look() -> list[Configured]:
        found: list[Configured] = []
        for place in [server] if server else await discover():
            try:
                found += await configured(place, timeout=timeout)
            except DeliveryError as error:
                if server:
                    raise
                click.echo(f"{place}: {error}", err=True)
        return found

    devices = asyncio.run(look())
    if as_toml:
        click.echo(device_toml(devices, below, list(KINDS)), nl=False)
    elif as_json:
        for device in devices:
            json_line(asdict(device))
    else:
        table(("kind", "name", "url"), [(device.kind, device.name, device.url) for device in devices])
    return 0 if devices else 1
