"""sim plc and sim force: a PLC that speaks JSON over TCP, and what happens around it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from sereno.app.stopping import run_until_stopped, until
from sereno.model import OperationError

from .options import json_option
from .show import json_line

PORT = 5003


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 chooses.")
@click.option("--scenario", type=click.Path(path_type=Path), help="Scenario file; without one it always answers alike.")
@click.option("--bare", is_flag=True, help="The weather station alone, without dome, doors, lights, power.")
@click.option("--hang-up", is_flag=True, help="Close the connection after each answer.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends.")
@json_option
def plc(
    *, port: int, scenario: Path | None, bare: bool, hang_up: bool, seconds: float | None, tied: bool, as_json: bool
) -> int:
    """The PLC of an observatory: JSON over TCP, with a weather station, a dome, doors, lights."""
    from sereno.sim.jsonplc.run import run_plc
    from sereno.sim.scenario import read_scenario

    script = None if scenario is None else read_scenario(scenario)

    async def work(stopped: asyncio.Event) -> None:
        try:
            async with run_plc(port=port, bare=bare, scenario=script, hang_up=hang_up) as server:
                if as_json:
                    json_line({"url": f"tcp://127.0.0.1:{server.port}"})
                else:
                    click.echo(f"PLC  tcp://127.0.0.1:{server.port}")
                    click.echo(f"rain: sereno sim force WXT520:RainRate 12 --port {server.port}")
                await until(stopped, seconds)
        except OSError as error:
            raise OperationError(f"cannot listen on 127.0.0.1:{port}: {error.strerror}; another --port") from None

    return run_until_stopped(work, tied=tied)


@click.command()
@click.argument("address", metavar="DEVICE:VALUE")
@click.argument("value")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True, help="Port of the simulator.")
@json_option
def force(address: str, value: str, port: int, *, as_json: bool) -> int:
    """Let something happen at a simulated PLC: `force WXT520:RainRate 12`, `force DRD11:valid no`.

    `force DRD11:broken 3` takes the device out of three answers, `force PLC:broken 3` the whole PLC.
    `force DOME:jammed yes` lets the dome take orders and not arrive, until `no`.
    """
    from sereno.sim.jsonplc.run import force as ask

    device, colon, name = address.rpartition(":")
    if not (device and colon and name):
        raise click.BadParameter(f"{address!r}, expected DEVICE:VALUE such as WXT520:RainRate", param_hint="ADDRESS")
    event: dict[str, Any] = {"device_name": device, "value_name": name, "value": _plain(value)}
    if name == "broken":
        event = {"device_name": device, "broken": _plain(value)}
    if name == "jammed":
        event = {"device_name": device, "jammed": value.lower() in {"yes", "true", "1"}}
    asyncio.run(ask(port, event))
    if as_json:
        json_line(event)
    return 0


def _plain(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
