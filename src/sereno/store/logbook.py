"""The logbook on disk: entries are added and read, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, select

from .engine import Store
from .numbered import add_numbered
from .tables import LOGBOOK


class LogbookStore:
    """Adds and reads entries. All raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, values: Mapping[str, Any], once: str = "") -> int | None:
        """A new entry; its number. `once`: only if none of this kind refers to the same entry, else None."""
        row = {**values, "facts": msgspec.json.encode(values["facts"]).decode()}
        column = LOGBOOK.c

        def work(connection: Connection) -> int | None:
            taken = select(column.id).where(column.kind == once, column.refers == values["refers"])
            if once and connection.scalar(taken) is not None:
                return None
            return add_numbered(connection, LOGBOOK, row)

        return await self._store.run(work)

    async def one(self, entry: int) -> RowMapping | None:
        """An entry by its number."""
        query = select(LOGBOOK).where(LOGBOOK.c.id == entry)
        return await self._store.run(lambda c: c.execute(query).mappings().first())

    async def rows(
        self,
        *,
        subject: str = "",
        text: str = "",
        start: int | None = None,
        end: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[RowMapping]:
        """The newest first."""
        column = LOGBOOK.c
        conditions: list[Any] = [column.subject == subject] if subject else []
        conditions += [column.text.contains(text, autoescape=True)] if text else []
        conditions += [column.t >= start] if start is not None else []
        conditions += [column.t < end] if end is not None else []
        conditions += [column.id < before] if before is not None else []
        query = select(LOGBOOK).where(*conditions).order_by(column.id.desc()).limit(limit)
        return await self._store.run(lambda c: list(c.execute(query).mappings()))
