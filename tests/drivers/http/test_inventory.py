"""Inventories that a database keeps, that cannot be read, that say two things."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from sereno.drivers.http.protocol import AnswerError, inventory_of_rows, parse_answer, parse_inventory
from sereno.drivers.http.query import InventoryQuery, database_url
from sereno.drivers.http.tags import HttpConfig
from sereno.model import NoAnswerError, Quality, severity
from sereno.store.connect import make_engine
from sereno.store.errors import StoreError
from sereno.store.foreign import ForeignDatabase
from sereno.testing import JumpingClock, jumping
from tests.drivers.http.test_driver import DEVICE, Site, site, tag, three

QUERY = "SELECT name, address || ':8000' FROM gateways WHERE enabled ORDER BY name"
TAGS = (tag("total", "sum", pick="value"), tag("count", "count", pick="value"),
        tag("about", "sum", pick="value", partial="uncertain"), tag("table", "table", pick="value"))  # fmt: skip


def do(file: Path, *statements: str) -> None:
    with sqlite3.connect(file) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "fleet.db"
    do(
        found,
        "CREATE TABLE gateways (name TEXT, address TEXT, enabled INTEGER)",
        "INSERT INTO gateways VALUES ('a', 'a.example', 1), ('b', 'b.example', 1), ('c', 'c.example', 0)",
    )
    return found


def query_of(file: Path) -> dict[str, str]:
    return {"url": "", "query": QUERY, "database": f"sqlite:///{file}"}


def last_error(here: Site) -> str:
    return here.devices.handlers[DEVICE].status().last_error


@jumping
async def test_members_come_and_go_with_the_rows_of_a_query(clock: JumpingClock, file: Path) -> None:
    async with site(clock, three, *TAGS, **query_of(file)) as here:
        assert (here.sample("total").value, here.sample("count").value) == (3.5, 2)
        do(file, "UPDATE gateways SET enabled = (name <> 'b')")
        await here.sweep()
        assert (here.sample("total").value, here.sample("total").quality) == (-3.0, 0)


@jumping
async def test_a_database_that_fails_leaves_the_members_of_before_and_makes_all_of_it_uncertain(
    clock: JumpingClock, file: Path
) -> None:
    async with site(clock, three, *TAGS, **query_of(file)) as here:
        do(file, "ALTER TABLE gateways RENAME TO others")
        await here.sweep()
        assert {here.sample(name).quality for name in ("total", "count", "about")} == {Quality.LAST_USABLE}
        assert (here.sample("total").value, here.sample("count").value) == (3.5, 2)
        assert "the inventory is 10 s old: database" in here.reason("total")
        assert "no such table: gateways" in here.reason("table")
        here.world.answers["http://b.example:8000/v"] = NoAnswerError("status 500")
        await here.sweep()
        assert severity(here.sample("total").quality) == "bad"
        assert here.reason("total").startswith("1 of 2 did not answer: b (status 500); the inventory is ")
        assert here.sample("about").quality == Quality.SUB_NORMAL
        do(file, "ALTER TABLE others RENAME TO gateways", "UPDATE gateways SET enabled = (name = 'a')")
        await here.sweep()
        assert (here.sample("total").value, here.sample("total").quality, here.reason("total")) == (1.0, 0, "")


@jumping
async def test_half_an_inventory_is_none(clock: JumpingClock, file: Path) -> None:
    async with site(clock, three, *TAGS, **query_of(file)) as here:
        for wrong, words in (
            ("INSERT INTO gateways VALUES ('d', NULL, 1)", "no address for 'd'"),
            ("INSERT INTO gateways VALUES ('a', 'c.example', 1)", "names 'a' twice"),
            ("INSERT INTO gateways VALUES ('d', 'no host', 1)", "is no address of a member"),
        ):
            do(file, wrong)
            await here.sweep()
            assert (here.sample("total").value, here.sample("total").quality) == (3.5, Quality.LAST_USABLE), wrong
            assert words in here.reason("total")
            do(file, "DELETE FROM gateways WHERE rowid > 3")


@jumping
async def test_without_an_inventory_ever_there_is_no_sweep(clock: JumpingClock, tmp_path: Path) -> None:
    async with site(clock, three, *TAGS, **query_of(tmp_path / "none.db")) as here:
        assert not here.ingest.batches
        assert "unable to open" in last_error(here)
    assert not (tmp_path / "none.db").exists()


@jumping
async def test_what_is_kept_is_a_matter_of_declaration(clock: JumpingClock, file: Path, tmp_path: Path) -> None:
    members = tmp_path / "members.json"
    members.write_text('{"a": "a.example"}', encoding="utf-8")
    async with site(clock, three, *TAGS, url=f"file:{members}", keep=True) as here:
        members.write_text('{"a": "a.example", "a": "b.example"}', encoding="utf-8")
        await here.sweep()
        assert here.reason("total") == "the inventory is 10 s old: the inventory: a key is there twice"
        assert here.sample("count").quality == Quality.LAST_USABLE
    async with site(clock, three, *TAGS, **query_of(file), keep=False) as here:
        do(file, "DROP TABLE gateways")
        seen = len(here.ingest.batches)
        await here.sweep()
        assert len(here.ingest.batches) == seen
        assert "no such table" in last_error(here)


async def test_whoever_asks_meanwhile_gets_the_same_answer(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    asked, go = list[ForeignDatabase](), threading.Event()
    rows = ForeignDatabase.rows

    def slow(self: ForeignDatabase, query: str, most: int) -> list[tuple[object, ...]]:
        asked.append(self)
        go.wait(60)
        return rows(self, query, most)

    monkeypatch.setattr(ForeignDatabase, "rows", slow)
    query = InventoryQuery(HttpConfig.model_validate({k: v for k, v in query_of(file).items() if v}))
    both = [asyncio.create_task(query.inventory()) for _ in range(2)]
    await asyncio.sleep(0)
    both[0].cancel()
    go.set()
    assert len(await both[1]) == 2
    assert asked.count(query._database) == 1  # type: ignore[arg-type]
    query.close()
    query.close()


def test_nothing_can_be_changed(file: Path) -> None:
    database = ForeignDatabase(f"sqlite:///{file}", seconds=1)
    with pytest.raises(StoreError, match="readonly database"):
        database.rows("WITH x AS (SELECT 1) INSERT INTO gateways SELECT 'd', 'd', 1", 10)
    with pytest.raises(StoreError, match="more than 2 rows"):
        database.rows("SELECT name, address FROM gateways", 2)
    database.close()


def test_a_question_that_never_ends_is_ended(file: Path) -> None:
    """Two hundred million rows, that would take many times as long, and then end, so that this test does."""
    database = ForeignDatabase(f"sqlite:///{file}", seconds=0.2)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) SELECT count(*) FROM n"
    with pytest.raises(StoreError, match=r"no answer within 0\.2 s"):
        database.rows(endless.format(200_000_000), 10)
    assert database.rows(endless.format(10), 10) == [(10,)]
    database.close()


def test_a_password_among_the_options_of_a_url_is_not_told() -> None:
    pytest.importorskip("psycopg")
    database = ForeignDatabase("postgresql://u@127.0.0.1:1/db?password=hunter2", seconds=1)
    with pytest.raises(StoreError) as caught:
        database.rows("SELECT 1", 1)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in database.name
    for where in ("postgresql://u@h/db?password=hunter2", "mariadb://u@h/db?passwd=hunter2"):
        with pytest.raises(ValidationError, match="not in the plant file itself"):
            HttpConfig.model_validate({"query": "SELECT 1", "database": where})
    with pytest.raises(ValidationError, match="without a password"):
        HttpConfig.model_validate({"url": "http://u:hunter2@10.0.0.1/inventory"})


@pytest.mark.service
@pytest.mark.parametrize(("kind", "title", "port"), [("postgresql", "PostgreSQL", 5432), ("mariadb", "MariaDB", 3306)])
def test_on_servers(kind: str, title: str, port: int, require_service: Callable[[str, str, int], None]) -> None:
    require_service(title, "127.0.0.1", port)
    url, table = f"{kind}://root@127.0.0.1:{port}/test", f"gateways_{secrets.token_hex(6)}"
    engine = make_engine(url)
    database = ForeignDatabase(url, seconds=60)
    try:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE TABLE {table} (name VARCHAR(20), address VARCHAR(40))"))
            connection.execute(text(f"INSERT INTO {table} VALUES ('a', '10.0.0.7'), ('b%', '10.0.0.8')"))
        query = f"SELECT name, concat(address, ':8000') FROM {table} WHERE name LIKE '%' ORDER BY name"
        assert database.rows(query, 10) == [("a", "10.0.0.7:8000"), ("b%", "10.0.0.8:8000")]
        with pytest.raises(StoreError, match=r"(?i)read.only"):
            database.rows(f"INSERT INTO {table} VALUES ('c', 'c')", 10)
        with pytest.raises(StoreError):
            database.rows("SELECT nothing FROM nowhere", 10)
        assert len(database.rows(query, 10)) == 2
    finally:
        database.close()
        with engine.begin() as connection:
            connection.execute(text(f"DROP TABLE IF EXISTS {table}"))
        engine.dispose()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "database-url"
    file.write_text("postgresql://fleet:hunter2@10.0.0.1/fleet\n", encoding="utf-8")
    return file


def test_where_the_database_is(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET", "sqlite:///a.db")
    assert database_url("env:FLEET") == "sqlite:///a.db"
    assert database_url(f"file:{secret}") == "postgresql://fleet:hunter2@10.0.0.1/fleet"
    for nothing in ("env:NO_SUCH_FLEET", "file:/no/such/file"):
        with pytest.raises(NoAnswerError):
            database_url(nothing)


@pytest.mark.parametrize("keys", [{"query": "DROP TABLE a", "database": "env:A"}, {"query": "SELECT 1"},
                                  {"database": "env:A"}, {"query": "SELECT 1", "database": "mysql://a/b"},
                                  {"query": "SELECT 1", "database": "postgresql://a:secret@b/c"},
                                  {"query": "SELECT 1", "database": "env:A", "url": "http://a/b"}])  # fmt: skip
def test_faults_of_a_query(keys: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refused:
        HttpConfig.model_validate(keys)
    assert "secret@" not in refused.value.errors()[0]["msg"]


def test_rows() -> None:
    assert inventory_of_rows([("10.0.0.7",), ("10.0.0.8:80",)], 8000).members == {
        "10.0.0.7": "http://10.0.0.7:8000",
        "10.0.0.8:80": "http://10.0.0.8:80",
    }
    with pytest.raises(AnswerError, match="has no address"):
        inventory_of_rows([(1, 2, 3)], 8000)


def test_json_that_says_two_things() -> None:
    with pytest.raises(AnswerError, match="twice"):
        parse_answer(b'{"value": 1, "value": 2}')
    with pytest.raises(AnswerError, match="twice"):
        parse_inventory(b'{"a": "10.0.0.1", "a": "10.0.0.2"}', 8000)
    with pytest.raises(AnswerError, match="NaN is no number"):
        parse_answer(b'{"value": NaN}')
    with pytest.raises(AnswerError, match="for a name"):
        parse_inventory(rb'{"\ud800": "10.0.0.1"}', 8000)


@pytest.mark.parametrize("address", ["a..b", ".b", "a" * 64, f"{'a' * 60}." * 5 + "b", "[::::]", "[1]:80", "[1.2.3.4]"])
def test_an_address_that_no_machine_can_have_is_none(address: str) -> None:
    with pytest.raises(AnswerError, match="no address of a member"):
        parse_inventory(json.dumps({"a": address}).encode(), 8000)


def test_a_row_without_a_column_names_nobody() -> None:
    with pytest.raises(AnswerError, match="no column"):
        inventory_of_rows([()], 8000)
