"""gateway: the values of a PLC by HTTP, for the small computer beside it."""

from __future__ import annotations

from pathlib import Path

import click

from .options import json_option


@click.command()
@click.argument("source", metavar="PLANT|URL")
@click.option("--driver", default="modbus", show_default=True, help="Of the device at URL.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=ADDRESS[,TYPE][,write]", help="A tag of the device at URL.")
@click.option("--vector", "vectors", multiple=True, metavar="NAME=TAG,...", help="An endpoint that is a vector.")
@click.option("--total", "totals", multiple=True, metavar="NAME=TAG,...", help="Tags that totals are written to.")
@click.option("--connections", default="", metavar="TAG", help="Counts the PLC's connections. [those to the gateway]")
@click.option("--scan", default="1s", show_default=True, help="How often the device at URL is read.")
@click.option("--legacy-writes", is_flag=True, help="Let a GET write, as the first gateways did.")
@click.option("--host", default=None, help="Address to listen on. [127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), default=None, help="Port; 0 chooses one. [8000]")
@click.option("--allow", multiple=True, metavar="NETWORK", help="Who may connect besides this machine: 10.1.2.0/24.")
@click.option("--name", "names", multiple=True, metavar="HOST", help="It is asked by this name, too: gate.example.")
@click.option("--token", default="", metavar="env:NAME|file:PATH", help="What is asked for as a bearer token.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends.")
@json_option
def gateway(
    *,
    source: str,
    driver: str,
    tags: tuple[str, ...],
    vectors: tuple[str, ...],
    totals: tuple[str, ...],
    connections: str,
    scan: str,
    legacy_writes: bool,
    host: str | None,
    port: int | None,
    allow: tuple[str, ...],
    names: tuple[str, ...],
    token: str,
    seconds: float | None,
    tied: bool,
    as_json: bool,
) -> int:
    """Serve the tags of a small PLANT file, or of the device at URL, by HTTP: no recorder, no pages, no database.

    \b
    sereno gateway plc.toml --port 8000
    sereno gateway tcp://10.0.0.5:502 --tag level=holding:100,float32 --tag pump=coil:3,bool,write
    """
    from sereno.app.smallgateway.flags import Flags, plant_of_flags
    from sereno.app.smallgateway.running import GatewayOptions, run_gateway
    from sereno.app.smallgateway.wanted import Opened, opened

    flags = Flags(driver, source, scan, tags, vectors, totals, connections)
    if "://" in source:
        plant = plant_of_flags(flags)
    elif flags.said:
        raise click.UsageError(f"{flags.said} is for a device at a URL; {source} says it itself")
    else:
        from sereno.app.plant.load import load_plant

        from .plant import plant_path

        plant = load_plant(plant_path(Path(source)))
    served = opened(plant, Opened(host, port, allow, token, legacy_writes=legacy_writes, hosts=names))
    return run_gateway(GatewayOptions(plant, served, seconds, tied, as_json))
