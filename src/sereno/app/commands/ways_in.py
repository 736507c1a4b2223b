"""token, session: ways into the installation in a data folder, from the machine's own console."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sereno.app.installation import at_console
from sereno.client import iso_time
from sereno.model import NotFoundError

from .options import json_option
from .show import json_line, table, timestamp
from .users import data_option, with_accounts

if TYPE_CHECKING:
    from sereno.access.accounts import Accounts


@click.group()
def token() -> None:
    """Tokens of programs. Works on the machine itself, running or not; takes effect at once."""


@token.command()
@click.argument("owner")
@click.option("--name", default="token", show_default=True, help="What it is for.")
@click.option("--role", default="viewer", show_default=True, help="The most that it may; never more than OWNER.")
@click.option("--days", type=click.FloatRange(0, 366, min_open=True), default=30.0, show_default=True)
@data_option
@json_option
def new(*, owner: str, name: str, role: str, days: float, data: Path, as_json: bool) -> int:
    """Make a token that OWNER answers for; its secret is shown once."""

    async def work(accounts: Accounts) -> None:
        row, secret = await accounts.tokens.issue(owner, name, role, days * 86400.0, by="console", origin=at_console())
        if as_json:
            json_line({"id": row.id, "owner": owner, "role": role, "expires": iso_time(row.expires), "token": secret})
        else:
            click.echo(secret)

    return with_accounts(data, work)


@token.command(name="list")
@data_option
@json_option
def list_tokens(data: Path, as_json: bool) -> int:
    """Every token, without secrets."""

    async def work(accounts: Accounts) -> None:
        rows = await accounts.tokens.all()
        if as_json:
            for r in rows:
                times = {"created": iso_time(r.created), "expires": iso_time(r.expires)}
                json_line({"id": r.id, "name": r.name, "owner": r.user, "role": r.role, **times})
            return
        shown = [(r.id, r.name, r.user, r.role, timestamp(r.created), timestamp(r.expires)) for r in rows]
        table(("id", "name", "owner", "role", "since", "until"), shown)

    return with_accounts(data, work)


@token.command(name="revoke")
@click.argument("token_id")
@data_option
def revoke_token(token_id: str, data: Path) -> int:
    """End the token TOKEN_ID (see `sereno token list`)."""

    async def work(accounts: Accounts) -> None:
        if not await accounts.tokens.revoke(token_id, by="console", origin=at_console()):
            raise NotFoundError(f"there is no token {token_id!r}; sereno token list names them")

    return with_accounts(data, work)


@click.group()
def session() -> None:
    """People signed in by a browser. Works on the machine itself, running or not; takes effect at once."""


@session.command(name="list")
@data_option
@json_option
def list_sessions(data: Path, as_json: bool) -> int:
    """Everyone who is signed in."""
    from sereno.access.sessions import session_id

    async def work(accounts: Accounts) -> None:
        rows = await accounts.sessions.all()
        if as_json:
            for r in rows:
                times = {"created": iso_time(r.created), "seen": iso_time(r.seen), "expires": iso_time(r.expires)}
                json_line({"id": session_id(r.digest), "user": r.user, "origin": r.origin, **times})
            return
        shown = [(session_id(r.digest), r.user, r.origin, timestamp(r.seen), timestamp(r.expires)) for r in rows]
        table(("id", "user", "from", "last used", "until"), shown)

    return with_accounts(data, work)


@session.command(name="revoke")
@click.argument("name", metavar="SESSION")
@data_option
def revoke_session(name: str, data: Path) -> int:
    """End SESSION (see `sereno session list`); its pages go to the sign-in."""

    async def work(accounts: Accounts) -> None:
        if await accounts.sessions.revoke(name, by="console", origin=at_console()) is None:
            raise NotFoundError(f"there is no session {name!r}; sereno session list names them")

    return with_accounts(data, work)
