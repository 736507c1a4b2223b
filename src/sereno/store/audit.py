"""The audit record: who did what, when, from where, with which outcome. Rows are only ever added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from sereno.model import Clock
from sereno.wire.jsonvalue import json_bytes

from .engine import Store
from .tables import AUDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act. `t` ns UTC; `old` and `new` are JSON values; `outcome` is "done" or says what became of it."""

    t: int
    actor: str
    action: str
    target: str = ""
    origin: str = ""
    old: Any = None
    new: Any = None
    outcome: str = "done"


class AuditLog:
    """Adds and reads audit entries."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def record(self, actor: str, action: str, target: str = "", origin: str = "", outcome: str = "done") -> None:
        """Add an entry, stamped now; durable on return. Raises StoreError."""
        entry = AuditEntry(
            t=self._clock.wall_ns(), actor=actor, action=action, target=target, origin=origin, outcome=outcome
        )
        await self._store.run(lambda c: add_entry(c, entry))

    async def entries(
        self, *, actor: str = "", action: str = "", since: int = 0, limit: int = 1000
    ) -> list[AuditEntry]:
        """The newest `limit` entries from `since` (ns UTC) on, newest first; "" matches all."""
        return await self._store.run(lambda c: _entries(c, actor, action, since, limit))


def add_entry(connection: Connection, entry: AuditEntry) -> None:
    """Add an entry within a transaction that does more."""
    connection.execute(
        insert(AUDIT).values(
            t=entry.t,
            actor=entry.actor[:200],
            origin=entry.origin[:200],
            action=entry.action,
            target=entry.target[:200],
            old=json_bytes(entry.old).decode(),
            new=json_bytes(entry.new).decode(),
            outcome=entry.outcome,
        )
    )


def _entries(connection: Connection, actor: str, action: str, since: int, limit: int) -> list[AuditEntry]:
    query = select(AUDIT).where(AUDIT.c.t >= since)
    if actor:
        query = query.where(AUDIT.c.actor == actor)
    if action:
        query = query.where(AUDIT.c.action == action)
    rows = connection.execute(query.order_by(AUDIT.c.id.desc()).limit(limit)).mappings()
    return [
        AuditEntry(
            t=row["t"],
            actor=row["actor"],
            action=row["action"],
            target=row["target"],
            origin=row["origin"],
            old=msgspec.json.decode(row["old"]),
            new=msgspec.json.decode(row["new"]),
            outcome=row["outcome"],
        )
        for row in rows
    ]
