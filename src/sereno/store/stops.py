"""Which agents a person has stopped, in one row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from .engine import Store
from .settings import keep, setting

_KEY = "agents.stopped"


class StoredStops:
    """By the device of each, with by whom and when in words. Both raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self) -> dict[str, str]:
        """What was kept last; empty where nothing was."""
        found: Any = await self._store.run(lambda connection: setting(connection, _KEY))
        return {str(device): str(words) for device, words in (found or {}).items()}

    async def keep(self, stops: Mapping[str, str]) -> None:
        """Return when they are on the disk; they replace those that were."""

        def work(connection: Connection) -> None:
            keep(connection, _KEY, dict(stops))

        await self._store.run(work)
