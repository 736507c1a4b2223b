"""reader: the last values of a sensor, drawn as they come."""

from __future__ import annotations

import asyncio

import click

from sereno.app.stopping import first_of, run_until_stopped, until
from sereno.model import SystemClock

from .options import json_option

VIEWS = ("auto", "window", "terminal", "lines")


@click.command()
@click.argument("host")
@click.argument("port", type=click.IntRange(1, 65535))
@click.argument("dt", type=click.FloatRange(min=1e-4))
@click.option("--length", type=click.IntRange(2, 100_000), default=20, show_default=True, help="Values that are kept.")
@click.option("--every", "each", is_flag=True, help="Get every sample as it comes, rather than asking every DT.")
@click.option("--name", default="", help="One of the server's sensors. [the one that n is answered with]")
@click.option("--persistent", is_flag=True, help="One connection for all questions. [a new one for each]")
@click.option("--view", type=click.Choice(VIEWS), default="auto", show_default=True, help="Where it is drawn.")
@click.option("--count", type=click.IntRange(min=1), default=None, help="Stop by itself after so many values.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--wait", is_flag=True, help="Wait for a server rather than fail without one.")
@click.option("--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends.")
@json_option
def reader(
    *,
    host: str,
    port: int,
    dt: float,
    length: int,
    each: bool,
    name: str,
    persistent: bool,
    view: str,
    count: int | None,
    seconds: float | None,
    wait: bool,
    tied: bool,
    as_json: bool,
) -> int:
    """Ask HOST PORT for the latest value every DT seconds, and draw the last ones. Ctrl-C ends it."""
    from sereno.app.reader.asking import Source, served
    from sereno.app.reader.reading import Reader
    from sereno.app.reader.views import view_of

    shown = view_of(view, f"{host}:{port} {name}".strip(), as_json=as_json)
    source = Source(host, port, SystemClock(), name)
    made = Reader(
        source,
        dt,
        shown,
        lambda text: click.echo(text, err=True),
        length=length,
        each=each,
        persistent=persistent,
        most=count,
    )

    async def work(stopped: asyncio.Event) -> None:
        if wait:
            await first_of(served(source), until(stopped, None))
        if not stopped.is_set():
            await made.run(stopped, seconds)

    return run_until_stopped(work, tied=tied)
