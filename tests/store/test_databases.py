"""The store on servers: PostgreSQL and MariaDB, each test in a schema of its own."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError

from sereno.access.accounts import Accounts
from sereno.access.passwords import Passwords
from sereno.model import Ack, AckState, Command, RefusedError
from sereno.store import connect
from sereno.store.alarms import AlarmJournal, JournalRow
from sereno.store.audit import AuditEntry, AuditLog, AuditQuery, add_entry
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.store.intents import StoredIntents
from sereno.store.logbook import LogbookStore
from sereno.store.notices import NewNotice, NoticeStore
from sereno.store.settings import keep, setting
from sereno.store.tables import METADATA
from sereno.testing import JumpingClock

pytestmark = pytest.mark.service
SERVERS = {
    "postgresql": ("PostgreSQL", 5432, "CREATE SCHEMA {0}", "DROP SCHEMA {0} CASCADE"),
    "mariadb": ("MariaDB", 3306, "CREATE DATABASE {0}", "DROP DATABASE {0}"),
}


@pytest.fixture(params=SERVERS)
def url(request: pytest.FixtureRequest, require_service: Callable[[str, str, int], None]) -> Iterator[str]:
    """A fresh schema's URL; dropped at the end."""
    title, port, make, drop = SERVERS[request.param]
    home = f"{request.param}://root@127.0.0.1:{port}/test"
    require_service(title, "127.0.0.1", port)
    name = f"sereno_{secrets.token_hex(6)}"
    engine = connect.make_engine(home)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(make.format(name)))
        try:
            inside = f"{home}?options=-csearch_path%3D{name}" if request.param == "postgresql" else home[:-4] + name
            yield inside
        finally:
            connection.execute(text(drop.format(name)))
    engine.dispose()


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(url, keys=tmp_path / "keys")
    yield opened
    asyncio.run(opened.close())


def entry(number: int, **more: object) -> AuditEntry:
    return AuditEntry(t=number, actor="ann", action="write", **more)


def test_the_migrations_make_the_tables_that_the_code_knows(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        long_texts_look_alike = connection.dialect.name != "mariadb"  # there their type is chosen by their length
        context = MigrationContext.configure(connection, opts={"compare_type": long_texts_look_alike})
        return list(compare_metadata(context, METADATA))

    assert store.run_now(differences) == []


async def test_the_chain_is_whole_and_texts_of_any_length_and_script_are_kept(store: Store) -> None:
    audit = AuditLog(store, JumpingClock())
    long = "日本語 𝄞 " * 30_000
    for number, value in enumerate((long, 2**63, [1.5, None, "  trailing  "], "nul\0", "a\\b'c\"d%_")):
        await store.run(lambda c, n=number, v=value: add_entry(c, entry(n, old=v, new=v, outcome="x", comment=long)))
    await audit.record("nul\0", "sign_in", "half \ud800", outcome="refused")
    assert [r.old for r in await audit.entries()][1:] == [
        "a\\b'c\"d%_",
        "nul\0",
        [1.5, None, "  trailing  "],
        2**63,
        long,
    ]
    found = await audit.verify()
    assert (found.whole, found.last, found.anchor) == (True, 6, 6), str(found)
    assert [r.seq for r in await audit.entries(AuditQuery(action="sign*"))] == [6]


async def test_a_changed_record_is_named(store: Store, url: str) -> None:
    for number in range(5):
        await store.run(lambda c, n=number: add_entry(c, entry(n)))
    engine = connect.make_engine(url)
    for statement in ("UPDATE audit SET actor = 'eve' WHERE id = 3", "DELETE FROM audit WHERE id = 3"):
        with pytest.raises(DBAPIError, match="never changed or deleted"), engine.begin() as connection:
            connection.execute(text(statement))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("DROP TRIGGER audit_no_change ON audit"))
        else:
            connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET actor = 'eve' WHERE id = 3"))
    engine.dispose()
    assert (await AuditLog(store, JumpingClock()).verify()).findings[0].seq == 3


