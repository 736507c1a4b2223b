"""Which schema a database has, and the way to the newest one."""

from __future__ import annotations

from sqlalchemy import Connection, insert, inspect, text

from .append_only import protect, protect_logbook
from .audit_chain import TURN
from .connect import name_of
from .errors import StoreError
from .tables import METADATA, SCHEMA, SETTINGS


def present_schema(connection: Connection) -> str | None:
    """Revision of the database's schema; None where there is none yet. Raises StoreError if it is not Sereno's."""
    names = set(inspect(connection).get_table_names())
    if not names:
        return None
    if "alembic_version" not in names:
        where = name_of(connection.engine.url)
        raise StoreError(f"database {where}: it holds other tables ({min(names)}), not Sereno's")
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def has_chain(connection: Connection) -> bool:
    """True if there are records with a hash."""
    if present_schema(connection) is None:
        return False
    inspector = inspect(connection)
    if not inspector.has_table("audit") or "hash" not in {c["name"] for c in inspector.get_columns("audit")}:
        return False
    return connection.scalar(text("SELECT id FROM audit WHERE hash <> '' ORDER BY id LIMIT 1")) is not None


def bring_up_to_date(connection: Connection, *, look: bool = False) -> str | None:
    """Migrate to the newest schema; returns the one before. `look`: refuse instead, changing nothing.

    Raises StoreError for a database of something else, or one of a newer version.
    """
    present = present_schema(connection)
    if present == SCHEMA:
        return present
    where = name_of(connection.engine.url)
    if present is not None and present > SCHEMA:
        raise StoreError(
            f"database {where} has schema {present}, this version knows up to {SCHEMA}; "
            "use the newer version of Sereno that wrote it"
        )
    if look:
        raise StoreError(f"database {where} has schema {present or 'none'}, expected {SCHEMA}; run: sereno db upgrade")
    if present is None and connection.dialect.name == "sqlite":
        create(connection)
        return None
    from .migrations import upgrade

    upgrade(connection)
    return present


def create(connection: Connection) -> None:
    """The newest schema in an empty SQLite database, as the migrations make it; a test holds the two together.

    Running them would cost every first start the import of Alembic: 10 MB for as long as the node runs.
    """
    METADATA.create_all(connection)
    connection.execute(
        text(
            "CREATE TABLE alembic_version "
            "(version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:schema)"), {"schema": SCHEMA})
    connection.execute(insert(SETTINGS).values(key=TURN, value='{"format":1}'))
    protect(connection)
    protect_logbook(connection)
