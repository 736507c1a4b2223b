"""sim alpaca and sim trouble: simulated instruments behind the Alpaca API, and what goes wrong with them."""

from __future__ import annotations

import asyncio
import json
from math import isfinite
from pathlib import Path
from typing import Any

import click

from sereno.app.stopping import run_until_stopped, until
from sereno.model import OperationError

from .options import json_option
from .show import json_line

PARTS = ("telescope", "cameraVIS", "cameraNIR", "dome")


def _place(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        latitude, longitude, elevation = map(float, text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r}, expected three numbers such as 31.04,-115.46,2800") from None
    if not isfinite(elevation):
        raise click.BadParameter(f"{text!r}, expected an elevation in metres")
    if not (abs(latitude) <= 90 and abs(longitude) <= 360):
        raise click.BadParameter(f"{text!r}, expected a latitude within 90 degrees and a longitude within 360")
    return latitude, longitude, elevation


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=11111, show_default=True, help="0 chooses.")
@click.option("--part", type=click.Choice(PARTS), help="One part of the observatory alone.")
@click.option("--scenario", type=click.Path(path_type=Path), help="Scenario file; an iteration is a second.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same stars and the same noise again.")
@click.option("--telescope", default="", metavar="URL", help="The telescope that the cameras of a part look through.")
@click.option("--roofless", is_flag=True, help="The cameras see the sky whatever the simulated dome does.")
@click.option("--no-shutter", is_flag=True, help="The simulated dome only turns: its shutter is somebody else's.")
@click.option(
    "--place", metavar="LATITUDE,LONGITUDE,ELEVATION", callback=_place, default=None,
    help="Where the telescope stands: degrees north and east, metres.",
)  # fmt: skip
@click.option("--discovery", is_flag=True, help="Answer those who look for Alpaca servers on this machine.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends.")
@json_option
def alpaca(
    *, port: int, part: str | None, scenario: Path | None, seed: int, telescope: str, roofless: bool, no_shutter: bool,
    place: tuple[float, float, float] | None, discovery: bool, seconds: float | None, tied: bool, as_json: bool,
) -> int:  # fmt: skip
    """Telescope, dome, cameras, filter wheels, focuser, weather, safety monitor, switches: ASCOM Alpaca."""
    from sereno.sim.instruments.observatory import HERE
    from sereno.sim.instruments.run import run_alpaca
    from sereno.sim.scenario import read_scenario

    script = None if scenario is None else read_scenario(scenario)

    async def work(stopped: asyncio.Event) -> None:
        try:
            async with run_alpaca(
                part or "", port=port, seed=seed, scenario=script, roofless=roofless, telescope=telescope,
                shutter=not no_shutter, discovery=discovery, place=place or HERE,
            ) as server:  # fmt: skip
                if as_json:
                    json_line({"url": f"http://127.0.0.1:{server.port}", "devices": server.urls()})
                else:
                    for device in server.devices:
                        click.echo(f"{device.actor:14} {device.kind:20} {server.urls()[device.actor]}")
                await until(stopped, seconds)
        except OSError as error:
            raise OperationError(f"cannot listen on 127.0.0.1:{port}: {error.strerror}; another --port") from None

    return run_until_stopped(work, tied=tied)


@click.command()
@click.argument("kind")
@click.argument("url")
@click.argument("what", nargs=-1, required=True, metavar="NAME=VALUE...")
@json_option
def trouble(*, kind: str, url: str, what: tuple[str, ...], as_json: bool) -> int:
    """Let something happen to a simulated instrument: `trouble dome http://127.0.0.1:5004 jam=1`.

    broken=N: no answer for N seconds. Domes: jam; cameras: silent; telescopes, wheels: stuck; weather: rain_rate and so
    on; safety monitors: safe. 0 takes it back.
    """
    from sereno.sim.instruments.run import force

    action: dict[str, Any] = {}
    for pair in what:
        name, equals, text = pair.partition("=")
        try:
            action[name] = json.loads(text) if equals else None
        except ValueError:
            equals = ""
        if not equals:
            raise click.BadParameter(f"{pair!r}, expected NAME=NUMBER such as jam=1", param_hint="WHAT")
    try:
        asyncio.run(force(url, kind, action))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="URL") from None
    if as_json:
        json_line({"kind": kind, "url": url, **action})
    return 0
