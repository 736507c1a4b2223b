"""Serves devices in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
import orjson

from sereno.app.apart.permit import NodePermits
from sereno.app.apart.seat import FILES, node_of_this_agent, timeouts_of_this_agent
from sereno.app.apart.seat import URL as AGENT_OF
from sereno.app.datafolder import DataFolder
from sereno.app.logs import configure_logs
from sereno.app.memory import FileMemory
from sereno.app.stopping import run_until_stopped, until
from sereno.client import RemoteClient, find_node
from sereno.device import Device, DeviceConfig, Environment, Memory, NoMemory, device_configs, plan_of
from sereno.gateways.native.server import NativeServer
from sereno.gateways.tango.names import tango_name
from sereno.model import ConfigurationError, Fault, NotConnectedError, OperationError

from .ports import line_server, ports_of, tango_gateway
from .reload import Reloader
from .server import DeviceServer
from .wanted import Wanted

if TYPE_CHECKING:  # a server without a database loads none
    from sereno.app.device_database import DeviceDatabase

TANGO_PATIENCE = 20.0
"""Seconds that Tango may take to start."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What to serve and how. `memory` False: nothing outlives a restart; `seconds` None = until told to stop.

    With a `database` memorised values are kept there, and it is closed in the end.
    """

    devices: Sequence[Wanted]
    data: Path
    host: str = "127.0.0.1"
    port: int = 0
    memory: bool = True
    reload: bool = False
    database: DeviceDatabase | None = None
    seconds: float | None = None
    as_json: bool = False
    line: int | None = None
    tango: int | None = None
    tied: bool = False


@dataclass(frozen=True, slots=True)
class Served:
    """A device server that answers."""

    url: str
    token: str
    data: Path
    line: int | None = None
    tango: str = ""


def serve(options: ServeOptions) -> int:
    """Run until Ctrl-C, a request to end, or the time given. Returns the exit code."""
    configure_logs()

    async def work(stopped: asyncio.Event) -> None:
        async with AsyncExitStack() as stack:
            served = await start(options, stack)
            show(options, served)
            await until(stopped, options.seconds)

    return run_until_stopped(work, tied=options.tied)


async def start(options: ServeOptions, stack: AsyncExitStack) -> Served:
    """Start everything; `stack` ends it. Raises OperationError for an address or a data folder that is taken."""
    folder = DataFolder(options.data)
    folder.prepare()
    await asyncio.to_thread(check_free, folder)
    environment = Environment(folder=Path(os.environ.get(FILES, options.data)))
    memory: Memory = NoMemory()
    if options.database is not None:
        memory = options.database
        stack.push_async_callback(options.database.close)
    elif options.memory:
        memory = file = FileMemory(folder.memorised, environment.clock)
        stack.push_async_callback(file.close)
    configs = [c for w in options.devices for c in device_configs(w.cls, w.path, w.settings, memory=memory)]
    if marks := timeouts_of_this_agent(os.environ):
        configs = [replace(config, marks=marks) for config in configs]  # an agent apart has no children
    try:
        server = device_server(configs, environment, await stack.enter_async_context(node_of_this_agent(os.environ)))
    except ValueError as error:
        raise ConfigurationError([Fault("serve", str(error))]) from None
    token = secrets.token_urlsafe(24)
    ports = ports_of(server, token, for_whom=bool(os.environ.get(AGENT_OF)))
    native = NativeServer(ports, options.host, options.port)
    await stack.enter_async_context(server)
    await stack.enter_async_context(native)
    if options.reload:
        reloader = Reloader(server, options.devices, memory)
        stack.push_async_callback(reloader.stop)
        reloader.start()
    folder.publish("", token, "", native.url)
    stack.callback(folder.withdraw)
    line = None if options.line is None else line_server(server, options.line)
    if line is not None:
        await line.start()
        stack.push_async_callback(line.stop)
    tango = await start_tango(server, options, stack) if options.tango is not None else ""
    return Served(native.url, token, options.data, line.port if line else None, tango)


def device_server(configs: Sequence[DeviceConfig], environment: Environment, node: RemoteClient | None) -> DeviceServer:
    """Of an agent the plant is that of its node, which it also asks before a command begins."""
    if node is None:
        return DeviceServer(configs, environment)
    return DeviceServer(configs, environment, lambda _device: node, NodePermits(node, environment.clock))


async def start_tango(server: DeviceServer, options: ServeOptions, stack: AsyncExitStack) -> str:
    """The Tango address of the first device, once Tango clients are served. Raises OperationError if they are not."""
    gateway = tango_gateway(server, options.tango or 0)
    await gateway.start()
    stack.push_async_callback(gateway.stop)
    if not await gateway.ready(TANGO_PATIENCE):
        raise OperationError(gateway.problem or f"Tango is not served after {TANGO_PATIENCE:g} s")
    return gateway.address(tango_name(options.devices[0].path, gateway.settings.prefix, {}))


def check_free(folder: DataFolder) -> None:
    """Raises OperationError if another node or server is running with this data folder."""
    try:
        known = find_node(data=folder.path)
    except (NotConnectedError, OperationError):
        return
    address = urlsplit(known.native or known.url)
    try:
        socket.create_connection((address.hostname or "127.0.0.1", address.port or 0), timeout=1).close()
    except OSError:
        return
    raise OperationError(f"{folder.path} is in use by what answers at {address.geturl()}; give another --data")


def show(options: ServeOptions, served: Served) -> None:
    """Say what is served and how it is reached, for people or as one JSON line."""
    if options.as_json:
        devices = [{"path": w.path, "class": w.source} for w in options.devices]
        fields: dict[str, Any] = {
            "url": served.url,
            "token": served.token,
            "data": str(served.data),
            "devices": devices,
            **({} if served.line is None else {"line": served.line}),
            **({"tango": served.tango} if served.tango else {}),
        }
        click.echo(orjson.dumps(fields).decode())
        return
    example = example_tag(options.devices)
    folder = f" --data {served.data}" if str(served.data) != "data" else ""
    lines = [(w.path, described(w.cls)) for w in options.devices]
    lines += [
        ("address", served.url),
        ("terminal", f"sereno get '{options.devices[0].path}/*'{folder}"),
        ("python", f'connect_sync(data="{served.data}").get("{example}")'),
        *([("line", f"nc -N localhost {served.line}   then {example}")] if served.line is not None else []),
        *([("tango", f'tango.DeviceProxy("{served.tango}")')] if served.tango else []),
        ("elsewhere", f"SERENO_URL={served.url} SERENO_TOKEN={served.token}"),
        ("stop", "Ctrl-C"),
    ]
    width = max(len(name) for name, _ in lines) + 2
    for name, text in lines:
        click.echo(f"  {click.style(name.ljust(width), bold=True)}{text}")


def described(cls: type[Device]) -> str:
    """A class in one line: what it is, its tags and commands."""
    plan = plan_of(cls)
    names = [*plan.tags, *(f"{name}()" for name in plan.commands), *(f"{name}/" for name in plan.children)]
    return f"{cls.__name__}: {', '.join(names) or 'no tags'}"


def example_tag(devices: Sequence[Wanted]) -> str:
    """A tag to show people first."""
    for one in devices:
        for name in plan_of(one.cls).tags:
            return f"{one.path}/{name}"
    return f"{devices[0].path}/tag"
