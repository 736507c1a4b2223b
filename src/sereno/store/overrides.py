"""Overrides on disk: kept from their begin to their end, each begin, end and refusal in the audit."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select

from sereno.model import Clock, Override, OverrideKind
from sereno.wire.jsonvalue import json_bytes

from .audit import AuditEntry, add_entry
from .engine import Store
from .tables import OVERRIDES

BEGINS = {OverrideKind.SUBSTITUTION: "substitute", OverrideKind.MAINTENANCE: "device.out"}
ENDS = {OverrideKind.SUBSTITUTION: "substitute.end", OverrideKind.MAINTENANCE: "device.in"}


class StoredOverrides:
    """Implements the hub's OverrideJournal: durable and on record when a call returns. All raise StoreError."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def load(self) -> list[Override]:
        """All that have not ended, by kind and path."""
        return await self._store.run(_load)

    async def begin(self, override: Override, origin: str, old: Any) -> None:
        """Keep an override in place of an earlier one; `old` is the tag's own value."""
        entry = AuditEntry(
            t=override.since,
            actor=override.actor,
            origin=origin,
            action=BEGINS[override.kind],
            target=override.path,
            old=old,
            new=override.value,
            comment=override.reason,
        )

        def work(connection: Connection) -> None:
            connection.execute(_drop(override))
            connection.execute(insert(OVERRIDES).values(**_row(override)))
            add_entry(connection, entry)

        await self._store.run(work)

    async def end(self, override: Override, by: str, origin: str, why: str) -> None:
        """Keep it no longer; `why` is for the record."""
        entry = AuditEntry(
            t=self._clock.wall_ns(),
            actor=by,
            origin=origin,
            action=ENDS[override.kind],
            target=override.path,
            old=override.value,
            comment=why,
        )

        def work(connection: Connection) -> None:
            connection.execute(_drop(override))
            add_entry(connection, entry)

        await self._store.run(work)

    async def refused(self, kind: OverrideKind, path: str, by: str, origin: str, why: str) -> None:
        """Put a refusal on record."""
        entry = AuditEntry(
            t=self._clock.wall_ns(),
            actor=by,
            origin=origin,
            action=BEGINS[kind],
            target=path,
            outcome=f"refused: {why}",
        )
        await self._store.run(lambda c: add_entry(c, entry))


def _drop(override: Override) -> Any:
    return delete(OVERRIDES).where(OVERRIDES.c.kind == override.kind.value, OVERRIDES.c.path == override.path)


def _row(override: Override) -> dict[str, Any]:
    return {
        "kind": override.kind.value,
        "path": override.path,
        "value": json_bytes(override.value).decode(),
        "reason": override.reason,
        "actor": override.actor,
        "since": override.since,
        "expires": override.expires,
    }


def _load(connection: Connection) -> list[Override]:
    rows = connection.execute(select(OVERRIDES).order_by(OVERRIDES.c.kind, OVERRIDES.c.path)).mappings()
    return [
        Override(
            kind=OverrideKind(row["kind"]),
            path=row["path"],
            value=msgspec.json.decode(row["value"]),
            reason=row["reason"],
            actor=row["actor"],
            since=row["since"],
            expires=row["expires"],
        )
        for row in rows
    ]
