"""kiosk: wall displays that only show, from the machine's own console."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from sereno.app.datafolder import DataFolder
from sereno.app.installation import at_console
from sereno.client import iso_time
from sereno.model import NotFoundError

from .options import json_option
from .show import json_line, table, timestamp
from .users import data_option, with_accounts

if TYPE_CHECKING:
    from sereno.access.accounts import Accounts


@click.group()
def kiosk() -> None:
    """Wall displays that only show. Works on the machine itself, running or not; takes effect at once."""


@kiosk.command()
@click.argument("name")
@click.option("--reads", multiple=True, default=("*",), show_default=True, help="Glob of the tags that it shows.")
@data_option
@json_option
def add(*, name: str, reads: tuple[str, ...], data: Path, as_json: bool) -> int:
    """Make a kiosk; its link is shown once and works until the kiosk is revoked."""

    async def work(accounts: Accounts) -> None:
        secret = await accounts.kiosks.add(name, reads, by="console", origin=at_console())
        link = f"{_address(DataFolder(data))}/sign-in/kiosk?key={secret}"
        if as_json:
            json_line({"name": name, "reads": list(reads), "link": link})
        else:
            click.echo(link)

    return with_accounts(data, work)


@kiosk.command(name="list")
@data_option
@json_option
def list_kiosks(data: Path, as_json: bool) -> int:
    """Every kiosk, without its link."""

    async def work(accounts: Accounts) -> None:
        rows = await accounts.kiosks.all()
        if as_json:
            for r in rows:
                times = {"created": iso_time(r.created), "seen": iso_time(r.seen) if r.seen else None}
                json_line({"name": r.name, "reads": list(r.reads), "creator": r.creator, **times, "origin": r.origin})
            return
        shown = [(r.name, " ".join(r.reads), r.creator, timestamp(r.seen) if r.seen else "", r.origin) for r in rows]
        table(("kiosk", "shows", "made by", "last used", "from"), shown)

    return with_accounts(data, work)


@kiosk.command()
@click.argument("name")
@data_option
def revoke(name: str, data: Path) -> int:
    """End the kiosk NAME; its display goes to the sign-in."""

    async def work(accounts: Accounts) -> None:
        if not await accounts.kiosks.revoke(name, by="console", origin=at_console()):
            raise NotFoundError(f"there is no kiosk {name!r}; sereno kiosk list names them")

    return with_accounts(data, work)


def _address(folder: DataFolder) -> str:
    """Where the node of this folder answers, as far as is known while it runs; else "", and the link is a path."""
    try:
        return str(orjson.loads(folder.credential.read_bytes())["url"])
    except (OSError, ValueError, KeyError):
        return ""