async def test_writers_of_two_processes_take_turns(store: Store, url: str, tmp_path: Path) -> None:
    other = Store.open(url, keys=tmp_path / "keys")

    def many(writer: Store) -> None:
        for number in range(30):
            writer.run_now(lambda c, n=number: add_entry(c, entry(n)))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(many, (store, other)))
    await other.close()
    found = await AuditLog(store, JumpingClock()).verify()
    assert (found.whole, found.count, found.anchor) == (True, 60, 60), str(found)


async def test_people_and_commands(store: Store) -> None:
    accounts = Accounts(store, JumpingClock(), passwords=Passwords())
    made = await accounts.ensure_administrator()
    assert made is not None
    await accounts.add_user("eva", made.password, ["admin"], by="test")
    signed_in = await accounts.sign_in("eva", made.password, "10.0.0.1")
    actor = await accounts.sessions.actor(signed_in.secret)
    assert actor is not None
    assert [role.name for role in actor.roles] == ["admin"]
    await accounts.set_disabled("eva", True, by="test")
    assert await accounts.sessions.actor(signed_in.secret) is None
    journal = StoredIntents(store, JumpingClock())
    command = Command(target="a/b", value=1.5, actor="admin", key="K1", expires=9)
    assert await journal.intend(command, None, None) is None
    await journal.record(Ack(key="K1", state=AckState.DONE, t=1, value=1.5))
    known = await journal.known("K1")
    assert known is not None
    assert [a.state for a in known[1]] == [AckState.DONE]
    assert await journal.known("k1") is None, "keys are told apart by their case"
    with pytest.raises(RefusedError):
        await journal.intend(Command(target="a/c", value=1, actor="admin", key="K1", expires=9), None, None)


async def test_notices_logbook_and_an_alarm_journal_that_forgets(store: Store) -> None:
    notices, book, journal = NoticeStore(store), LogbookStore(store), AlarmJournal(store)
    told = NewNotice(
        t=5,
        pipeline="p",
        kind="alarms",
        step=0,
        priority=1,
        subject="Nível",
        text="x" * 70_000,
        alarms=("a.hi",),
        facts=[{"alarm": "a.hi"}],
        recipients=[("olga", "mail"), ("", "horn")],
    )
    one, other = await notices.keep({("p", "a.hi"): b"{}", ("p", "b.hi"): b"{}"}, [told], heard=7)
    await notices.keep({("p", "a.hi"): b'{"n":1}', ("p", "b.hi"): None}, [])
    assert (await notices.cases(), await notices.heard()) == ({("p", "a.hi"): b'{"n":1}'}, 7)
    one.state, one.attempts, one.done = "sent", 1, 9
    await notices.save(one)
    assert [d.id for d in await notices.waiting()] == [other.id]
    assert [await notices.use(one.id, 10) for _ in range(2)] == [True, False]
    assert [(d.id, d.used) for d in await notices.sent(10)] == [(other.id, 0), (one.id, 10)]
    assert await notices.forget(100) == 0, "one still waits"
    other.state = "failed"
    await notices.save(other)
    assert (await notices.forget(100), await notices.sent(10)) == (1, [])
    values = {"roster": "r", "start": 1, "end": 9, "leaves": "a", "takes": "b", "t": 1, "actor": "ann", "reason": ""}
    assert await notices.add_change(values, entry(1)) == 1
    assert [row["takes"] for row in await notices.changes(8)] == ["b"]
    line = {"t": 1, "actor": "ann", "origin": "", "kind": "entry", "subject": "", "refers": None, "facts": {}}
    assert await book.add({**line, "text": "50 % open"}) == 1
    assert await book.add({**line, "kind": "take_over", "refers": 1, "text": "x"}, "take_over") == 2
    assert await book.add({**line, "kind": "take_over", "refers": 1, "text": "x"}, "take_over") is None
    assert [row["id"] for row in await book.rows(text="0 % o")] == [1]
    for verb in ("UPDATE logbook SET text = 'y'", "DELETE FROM logbook"):
        with pytest.raises(StoreError, match="never changed or deleted"):
            await store.run(lambda c, verb=verb: c.execute(text(verb)))
    rows = [JournalRow(**{**JOURNAL_ROW, "t": t, "alarm": alarm}) for t, alarm in ((1, "a"), (2, "b"), (3, "a"))]
    await journal.add(rows)
    assert [await journal.forget(100, entry(2)) for _ in range(2)] == [1, 0]
    assert [row["t"] for row in await journal.rows()] == [3, 2]


