"""Readings and totals of counters, kept together in one row: what is found after a crash is a pair that fits."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from .engine import Store
from .settings import keep, setting

_KEY = "counters"
Pairs = dict[str, tuple[int, int]]
"""Reading and total by the id of the total's tag."""


class StoredCounters:
    """Keeps the pairs of all counters. Both raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self) -> Pairs:
        """What was kept last; empty where nothing was."""
        found: Any = await self._store.run(lambda connection: setting(connection, _KEY))
        return {str(key): (int(pair[0]), int(pair[1])) for key, pair in (found or {}).items()}

    async def keep(self, pairs: Pairs) -> None:
        """Return when they are on the disk; they replace those that were."""

        def work(connection: Connection) -> None:
            keep(connection, _KEY, pairs)

        await self._store.run(work)
