"""What is kept of jobs over a restart: one JSON document for each, its last runs among it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from .engine import Store
from .settings import keep, setting

_KEY = "job/"


class StoredJobs:
    """Documents by the name of the job. Both raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, name: str) -> Any:
        """What was kept last, None where nothing was."""
        found: Any = await self._store.run(lambda connection: setting(connection, _KEY + name))
        return found

    async def keep(self, name: str, document: Any) -> None:
        """Return when it is on the disk; it replaces the one before."""

        def work(connection: Connection) -> None:
            keep(connection, _KEY + name, document)

        await self._store.run(work)
