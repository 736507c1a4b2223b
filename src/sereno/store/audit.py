"""The audit record: who did what, when, from where, with which outcome. Records are only ever added."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, func, select

from sereno.model import Clock, Signature
from sereno.wire.jsonvalue import json_bytes

from . import audit_start
from .audit_chain import CONTENT, FIRST, AuditChain, Link
from .audit_verify import Verification, Verifier, rows_of
from .engine import Store
from .signatures import signed
from .tables import AUDIT

AT_ONCE = 1000
_SHORT, _ACTION = 200, 64
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One act. `t` ns UTC; `old` and `new` are JSON values; `outcome` is "done" or says what became of it.

    `origin` is an address or names the console; `comment` is why, in the actor's words; `command` the key of a command.
    """

    t: int
    actor: str
    action: str
    target: str = ""
    origin: str = ""
    old: Any = None
    new: Any = None
    outcome: str = "done"
    comment: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord(AuditEntry):
    """An act on record: its number, the id of the key that it was written with, and its hash in the chain."""

    seq: int
    key: str = field(repr=False)
    hash: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which records: "" matches all, a text itself, a '*' in it any text. Times ns UTC, `until` excluded."""

    who: str = ""
    action: str = ""
    target: str = ""
    since: int | None = None
    until: int | None = None

    def narrowed(self, query: Select[Any]) -> Select[Any]:
        """`query` over these records only."""
        wanted = ((AUDIT.c.actor, self.who), (AUDIT.c.action, self.action), (AUDIT.c.target, self.target))
        for column, text in wanted:
            if text:
                query = query.where(_like(column, text))
        if self.since is not None:
            query = query.where(AUDIT.c.t >= self.since)
        if self.until is not None:
            query = query.where(AUDIT.c.t < self.until)
        return query


class AuditLog:
    """Adds, reads and verifies audit records."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def record(
        self, actor: str, action: str, target: str = "", origin: str = "", outcome: str = "done", **more: Any
    ) -> None:
        """Add a record, stamped now; durable on return. `more` as in AuditEntry. Raises StoreError."""
        entry = self.entry(actor, action, target, origin, outcome, **more)
        await self._store.run(lambda c: add_entry(c, entry))

    def entry(
        self, actor: str, action: str, target: str = "", origin: str = "", outcome: str = "done", **more: Any
    ) -> AuditEntry:
        """An entry stamped now, to be added in the transaction that does what it tells of."""
        return AuditEntry(
            t=self._clock.wall_ns(), actor=actor, action=action, target=target, origin=origin, outcome=outcome, **more
        )

    async def entries(
        self, query: AuditQuery | None = None, *, before: int | None = None, limit: int = AT_ONCE
    ) -> list[AuditRecord]:
        """The newest `limit` records of the query, the newest first; with `before` only of lower number."""
        asked = (query or AuditQuery()).narrowed(select(AUDIT)).order_by(AUDIT.c.id.desc()).limit(limit)
        if before is not None:
            asked = asked.where(AUDIT.c.id < before)
        return await self._store.run(partial(_records, query=asked))

    async def all(self, query: AuditQuery | None = None) -> AsyncIterator[AuditRecord]:
        """Every record of the query, the oldest first; what is added meanwhile may be among them."""
        narrowed = (query or AuditQuery()).narrowed(select(AUDIT)).order_by(AUDIT.c.id).limit(AT_ONCE)
        last = 0
        while True:
            found = await self._store.run(partial(_records, query=narrowed.where(AUDIT.c.id > last)))
            for record in found:
                yield record
            if len(found) < AT_ONCE:
                return
            last = found[-1].seq

    async def actions(self) -> list[str]:
        """Every action that is on record, by name."""
        query = select(AUDIT.c.action).distinct().order_by(AUDIT.c.action)
        return await self._store.run(lambda c: list(c.scalars(query)))

    async def verify(self, first: int = 1, progress: Progress | None = None) -> Verification:
        """Check the records from number `first` on against the chain, and the chain against its anchor.

        Done in pieces between which the store does other work. Raises StoreError, ValueError if there is no `first`.
        """
        chain = self._store.chain
        start = await self._store.run(lambda c: _link_before(c, first))
        verifier = Verifier(chain.keys.known, await self._store.run(lambda _: audit_start.look(chain)), start)
        while True:
            asked = select(AUDIT).where(AUDIT.c.id > verifier.last).order_by(AUDIT.c.id).limit(AT_ONCE)
            count = await self._store.run(partial(_feed, query=asked, verifier=verifier))
            if progress is not None:
                progress(verifier.last)
            if count < AT_ONCE:
                return verifier.finish(await self._store.run(lambda _: audit_start.look(chain)))

    async def count(self) -> int:
        """Number of the newest record."""
        return await self._store.run(lambda c: c.scalar(select(func.max(AUDIT.c.id))) or 0)


def add_entry(connection: Connection, entry: AuditEntry, signature: Signature | None = None) -> None:
    """Add an entry within a transaction that does more, with a signature made for it. Raises StoreError."""
    chain: AuditChain = connection.get_execution_options()["audit_chain"]
    content: dict[str, int | str] = {
        "t": entry.t,
        "actor": _plain(entry.actor, _SHORT),
        "origin": _plain(entry.origin, _SHORT),
        "action": _plain(entry.action, _ACTION),
        "target": _plain(entry.target, _SHORT),
        "old": json_bytes(entry.old).decode(),
        "new": json_bytes(entry.new).decode(),
        "outcome": _plain(entry.outcome),
        "comment": _plain(entry.comment),
        "command": _plain(entry.command, _SHORT),
    }
    if signature is not None:
        content["new"] = signed(content, signature)
    chain.add(connection, [content[name] for name in CONTENT])


def _plain(text: str, longest: int | None = None) -> str:
    """What every database can keep: neither NUL nor halves of characters."""
    kept = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return kept if longest is None else kept[:longest]


def _like(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    if "*" not in text:
        return column == text
    parts = [part.replace("~", "~~").replace("%", "~%").replace("_", "~_") for part in text.split("*")]
    return column.like("%".join(parts), escape="~")


def _link_before(connection: Connection, first: int) -> Link:
    if first <= 1:
        return FIRST
    found = connection.scalar(select(AUDIT.c.hash).where(AUDIT.c.id == first - 1))
    if found is None:
        raise ValueError(f"there is no audit record {first - 1} to start after")
    return Link(first - 1, found)


def _feed(connection: Connection, query: Select[Any], verifier: Verifier) -> int:
    rows = rows_of(connection.execute(query).mappings().all())
    for row in rows:
        verifier.feed(row)
    return len(rows)


def _records(connection: Connection, query: Select[Any]) -> list[AuditRecord]:
    return [_record(row) for row in connection.execute(query).mappings()]


def _record(row: RowMapping) -> AuditRecord:
    plain = {name: row[name] for name in ("t", "actor", "origin", "action", "target", "outcome", "comment", "command")}
    old, new = msgspec.json.decode(row["old"]), msgspec.json.decode(row["new"])
    return AuditRecord(seq=row["id"], key=row["key_id"], hash=row["hash"], old=old, new=new, **plain)
