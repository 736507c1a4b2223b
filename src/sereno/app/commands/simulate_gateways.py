"""sim gateways: a fleet of small computers that answer HTTP for their PLCs."""

from __future__ import annotations

import asyncio

import click

from sereno.app.stopping import first_of, run_until_stopped, until
from sereno.model import OperationError, SystemClock

from .options import json_option
from .show import json_line

PORT = 8080
DEVICE = "fleet/gateways"


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="Of the inventory.")
@click.option("--count", type=click.IntRange(1, 2000), default=12, show_default=True, help="How many gateways.")
@click.option("--marbles", type=click.IntRange(0, 10_000), default=20, show_default=True, help="In each lane.")
@click.option("--seed", type=int, default=None, help="The same marbles again.")
@click.option("--dies-every", type=click.FloatRange(min=1), default=None, help="One gateway is away for 10 s so often.")
@click.option("--for", "seconds", type=float, default=None, help="Stop by itself after so many seconds.")
@click.option("--until-stdin-closes", "tied", is_flag=True, help="Stop when standard input ends.")
@json_option
def gateways(
    *,
    port: int,
    count: int,
    marbles: int,
    seed: int | None,
    dies_every: float | None,
    seconds: float | None,
    tied: bool,
    as_json: bool,
) -> int:
    """Gateways with marbles that roll from one to the next; their inventory at http://127.0.0.1:PORT/inventory."""
    from sereno.sim.gateways.server import Fleet, run_gateways

    clock = SystemClock()

    async def die(fleet: Fleet) -> None:
        while dies_every is not None:
            await clock.sleep(dies_every)
            fleet.down.add(0)
            await clock.sleep(10.0)
            fleet.down.clear()
        await asyncio.get_running_loop().create_future()

    async def work(stopped: asyncio.Event) -> None:
        try:
            async with run_gateways(count, port=port, marbles=marbles, seed=seed) as fleet:
                url = f"http://127.0.0.1:{fleet.inventory_port}/inventory"
                if as_json:
                    json_line({"devices": {DEVICE: url}})
                else:
                    click.echo(f"{count} gateways, {marbles} marbles in each of three lanes: {url}")
                await first_of(die(fleet), until(stopped, seconds))
        except OSError as error:
            raise OperationError(f"cannot listen on 127.0.0.1:{port}: {error.strerror}; another --port") from None

    return run_until_stopped(work, tied=tied)
