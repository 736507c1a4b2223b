"""From a file's path or a URL to an engine: SQLite, PostgreSQL, MariaDB, each set to lose nothing that it confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from .errors import StoreError

_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000")
_DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mariadb+pymysql"}
_EXTRAS = {"postgresql": "postgres", "mariadb": "mariadb"}


def make_engine(where: str | Path, arguments: Mapping[str, Any] | None = None) -> Engine:
    """An engine on a file (made private if new) or on an SQLAlchemy URL. Opens no connection. Raises StoreError.

    `arguments` are those of the package that connects to a server.
    """
    url = _url(where)
    backend = url.get_backend_name()
    if backend == "sqlite":
        return _sqlite(url)
    if backend not in _DRIVERS:
        raise _no_database(where)
    try:
        made = dict(arguments or {})
        return create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED", connect_args=made)
    except ArgumentError as error:
        raise _no_database(where) from error
    except ImportError as error:
        extra = _EXTRAS.get(backend, "")
        fix = f"; install sereno[{extra}]" if extra else ""
        raise StoreError(
            f"database {name_of(url)} needs the package {error.name}, which is not installed{fix}"
        ) from error


def name_of(url: URL) -> str:
    """For messages: the file, or the URL without its password and its options, which may hold one."""
    return str(url.database) if url.get_backend_name() == "sqlite" else url.set(query={}).render_as_string()


def sqlite_file(where: str | Path) -> Path | None:
    """The file behind `where`; None if it is a server's, or in memory. Raises StoreError for what is no URL."""
    url = _url(where)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def _url(where: str | Path) -> URL:
    if isinstance(where, Path) or "://" not in where:
        return make_url("sqlite://").set(database=str(where))
    try:
        url = make_url(where)
    except ArgumentError as error:
        raise _no_database(where) from error
    if url.drivername.startswith("mysql"):
        raise StoreError("MySQL is not a database that Sereno is tested with; use MariaDB: mariadb://user@host/name")
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _no_database(where: str | Path) -> StoreError:
    given = str(where).partition("://")[0]  # the rest may hold a password
    return StoreError(f"database '{given}...' is neither a file nor a URL such as postgresql://user@host/name")


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        _private_file(Path(url.database))
    engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _private_file(path: Path) -> None:
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreError(f"database {path}: {error.strerror}; expected a folder that Sereno may write to") from error


def _configure(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.isolation_level = None  # the driver's own BEGIN would leave DDL outside the transaction
    for pragma in _PRAGMAS:
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
