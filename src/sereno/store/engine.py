"""The database of a node: one engine, one worker thread, one transaction per piece of work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from sereno.model import Clock

from . import audit_start
from .audit_chain import AuditChain
from .connect import make_engine, name_of, sqlite_file
from .errors import StoreError
from .recording import Recording
from .reserve import Reserve
from .schema import bring_up_to_date, has_chain
from .settings import keep

T = TypeVar("T")
_PAGES, _PAGES_WHEN_FULL = 1000, 8


class Store:
    """All work runs in one thread, in the order in which it was handed over, never in the event loop.

    A piece of work is a function of a connection; it is one transaction, durable when `run` returns. On a full disk it
    is rolled back and run again with space from the reserve, so it must not do anything but use its connection.
    """

    def __init__(self, engine: Engine, chain: AuditChain, reserve: Reserve | None = None) -> None:
        self.chain = chain
        self.recording = Recording(reserve)
        self._engine = engine
        engine.update_execution_options(audit_chain=chain)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    @classmethod
    def open(
        cls,
        where: str | Path,
        *,
        keys: Path | None = None,
        reserve: Reserve | None = None,
        clock: Clock | None = None,
        look: bool = False,
    ) -> Self:
        """Open or create the database (a file's path, or a URL) and bring its schema and its audit up to date.

        `keys` is the folder of the audit's keys and anchor: `keys` beside an SQLite file where none is named.
        `look`: change nothing, neither schema nor audit. Blocks. Raises StoreError, with the reason and what to do.
        """
        file = sqlite_file(where)
        engine = make_engine(where)
        if keys is None and file is None and engine.dialect.name != "sqlite":
            raise StoreError(f"database {name_of(engine.url)}: a folder for the keys of its audit must be named")
        chain = AuditChain(keys or (None if file is None else file.parent / "keys"), clock)
        store = cls(engine, chain, reserve)
        try:
            store.recording.tend()
            store._begin(look=look)
        except BaseException:
            store.dispose()
            raise
        return store

    @classmethod
    def glance(cls, where: str | Path, ask: Callable[[Connection], T]) -> tuple[str, T]:
        """The database's name and what `ask` finds there, whatever its schema. Raises StoreError."""
        file = sqlite_file(where)
        if file is not None and not file.exists():
            raise StoreError(f"there is no database {file}")
        store = cls(make_engine(where), AuditChain(None))
        try:
            return store.name, store.run_now(ask)
        finally:
            store.dispose()

    @property
    def name(self) -> str:
        """The file, or the URL without its password."""
        return name_of(self._engine.url)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once its transaction is committed. Raises StoreError, or what `work` raised."""
        return await self._in_thread(lambda: self._transact(work))

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """As `run`, blocking the caller."""
        try:
            running = self._thread.submit(self._transact, work)
        except RuntimeError as error:
            raise StoreError("the database is closed") from error
        return running.result()

    async def tend(self) -> None:
        """To be called every few seconds: make the reserve whole again, try to write again. Raises StoreError."""
        was_full = self.recording.full
        if await self._in_thread(self.recording.tend) and was_full:
            await self._in_thread(lambda: self._checkpoint_after(_PAGES))
        if self.recording.error:
            await self.run(self._probe)
            self.recording.succeeded()

    def figures(self) -> dict[str, float]:
        """How the audit does: records, failures, and 1 for what is wrong."""
        recording = self.recording
        return {
            "records": self.chain.reached.seq,
            "anchor_behind": int(self.chain.owed),
            "failures": recording.failures,
            "failing": int(bool(recording.problem)),
            "disk_full": int(recording.full),
            "reserve_bytes": 0 if recording.reserve is None else recording.reserve.bytes,
            "faults_at_start": len(recording.faults),
        }

    async def close(self) -> None:
        """Finish the work handed over so far, then close. May be called twice."""
        await asyncio.to_thread(self.dispose)

    def _begin(self, *, look: bool) -> None:
        if look:
            self.run_now(lambda c: bring_up_to_date(c, look=True))
            self.chain.keys.load()
            return
        chained = self.run_now(has_chain)
        audit_start.prepare(self.chain, chained=chained)
        self.run_now(bring_up_to_date)
        self.recording.faults = self.run_now(lambda c: audit_start.begin(c, self.chain))

    def _probe(self, connection: Connection) -> None:
        self.chain.settle()
        keep(connection, "probed", self.chain.clock.wall_ns())

    async def _in_thread(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        try:
            running = loop.run_in_executor(self._thread, work)
        except RuntimeError as error:
            raise StoreError("the database is closed") from error
        return await running

    def _checkpoint_after(self, pages: int) -> None:
        """Let the write-ahead log grow so far only: on a full disk what it takes is space for records."""
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {pages}")

    def dispose(self) -> None:
        """As `close`, blocking the caller."""
        self._thread.shutdown()
        self._engine.dispose()

    def _transact(self, work: Callable[[Connection], T]) -> T:
        while True:
            try:
                return self._attempt(work)
            except (DBAPIError, StoreError, OSError) as error:
                if self.recording.make_room(error):
                    self._checkpoint_after(_PAGES_WHEN_FULL)
                    continue
                self.recording.failed(error)
                if isinstance(error, DBAPIError):
                    raise StoreError(f"database {self.name}: {error.orig}") from error
                raise

    def _attempt(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                result = work(connection)
        except BaseException:
            self.chain.rolled_back()
            raise
        if self.chain.committed():
            self.recording.succeeded()
        return result