JOURNAL_ROW = {
    **{"event": "raised", "state": "unacknowledged", "code": 1, "priority": 1, "value": None, "quality": 0},
    **{"t_source": 0, "raised": 0, "shelved_until": 0, "actor": "sereno", "note": ""},
}


def test_settings_are_replaced_and_names_with_blanks_are_others(store: Store) -> None:
    store.run_now(lambda c: keep(c, "a", 1))
    store.run_now(lambda c: keep(c, "a", 1))
    store.run_now(lambda c: keep(c, "a", 2))
    assert store.run_now(lambda c: (setting(c, "a"), setting(c, "a "), setting(c, "A"))) == (2, None, None)


class PowerCutError(Exception):
    """Raised where the process would have died."""


def test_a_migration_cut_off_at_any_statement_goes_through_the_next_time(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = 0
    real = connect.make_engine

    def dying(where: str | Path) -> object:
        engine = real(where)

        def count(*_: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise PowerCutError

        event.listen(engine, "before_cursor_execute", count)
        return engine

    monkeypatch.setattr("sereno.store.engine.make_engine", dying)
    cuts = 0
    for at in range(1, 400, 3):  # each attempt gets further than the one before, as it goes on from what is there
        left = at
        try:
            store = Store.open(url, keys=tmp_path / "keys")
            left = 0
        except PowerCutError:
            cuts += 1
            continue
        break
    else:
        pytest.fail("it never got through")
    assert cuts > 3
    monkeypatch.undo()
    store.run_now(lambda c: add_entry(c, entry(1)))
    assert asyncio.run(AuditLog(store, JumpingClock()).verify()).whole
    test_the_migrations_make_the_tables_that_the_code_knows(store)
    asyncio.run(store.close())


def test_an_old_schema_is_chained(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sereno.store import migrations

    with monkeypatch.context() as patch:
        patch.setattr("sereno.store.migrations.TARGET", "0001")
        patch.setattr("sereno.store.audit_start.begin", lambda *_: [])
        old = Store.open(url, keys=tmp_path / "keys")
    columns = "t, actor, origin, action, target, old, new, outcome"
    for number in (1, 2, 5, 9):
        statement = (
            f"INSERT INTO audit (id, {columns}) VALUES ({number}, 1, 'ann', '', 'write', 'a/b', 'null', '1', 'done')"
        )
        old.run_now(lambda c, s=statement: c.execute(text(s)) and None)
    asyncio.run(old.close())
    assert migrations.TARGET == "head"
    new = Store.open(url, keys=tmp_path / "keys")
    found = asyncio.run(AuditLog(new, JumpingClock()).verify())
    assert (found.whole, found.last, found.anchor) == (True, 4, 4), str(found)
    asyncio.run(new.close())


def test_a_server_that_is_gone_is_an_error_in_words(tmp_path: Path) -> None:
    for url in ("postgresql://root:hunter2@127.0.0.1:1/test", "mariadb://root:hunter2@127.0.0.1:1/test"):
        with pytest.raises(StoreError) as caught:
            Store.open(url, keys=tmp_path / "keys")
        assert "hunter2" not in str(caught.value)


def test_a_server_needs_a_folder_for_the_keys(url: str) -> None:
    with pytest.raises(StoreError, match="folder for the keys"):
        Store.open(url)
