"""indi browse: which instruments an INDI server has, without a plant file."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import click

from sereno.model import check_path

from .options import json_option
from .show import json_line, table


@click.group()
def indi() -> None:
    """Look at instruments that speak INDI."""


@indi.command()
@click.argument("server", default="127.0.0.1:7624", metavar="[HOST:PORT]")
@click.option("--toml", "as_toml", is_flag=True, help="Print the [[device]] sections of a plant file.")
@click.option("--below", default="site", show_default=True, metavar="NAME", help="The first part of their names there.")
@click.option("--timeout", default=10.0, show_default=True, help="Seconds to wait for an answer.")
@json_option
def browse(*, server: str, as_toml: bool, below: str, timeout: float, as_json: bool) -> int:
    """List the instruments of a server. Exit code 1 without any."""
    from sereno.drivers.indi.browse import device_toml, look

    try:
        check_path(below, segments=1)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--below") from None
    try:
        found = asyncio.run(look(server, timeout=timeout))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if as_toml:
        click.echo(device_toml(found, below), nl=False)
    elif as_json:
        for one in found:
            json_line(asdict(one))
    else:
        rows = [(", ".join(one.kinds) or "-", one.name, "yes" if one.connected else "no", one.url) for one in found]
        table(("kind", "name", "connected", "url"), rows)
    return 0 if found else 1
