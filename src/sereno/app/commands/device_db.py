"""device db: the device database, for servers that are started from it."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any

import click

from sereno.model import ConfigurationError, Fault, SystemClock

from .options import json_option
from .show import json_line, table, timestamp


def database_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--database and --data, handed to the command as one `open_it`."""

    @wraps(command)
    def packed(*, database: str, data: Path, **rest: Any) -> Any:
        async def work() -> int:
            from sereno.app.device_database import DeviceDatabase, open_facts
            from sereno.app.installation import at_console

            clock = SystemClock()
            facts = await asyncio.to_thread(open_facts, database, data, clock)
            known = DeviceDatabase(facts, clock, at_console())
            try:
                return await command(known, **rest) or 0
            except ValueError as error:
                raise ConfigurationError([Fault("device db", str(error))]) from None
            finally:
                await known.close()

        return asyncio.run(work())

    wrapped: Callable[..., Any] = packed
    wrapped = click.option("--data", type=click.Path(path_type=Path), default=Path("data"), help="Data folder.")(
        wrapped
    )
    return click.option(
        "--database",
        envvar="SERENO_DEVICES",
        default="",
        show_envvar=True,
        help="redis:// or another URL, or an SQLite file. [sereno.db in the data folder]",
    )(wrapped)


@click.group(name="db")
def device_db() -> None:
    """The device database: devices, classes, properties, aliases, memorised values and every change."""


def _command(name: str, *arguments: Callable[..., Any]) -> Callable[[Callable[..., Awaitable[int | None]]], Any]:
    def register(work: Callable[..., Awaitable[int | None]]) -> Any:
        wrapped = database_options(work)
        for argument in reversed(arguments):
            wrapped = argument(wrapped)
        return device_db.command(name=name, help=work.__doc__)(wrapped)

    return register


@_command("list", click.option("--server", default=None, help="Only those of this server."), json_option)
async def list_devices(database: Any, *, server: str | None, as_json: bool) -> None:
    """List devices with their class, server, aliases and properties."""
    aliases = await database.aliases()
    rows = []
    for one in await database.devices(server):
        named = sorted(alias for alias, path in aliases.items() if path == one.path)
        properties = await database.properties(one.path)
        if as_json:
            json_line({**asdict(one), "aliases": named, "properties": properties})
        rows.append(
            (one.path, one.cls, one.server, ", ".join(named), ", ".join(f"{k}={v}" for k, v in properties.items()))
        )
    if not as_json:
        table(("device", "class", "server", "aliases", "properties"), rows)


@_command(
    "add",
    click.argument("path"),
    click.argument("cls", metavar="MODULE:CLASS"),
    click.option("--server", default="", help="The server that runs it: sereno serve --server NAME."),
)
async def add(database: Any, *, path: str, cls: str, server: str) -> None:
    """Make a device known, or known otherwise."""
    from sereno.app.device_database import Registered

    await database.add(Registered(path, cls, server))


@_command("remove", click.argument("path"))
async def remove(database: Any, *, path: str) -> None:
    """Forget a device with its properties, aliases and memorised values."""
    await database.remove(path)


@_command("set", click.argument("owner", metavar="PATH|class:NAME"), click.argument("given", metavar="KEY=VALUE"))
async def set_property(database: Any, *, owner: str, given: str) -> None:
    """Keep a property of a device or of a class: a setting that it is started with."""
    name, equals, text = given.partition("=")
    if not equals:
        raise click.UsageError(f"{given!r}, expected KEY=VALUE")
    try:
        value = tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        value = text
    await database.set_property(owner, name, value)


@_command("unset", click.argument("owner", metavar="PATH|class:NAME"), click.argument("name", metavar="KEY"))
async def unset(database: Any, *, owner: str, name: str) -> None:
    """Take a property away."""
    await database.set_property(owner, name, None)


@_command("alias", click.argument("alias"), click.argument("path", required=False))
async def alias(database: Any, *, alias: str, path: str | None) -> None:
    """Let ALIAS stand for a device; without PATH it stands for none."""
    await database.set_alias(alias, path)


@_command("memory", click.argument("path"), click.option("--forget", default=None, metavar="TAG"), json_option)
async def memory(database: Any, *, path: str, forget: str | None, as_json: bool) -> None:
    """Show what a device's tags are set to at its next start, or forget one."""
    if forget is not None:
        await database.forget(path, forget)
    found = await database.recall(path)
    if as_json:
        json_line(found)
    else:
        table(("tag", "value"), [(name, str(value)) for name, value in found.items()])


@_command("history", click.argument("owner", required=False), click.option("--limit", default=50), json_option)
async def history(database: Any, *, owner: str | None, limit: int, as_json: bool) -> None:
    """Every change, the newest first."""
    rows = []
    for change in await database.history(owner, limit):
        if as_json:
            json_line(asdict(change))
        rows.append((timestamp(change.t), change.actor, f"{change.kind} {change.owner}", change.name,
                     f"{change.old} -> {change.new}"))  # fmt: skip
    if not as_json:
        table(("time", "by", "of", "name", "change"), rows)
