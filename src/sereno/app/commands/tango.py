"""tango browse, devices: what a Tango device or database has, without a plant file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from sereno.model import NotFoundError

from .options import json_option
from .show import json_line, table

timeout_option = click.option("--timeout", default=3.0, show_default=True, help="Seconds to wait for an answer.")


@click.group()
def tango() -> None:
    """Look at Tango devices. Needs pytango: pip install 'sereno[tango]'."""


@tango.command()
@click.argument("address")
@click.option("--toml", "as_toml", is_flag=True, help="Print the [[device]] of a plant file.")
@click.option("--name", default="", metavar="PATH", help="What the device is called there. [as in Tango]")
@timeout_option
@json_option
def browse(*, address: str, as_toml: bool, name: str, timeout: float, as_json: bool) -> int:
    """List what a device has: tango://HOST:PORT/domain/family/member, with #dbase=no where there is no database."""
    from sereno.drivers.tango.address import parse_address
    from sereno.drivers.tango.browse import device_toml, look
    from sereno.model import check_path, suggest_segment

    try:
        place = parse_address(address)
        path = check_path(name, segments=1) if name else "/".join(map(suggest_segment, place.device.split("/")))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    _require_package()
    found = look(str(place), timeout)
    if as_toml:
        click.echo(device_toml(found, place, path), nl=False)
    elif as_json:
        json_line(asdict(found))
    else:
        click.echo(f"{place}  {found.state.upper()}")
        rows = [(a.name, a.type, a.format, a.writable.lower(), a.unit, a.description) for a in found.attributes]
        table(("attribute", "type", "format", "access", "unit", "description"), rows)
        table(("command", "takes", "gives"), [(c.name, c.takes, c.gives) for c in found.commands])
    return 0


@tango.command()
@click.argument("database", metavar="HOST:PORT")
@click.argument("pattern", default="*")
@json_option
def devices(*, database: str, pattern: str, as_json: bool) -> int:
    """List the running devices of a Tango database. Exit code 1 if there are none."""
    from sereno.drivers.tango.browse import exported

    host, _, port = database.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter(f"{database!r}, expected such as localhost:10000", param_hint="HOST:PORT")
    _require_package()
    names: Any = exported(host, int(port), pattern)
    for name in names:
        if as_json:
            json_line({"device": name, "url": f"tango://{database}/{name}"})
        else:
            click.echo(name)
    return 0 if names else 1


def _require_package() -> None:
    from importlib.util import find_spec

    from sereno.drivers.tango.peer import INSTALL

    if find_spec("tango") is None:
        raise NotFoundError(INSTALL)
