"""InventoryQuery: the inventory of a fleet that a database keeps."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from sereno.model import NoAnswerError
from sereno.store.errors import StoreError

from .protocol import MOST_MEMBERS, Inventory, inventory_of_rows
from .tags import HttpConfig

if TYPE_CHECKING:  # a fleet without a database loads none
    from sereno.store.foreign import ForeignDatabase


class InventoryQuery:
    """Asks in a thread of its own, one question at a time: one that hangs holds up nobody else."""

    def __init__(self, config: HttpConfig) -> None:
        self._config = config
        self._thread: ThreadPoolExecutor | None = None
        self._running: asyncio.Future[Inventory] | None = None
        self._database: ForeignDatabase | None = None
        self._where = ""

    async def inventory(self) -> Inventory:
        """The present one. Raises NoAnswerError, AnswerError; whoever asks meanwhile waits for the same answer."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inventory")
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().run_in_executor(self._thread, self._read)
            self._running.add_done_callback(_taken)
        return await asyncio.shield(self._running)

    def close(self) -> None:
        """Hang up, as soon as the last question has ended."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.submit(self._hang_up)
            thread.shutdown(wait=False)

    def _hang_up(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _read(self) -> Inventory:
        try:
            return inventory_of_rows(self._open().rows(self._config.query, MOST_MEMBERS), self._config.port)
        except StoreError as error:
            raise NoAnswerError(str(error)) from None

    def _open(self) -> ForeignDatabase:
        from sereno.store.foreign import ForeignDatabase

        where = database_url(self._config.database)
        if self._database is None or where != self._where:
            if self._database is not None:
                self._database.close()
            self._database, self._where = ForeignDatabase(where, seconds=self._config.timeout), where
        return self._database


def _taken(answer: asyncio.Future[Inventory]) -> None:
    """So that a failure which nobody waits for any more is no fault of the loop."""
    if not answer.cancelled():
        answer.exception()


def database_url(text: str) -> str:
    """The URL itself, or what env:NAME or file:PATH holds now. Raises NoAnswerError if it is not there."""
    kind, _, name = text.partition(":")
    if kind == "env":
        found = os.environ.get(name, "")
    elif kind == "file":
        try:
            found = Path(name).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NoAnswerError(f"the database of the inventory: {name} cannot be read: {error}") from None
    else:
        return text
    if not found:
        raise NoAnswerError(f"the database of the inventory: {name} holds nothing, expected its URL")
    return found
