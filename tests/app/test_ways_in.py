"""sereno token, sereno session: on the data folder of an installation."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sereno.access.accounts import Accounts
from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.model import SystemClock
from sereno.store.engine import Store

T = TypeVar("T")


def sereno(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        code = run_cli(list(arguments))
    return code, out.getvalue()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    look(tmp_path, lambda a: a.ensure_administrator())
    look(tmp_path, lambda a: a.add_user("ann", "correct horse battery", ["operator"], by="test"))
    return tmp_path


def look(folder: Path, work: Callable[[Accounts], Awaitable[T]]) -> T:
    async def opened() -> T:
        store = Store.open(DataFolder(folder).database)
        try:
            return await work(Accounts(store, SystemClock()))
        finally:
            await store.close()

    return asyncio.run(opened())


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_token_is_made_listed_and_revoked(data: Path) -> None:
    code, text = sereno("token", "new", "ann", "--name", "report", "--days", "1", "--data", str(data), "--json")
    made = json.loads(text)
    assert (code, made["owner"], made["role"]) == (0, "ann", "viewer")
    actor = look(data, lambda a: a.tokens.actor(made["token"]))
    assert actor is not None
    assert actor.name == "ann:report"
    code, text = sereno("token", "list", "--data", str(data), "--json")
    assert [(row["id"], row["name"]) for row in rows(text)] == [(made["id"], "report")]
    assert made["token"] not in text + sereno("token", "list", "--data", str(data))[1]
    assert sereno("token", "revoke", made["id"], "--data", str(data))[0] == 0
    assert look(data, lambda a: a.tokens.actor(made["token"])) is None
    assert sereno("token", "revoke", made["id"], "--data", str(data))[0] == 1


def test_a_session_is_listed_and_ended(data: Path) -> None:
    opened = look(data, lambda a: a.sessions.open("ann", "192.0.2.7"))
    before = look(data, lambda a: a.generation())
    code, text = sereno("session", "list", "--data", str(data), "--json")
    (row,) = rows(text)
    assert (code, row["user"], row["origin"]) == (0, "ann", "192.0.2.7")
    assert "192.0.2.7" in sereno("session", "list", "--data", str(data))[1]
    assert sereno("session", "revoke", row["id"], "--data", str(data))[0] == 0
    assert look(data, lambda a: a.sessions.actor(opened.secret)) is None
    assert look(data, lambda a: a.generation()) != before
    assert sereno("session", "revoke", row["id"], "--data", str(data))[0] == 1


def test_there_must_be_an_installation_and_an_owner(data: Path, tmp_path: Path) -> None:
    assert sereno("token", "list", "--data", str(tmp_path / "nothing"))[0] == 1
    code, text = sereno("token", "new", "nobody", "--data", str(data))
    assert (code, "no user 'nobody'" in text) == (1, True)


def test_the_last_administrator_stays(data: Path) -> None:
    code, text = sereno("user", "disable", "admin", "--data", str(data))
    assert (code, "last administrator" in text) == (1, True)
    code, text = sereno("user", "role", "admin", "viewer", "--data", str(data))
    assert (code, "last administrator" in text) == (1, True)


def test_a_kiosk_is_made_listed_and_revoked(data: Path) -> None:
    code, text = sereno("kiosk", "add", "wall", "--reads", "mill/*", "--data", str(data), "--json")
    made = json.loads(text)
    assert (code, made["name"], made["reads"]) == (0, "wall", ["mill/*"])
    secret = made["link"].removeprefix("/sign-in/kiosk?key=")
    actor = look(data, lambda a: a.kiosks.actor(secret))
    assert actor is not None
    assert actor.name == "kiosk/wall"
    code, text = sereno("kiosk", "list", "--data", str(data), "--json")
    (row,) = rows(text)
    assert (row["name"], row["reads"], row["creator"]) == ("wall", ["mill/*"], "console")
    assert secret not in text
    assert sereno("kiosk", "add", "wall", "--data", str(data))[0] == 1
    assert sereno("kiosk", "revoke", "wall", "--data", str(data)) == (0, "")
    assert look(data, lambda a: a.kiosks.actor(secret)) is None
    code, text = sereno("kiosk", "revoke", "wall", "--data", str(data))
    assert code == 1
    assert "sereno kiosk list" in text


def test_a_lost_administrator_is_brought_back(data: Path) -> None:
    code, text = sereno("user", "recover", "admin", "--data", str(data))
    name, _, password = text.strip().partition(" / ")
    assert (code, name) == (0, "admin")
    assert look(data, lambda a: a.sign_in("admin", password, "10.0.0.1")).once
    assert sereno("user", "recover", "nobody", "--data", str(data))[0] == 1
    assert sereno("user", "recover", "admin", "--data", str(data / "elsewhere"))[0] == 1
