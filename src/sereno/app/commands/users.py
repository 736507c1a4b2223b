"""user: people of this installation, from the machine's own console."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sereno.access.opaque import new_password
from sereno.app.datafolder import DataFolder
from sereno.app.installation import at_console, open_existing
from sereno.model import OperationError, SystemClock

from .options import json_option
from .show import json_line, table, timestamp

if TYPE_CHECKING:
    from sereno.access.accounts import Accounts

data_option = click.option(
    "--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True, help="Data folder."
)


@click.group()
def user() -> None:
    """People of the installation in a data folder. Works on the machine itself, running or not; audited."""


def with_accounts(data: Path, work: Callable[[Accounts], Awaitable[None]]) -> int:
    """Open the data folder's accounts, do `work`, close. Raises NotFoundError if there is no installation there."""
    from sereno.access.accounts import Accounts

    async def opened() -> None:
        store = await asyncio.to_thread(open_existing, DataFolder(data))
        try:
            await work(Accounts(store, SystemClock()))
        except ValueError as error:
            raise OperationError(str(error)) from None
        finally:
            await store.close()

    asyncio.run(opened())
    return 0


@user.command(name="list")
@data_option
@json_option
def list_users(data: Path, as_json: bool) -> int:
    """Everyone, with their roles."""

    async def work(accounts: Accounts) -> None:
        rows = await accounts.users()
        if as_json:
            for row in rows:
                json_line({"name": row.name, "roles": list(row.roles), "disabled": row.disabled})
            return
        shown = [(r.name, ", ".join(r.roles), "disabled" if r.disabled else "", timestamp(r.created)) for r in rows]
        table(("user", "roles", "", "since"), shown)

    return with_accounts(data, work)


@user.command()
@click.argument("name")
@click.option("--role", "roles", multiple=True, default=("viewer",), show_default=True)
@data_option
def add(name: str, roles: tuple[str, ...], data: Path) -> int:
    """Add a person; the password is made and shown once."""

    async def work(accounts: Accounts) -> None:
        password = new_password()
        await accounts.add_user(name, password, list(roles), by="console", origin=at_console())
        click.echo(f"{name} / {password}")

    return with_accounts(data, work)


@user.command()
@click.argument("name")
@data_option
def password(name: str, data: Path) -> int:
    """Give NAME a new password, shown once; their sessions end. For a lost administrator: `sereno user recover`."""

    async def work(accounts: Accounts) -> None:
        made = new_password()
        await accounts.set_password(name, made, by="console", origin=at_console())
        click.echo(f"{name} / {made}")

    return with_accounts(data, work)


@user.command()
@click.argument("name")
@data_option
def recover(name: str, data: Path) -> int:
    """Bring an administrator back who lost the password, the role or was disabled; whoever has the data folder may.

    The new password is shown once and good for an hour; whoever uses it must choose another one first. It is on
    record as a recovery, and administrators see it on their pages.
    """

    async def work(accounts: Accounts) -> None:
        click.echo(f"{name} / {await accounts.recover(name, by='console', origin=at_console())}")

    return with_accounts(data, work)


@user.command()
@click.argument("name")
@click.argument("roles", nargs=-1, required=True)
@data_option
def role(name: str, roles: tuple[str, ...], data: Path) -> int:
    """Give NAME exactly these ROLES; takes effect at once."""
    return with_accounts(
        data, lambda accounts: accounts.set_roles(name, list(roles), by="console", origin=at_console())
    )


@user.command()
@click.argument("name")
@click.option("--undo", is_flag=True, help="Let them in again.")
@data_option
def disable(name: str, undo: bool, data: Path) -> int:
    """Shut NAME out: sessions end, tokens stop. Nothing is deleted."""
    return with_accounts(
        data, lambda accounts: accounts.set_disabled(name, not undo, by="console", origin=at_console())
    )
