"""sensor: a simulated sensor that sends a datagram every DT seconds."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from sereno.app.stopping import first_of, run_until_stopped, until
from sereno.drivers.udp.protocol import is_name
from sereno.drivers.udp.tags import read_key
from sereno.model import NotConnectedError, SystemClock
from sereno.sim.sensors.sender import Sensor, Words, open_outlet
from sereno.sim.sensors.signals import SHAPES, Shape, Signal, replayed, values_of

from .options import json_option
from .show import json_line

SHORTEST = 1e-6
seconds_option = click.FloatRange(min=SHORTEST)


def _name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    del ctx, param
    if value and not is_name(value):
        raise click.BadParameter(f"{value!r}: a letter, then letters, digits, _ . / -, at most 64")
    return value


@click.command()
@click.argument("host")
@click.argument("port", type=click.IntRange(1, 65535))
@click.argument("dt", type=seconds_option)
@click.option("--shape", type=click.Choice(SHAPES), default="sawtooth", show_default=True, help="What it measures.")
@click.option("--period", type=seconds_option, default=1.0, show_default=True, help="Seconds, of a step each level.")
@click.option("--amplitude", type=float, default=1.0, show_default=True)
@click.option("--duty", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="How long a sawtooth rises.")
@click.option("--seed", type=int, default=None, help="The same noise again.")
@click.option("--replay", type=click.Path(path_type=Path), default=None, help="Send the numbers of a file instead.")
@click.option("--loop", is_flag=True, help="Begin the file again at its end.")
@click.option("--name", default="", callback=_name, help="Send `NAME number` rather than `number`.")
@click.option("--numbered", is_flag=True, help="Send a sequence number too, so that losses are counted exactly.")
@click.option("--key", default="", help="Sign every datagram: env:NAME or file:/path.")
@click.option("--count", type=click.IntRange(min=1), default=None, help="Stop by itself after so many datagrams.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends.")
@json_option
def sensor(
    *,
    host: str,
    port: int,
    dt: float,
    shape: str,
    period: float,
    amplitude: float,
    duty: float,
    seed: int | None,
    replay: Path | None,
    loop: bool,
    name: str,
    numbered: bool,
    key: str,
    count: int | None,
    seconds: float | None,
    tied: bool,
    as_json: bool,
) -> int:
    """Send a number to HOST PORT by UDP every DT seconds: a sawtooth of period 1 s, or another --shape."""
    signal, most = _signal(Shape(shape, period, amplitude, duty, seed), replay, dt, count, loop=loop)
    clock = SystemClock()
    words = Words(name, clock.wall_ns() // 1000 if numbered or key else None, _key(key))

    async def work(stopped: asyncio.Event) -> None:
        try:
            transport, outlet = await open_outlet(host, port)
        except OSError as error:
            raise NotConnectedError(f"cannot send to {host}: {error.strerror or error}") from None
        if not as_json:
            click.echo(f"sends to {host}:{port} every {dt:g} s; Ctrl-C ends it", err=True)
        made = Sensor(signal, transport.sendto, dt, words, most=most)
        await first_of(made.run(clock), until(stopped, seconds))
        transport.close()
        if as_json:
            json_line({"sent": made.sent, "refused": outlet.refused})
        else:
            click.echo(f"{made.sent} sent" + (f", {outlet.refused} found nobody" if outlet.refused else ""), err=True)

    return run_until_stopped(work, tied=tied)


def _signal(
    shape: Shape, replay: Path | None, dt: float, count: int | None, *, loop: bool
) -> tuple[Signal, int | None]:
    """What to send, and how many of it."""
    if replay is None:
        return shape.signal(), count
    try:
        values = values_of(replay)
    except OSError as error:
        raise click.BadParameter(f"{replay}: {error.strerror}", param_hint="--replay") from None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--replay") from None
    return replayed(values, dt), count or (None if loop else len(values))


def _key(named: str) -> bytes:
    if not named:
        return b""
    if not named.startswith(("env:", "file:")):
        raise click.BadParameter("expected env:NAME or file:/path", param_hint="--key")
    try:
        return read_key(named)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--key") from None
