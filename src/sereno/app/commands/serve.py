"""serve: devices written in Python, without a plant file, until it is told to stop."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("devices", nargs=-1, metavar="MODULE:CLASS NAME... [MODULE:CLASS NAME...]...")
@click.option(
    "--set", "settings", multiple=True, metavar="[NAME:]KEY=VALUE", help="A setting of all devices, or of one."
)
@click.option(
    "--settings",
    "file",
    type=click.Path(path_type=Path),
    default=None,
    help='TOML or JSON file, a table ["NAME"] a device.',
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; this machine only.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of the native protocol. [one that is free]"
)
@click.option(
    "--line", type=click.IntRange(0, 65535), default=None, help="Answer questions by lines on this port too, read only."
)
@click.option(
    "--tango", type=click.IntRange(0, 65535), default=None, help="Show the devices to Tango clients too, read only."
)
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True, help="Data folder.")
@click.option("--no-memory", is_flag=True, help="Forget memorised values with the end of the server.")
@click.option(
    "--database",
    default=None,
    metavar="URL|FILE",
    help='Device database for settings and memorised values; "" = sereno.db of the data folder.',
)
@click.option(
    "--server", default=None, metavar="NAME", help="Serve the devices that the device database has for this server too."
)
@click.option("--reload", is_flag=True, help="Look at the source of the devices and run what changes.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option(
    "--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends (when the parent does)."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line when ready.")
@click.pass_obj
def serve(
    given: Any,
    *,
    devices: tuple[str, ...],
    settings: tuple[str, ...],
    file: Path | None,
    host: str,
    port: int,
    line: int | None,
    tango: int | None,
    data: Path,
    no_memory: bool,
    database: str | None,
    server: str | None,
    reload: bool,
    seconds: float | None,
    tied: bool,
    as_json: bool,
) -> int:
    """Serve devices: classes written in Python, each followed by the names of its devices.

    \b
    sereno serve ps.py:PowerSupply lab/ps_1 lab/ps_2 --set limit=12
    sereno serve lab.devices:Motor lab/motor lab.devices:Camera lab/cam --set lab/cam:exposure=0.1
    sereno serve --server lab --database redis://localhost
    """
    from importlib.util import find_spec

    from sereno.app.plant.loopback import is_loopback
    from sereno.app.serve.serving import ServeOptions
    from sereno.app.serve.serving import serve as run
    from sereno.app.serve.units import check_units
    from sereno.app.serve.wanted import wanted_devices
    from sereno.model import ConfigurationError, Fault

    if not is_loopback(host):
        why = "it has no TLS: tokens and commands would cross the network in the clear"
        raise ConfigurationError(
            [Fault(f"--host {host}", why, "127.0.0.1", "Put it into a plant file with TLS, or use SSH.")]
        )
    if tango is not None and find_spec("tango") is None:
        raise ConfigurationError([Fault("--tango", "it needs the package pytango", fix="pip install 'sereno[tango]'")])
    known = None
    tokens = list(devices)
    kept: Mapping[str, Mapping[str, Any]] = {}
    if database is not None or server is not None:
        from sereno.app.serve.registered import open_database, registered_devices

        known = open_database(database or "", data)
        more, kept = registered_devices(known, tokens, server)
        tokens += more
    wanted = wanted_devices(tokens, settings=settings, file=file, given=given, kept=kept)
    check_units(wanted)
    return run(
        ServeOptions(wanted, data, host, port, not no_memory, reload, known, seconds, as_json, line, tango, tied)
    )


@click.command(name="test-context")
@click.argument("devices", nargs=-1, required=True, metavar="MODULE:CLASS [NAME...]...")
@click.option(
    "--set", "settings", multiple=True, metavar="[NAME:]KEY=VALUE", help="A setting of all devices, or of one."
)
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line when ready.")
def test_context(*, devices: tuple[str, ...], settings: tuple[str, ...], seconds: float | None, as_json: bool) -> int:
    """Serve devices for a trial: in a folder that goes away, with nothing remembered. Prints the address."""
    from sereno.app.serve.serving import ServeOptions
    from sereno.app.serve.serving import serve as run
    from sereno.app.serve.wanted import wanted_devices

    wanted = wanted_devices(devices, settings=settings)
    with tempfile.TemporaryDirectory(prefix="sereno-") as folder:
        return run(ServeOptions(wanted, Path(folder), memory=False, seconds=seconds, as_json=as_json))
