from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Integer, MetaData, Table, inspect, text

from sereno.store import schema
from sereno.store.engine import Store
from sereno.store.migrations import configuration, upgrade
from sereno.store.schema import present_schema
from sereno.store.tables import METADATA, SCHEMA


@pytest.fixture
def migrated_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty database goes through every migration, as one of an older version would."""
    monkeypatch.setattr(schema, "create", upgrade)


@pytest.fixture
def store(tmp_path: Path, migrated_only: None) -> Iterator[Store]:
    opened = Store.open(tmp_path / "a.db")
    yield opened
    asyncio.run(opened.close())


def _differences(connection: Connection, metadata: MetaData) -> list[Any]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def test_the_migrations_make_the_tables_that_the_code_knows(store: Store) -> None:
    assert store.run_now(lambda c: _differences(c, METADATA)) == []


def _description(connection: Connection) -> dict[str, Any]:
    inspector = inspect(connection)
    tables = {
        name: (
            {c["name"]: (str(c["type"]), c["nullable"], c["primary_key"]) for c in inspector.get_columns(name)},
            sorted((i["name"] or "", tuple(i["column_names"]), i["unique"]) for i in inspector.get_indexes(name)),
            sorted(str(u) for u in inspector.get_unique_constraints(name)),
            sorted(str(f) for f in inspector.get_foreign_keys(name)),
        )
        for name in inspector.get_table_names()
    }
    triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"))
    return {"tables": tables, "triggers": [tuple(row) for row in triggers], "version": present_schema(connection)}


def test_a_new_database_is_what_the_migrations_make(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    new = Store.open(tmp_path / "new.db")
    try:
        assert new.run_now(_description) == store.run_now(_description)
        assert len(new.run_now(_description)["triggers"]) == 5
    finally:
        asyncio.run(new.close())


def test_the_comparison_would_see_a_forgotten_column(store: Store) -> None:
    wanted = MetaData()
    for table in METADATA.tables.values():
        table.to_metadata(wanted)
    wanted.tables["users"].append_column(Column("forgotten", Integer))
    Table("also_forgotten", wanted, Column("id", Integer, primary_key=True))
    kinds = [difference[0] for difference in store.run_now(lambda c: _differences(c, wanted))]
    assert sorted(kinds) == ["add_column", "add_table"]


def test_schema_is_the_newest_migration_and_there_is_one_line_of_them() -> None:
    scripts = ScriptDirectory.from_config(configuration())
    assert scripts.get_heads() == [SCHEMA]
    assert next(script.revision for script in scripts.walk_revisions()) == SCHEMA


def test_a_migration_that_breaks_off_leaves_nothing(
    tmp_path: Path, migrated_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "broken.db"
    real = op.create_index

    def full_disk(name: str, *args: Any, **kwargs: Any) -> None:
        if name == "ix_audit_t":
            raise OSError("disk full")
        real(name, *args, **kwargs)

    monkeypatch.setattr(op, "create_index", full_disk)
    with pytest.raises(OSError, match="disk full"):
        Store.open(path)
    monkeypatch.undo()
    store = Store.open(path)
    names = store.run_now(lambda c: inspect(c).get_table_names())
    asyncio.run(store.close())
    assert {"users", "audit", "alembic_version"} <= set(names)
