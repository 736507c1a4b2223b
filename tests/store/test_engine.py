from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text

from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.store.settings import installation, keep, setting
from sereno.store.tables import SCHEMA, SETTINGS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "a.db")
    yield opened
    asyncio.run(opened.close())


def _put(connection: Connection, key: str) -> None:
    connection.execute(insert(SETTINGS).values(key=key, value="1"))


async def test_work_is_one_transaction(store: Store) -> None:
    def work(connection: Connection) -> None:
        _put(connection, "first")
        raise KeyError("no")

    with pytest.raises(KeyError):
        await store.run(work)
    assert await store.run(lambda c: setting(c, "first")) is None


async def test_errors_of_the_database_name_it(store: Store) -> None:
    await store.run(lambda c: _put(c, "one"))
    with pytest.raises(StoreError, match=r"a\.db: UNIQUE constraint failed"):
        await store.run(lambda c: _put(c, "one"))


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    for expected in (None, "x"):
        opened = Store.open(path)
        assert opened.run_now(lambda c: setting(c, "name")) == expected
        opened.run_now(lambda c: keep(c, "name", "x"))
        asyncio.run(opened.close())


def test_commits_are_synchronous_and_the_log_is_wal(store: Store) -> None:
    pragmas = {
        name: store.run_now(lambda c, name=name: c.scalar(text(f"PRAGMA {name}")))
        for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_another_process_may_read_and_write_meanwhile(store: Store, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "a.db") as other:
        other.execute("INSERT INTO settings VALUES ('theirs', '2')")
    other.close()
    assert store.run_now(lambda c: setting(c, "theirs")) == 2


def test_alembic_is_not_imported_for_a_current_schema(tmp_path: Path) -> None:
    program = (
        "import sys; from sereno.store.engine import Store; s = Store.open(sys.argv[1]);"
        "print('alembic' in sys.modules); s.dispose()"
    )
    seen = [
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "b.db")], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert seen == ["False", "False"], "neither for a new database nor for a current one"


def test_a_schema_from_the_future_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "future.db"
    asyncio.run(Store.open(path).close())
    with sqlite3.connect(path) as other:
        other.execute("UPDATE alembic_version SET version_num = '9999'")
    other.close()
    with pytest.raises(StoreError, match=f"schema 9999, this version knows up to {SCHEMA}; use the newer version"):
        Store.open(path)


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE cats (name TEXT)")
    other.close()
    with pytest.raises(StoreError, match=r"other tables \(cats\)"):
        Store.open(path)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("cats",)]
    other.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("these are not the tables you are looking for, " * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store.open(path)


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="expected a folder that Sereno may write to"):
        Store.open(tmp_path / "none" / "a.db")


@pytest.mark.parametrize("where", ["nonsense://", "no such thing://x"])
def test_a_bad_url_is_refused(where: str) -> None:
    with pytest.raises(StoreError, match="neither a file nor a URL"):
        Store.open(where)


def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match="needs the package psycopg"):
        Store.open("postgresql+psycopg://sereno:hunter2@localhost/sereno")


@pytest.mark.parametrize("url", ["postgresql+psycopg://sereno:hunter2@localhost/sereno", "nonsense://x:hunter2@y/z"])
def test_a_password_in_a_url_is_never_shown(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError) as caught:
        Store.open(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_nobody_else_may_read_the_file(store: Store, tmp_path: Path) -> None:
    modes = {p.name: p.stat().st_mode & 0o777 for p in tmp_path.rglob("*") if p.is_file()}
    assert modes["a.db"] == 0o600
    assert set(modes.values()) == {0o600}


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store.open("sqlite://")
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.run(lambda c: c.scalar(select(1)))
    with pytest.raises(StoreError, match="closed"):
        store.run_now(lambda c: c.scalar(select(1)))


def test_installations_differ_and_stay(tmp_path: Path) -> None:
    stores = [Store.open(tmp_path / name) for name in ("a.db", "b.db")]
    first = [s.run_now(installation) for s in stores]
    again = [s.run_now(installation) for s in stores]
    for store in stores:
        asyncio.run(store.close())
    assert first == again
    assert first[0] != first[1]
