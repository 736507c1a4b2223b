"""The database of a node: one engine, one worker thread, one transaction per piece of work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from .errors import StoreError
from .tables import SCHEMA

T = TypeVar("T")

_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000")


class Store:
    """All work runs in one thread, in the order in which it was handed over, never in the event loop.

    A piece of work is a function of a connection; it is one transaction, durable when `run` returns.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    @classmethod
    def open(cls, where: str | Path) -> Self:
        """Open or create the database (a file's path, or an SQLAlchemy URL) and bring its schema up to date.

        Blocks. Raises StoreError, with the reason and what to do.
        """
        store = cls(_engine(where))
        try:
            store.run_now(_bring_up_to_date)
        except BaseException:
            store._dispose()
            raise
        return store

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once its transaction is committed. Raises StoreError, or what `work` raised."""
        loop = asyncio.get_running_loop()
        try:
            running = loop.run_in_executor(self._thread, self._transact, work)
        except RuntimeError as error:
            raise StoreError("the database is closed") from error
        return await running

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """As `run`, blocking the caller."""
        try:
            running = self._thread.submit(self._transact, work)
        except RuntimeError as error:
            raise StoreError("the database is closed") from error
        return running.result()

    async def close(self) -> None:
        """Finish the work handed over so far, then close. May be called twice."""
        await asyncio.to_thread(self._dispose)

    def _dispose(self) -> None:
        self._thread.shutdown()
        self._engine.dispose()

    def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            raise StoreError(f"database {_name(self._engine.url)}: {error.orig}") from error


def _engine(where: str | Path) -> Engine:
    try:
        if isinstance(where, str) and "://" in where:
            url = make_url(where)
        else:
            url = make_url("sqlite://").set(database=str(where))
        if url.get_backend_name() != "sqlite":
            return create_engine(url, pool_pre_ping=True)
    except ArgumentError as error:
        given = str(where).partition("://")[0]  # the rest may hold a password
        raise StoreError(f"database '{given}...' is neither a file nor a URL such as sqlite:///sereno.db") from error
    except ImportError as error:
        raise StoreError(f"database {_name(url)} needs the package {error.name}, which is not installed") from error
    if url.database and url.database != ":memory:":
        _private_file(Path(url.database))
    engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _name(url: URL) -> str:
    """For messages: the file, or the URL without its password."""
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string()


def _private_file(path: Path) -> None:
    try:
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreError(f"database {path}: {error.strerror}; expected a folder that Sereno may write to") from error


def _configure(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.isolation_level = None  # the driver's own BEGIN would leave DDL outside the transaction
    for pragma in _PRAGMAS:
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _bring_up_to_date(connection: Connection) -> None:
    names = set(inspect(connection).get_table_names())
    if names and "alembic_version" not in names:
        raise StoreError(f"database {_name(connection.engine.url)}: it holds other tables ({min(names)}), not Sereno's")
    present = connection.scalar(text("SELECT version_num FROM alembic_version")) if names else None
    if present == SCHEMA:
        return
    if present is not None and present > SCHEMA:
        raise StoreError(
            f"database {_name(connection.engine.url)} has schema {present}, this version knows up to {SCHEMA}; "
            "use the newer version of Sereno that wrote it"
        )
    from .migrations import upgrade

    upgrade(connection)
