"""Runs a small gateway in this process until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import click
import orjson

from sereno.access.actor import NOBODY
from sereno.access.insecure import Peers
from sereno.app.device_configs import device_configs_of
from sereno.app.logs import configure_logs
from sereno.app.plant.load import Plant
from sereno.app.serve.logged import LoggedRecord
from sereno.app.serve.server import DeviceServer
from sereno.app.stopping import run_until_stopped, until
from sereno.device import Environment, NoMemory
from sereno.gateways.http.server import HttpServer

from .wanted import Served


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What to serve and how; `seconds` None = until told to stop."""

    plant: Plant
    served: Served
    seconds: float | None = None
    tied: bool = False
    as_json: bool = False


def run_gateway(options: GatewayOptions) -> int:
    """Run until Ctrl-C, a request to end, or the time given. Returns the exit code."""
    configure_logs()

    async def work(stopped: asyncio.Event) -> None:
        async with running(options.plant, options.served, Environment()) as gateway:
            _show(options, gateway)
            await until(stopped, options.seconds)

    return run_until_stopped(work, tied=options.tied)


@asynccontextmanager
async def running(plant: Plant, served: Served, environment: Environment) -> AsyncIterator[HttpServer]:
    """The devices of a plant, served by HTTP; does not wait for them. Raises OperationError for a taken address."""
    async with AsyncExitStack() as stack:
        server = DeviceServer(device_configs_of(plant.linked_devices, NoMemory()), environment)
        await stack.enter_async_context(server)
        peers = Peers(served.insecure, LoggedRecord(), environment.clock)
        gateway = HttpServer(server.client(NOBODY), server.hub, peers, served.settings)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        yield gateway


def _show(options: GatewayOptions, gateway: HttpServer) -> None:
    host = f"[{gateway.host}]" if ":" in gateway.host else gateway.host
    url = f"http://{host}:{gateway.port}"
    devices = [device.table.name for device in options.plant.linked_devices]
    if options.as_json:
        said = {"url": url, "devices": devices, "legacy_writes": gateway.settings.legacy_writes}
        click.echo(orjson.dumps(said).decode())
        return
    click.echo(f"{', '.join(devices)} at {url}; GET / lists what there is, Ctrl-C ends it")
    if gateway.settings.legacy_writes:
        click.echo("a GET writes here: whoever may connect and follows a link changes the machine")
