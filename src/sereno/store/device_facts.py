"""What is known of devices, as facts of four kinds with the history of their changes; one port, SQL behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection, and_, delete, insert, select

from .engine import Store
from .tables import DEVICE_CHANGES, DEVICE_FACTS


class FactKind(StrEnum):
    """DEVICE: owner = path, name = "class" or "server". PROPERTY: owner = path or class:NAME, name = the setting.

    ALIAS: owner = alias, name = "path". MEMORY: owner = path, name = tag; its changes are not kept.
    """

    DEVICE = "device"
    PROPERTY = "property"
    ALIAS = "alias"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class Fact:
    """One value, built of what JSON has; None takes the fact away."""

    kind: FactKind
    owner: str
    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class FactChange:
    """What became of a fact: ns UTC, by whom, from what to what (None = there was, or is, none)."""

    t: int
    actor: str
    kind: FactKind
    owner: str
    name: str
    old: Any
    new: Any


class FactStore(Protocol):
    """Where facts are kept. All calls raise StoreError."""

    async def read(self, kind: FactKind, owner: str | None = None) -> list[Fact]:
        """Facts of a kind, of one owner or of all, by owner and name."""

    async def write(self, facts: Sequence[Fact], actor: str, t: int) -> None:
        """Take these facts in place of those before, all or none, with their history."""

    async def history(self, owner: str | None = None, limit: int = 100) -> list[FactChange]:
        """Changes, the newest first, of one owner or of all."""

    async def pause(self) -> None:
        """Hold no connection that belongs to this event loop: another one goes on."""

    async def close(self) -> None:
        """Give the connection back."""


class SqlFacts:
    """A FactStore in the database of an installation."""

    def __init__(self, store: Store, *, owns: bool = False) -> None:
        self._store = store
        self._owns = owns

    async def read(self, kind: FactKind, owner: str | None = None) -> list[Fact]:
        """See FactStore."""
        return await self._store.run(lambda c: _read(c, kind, owner))

    async def write(self, facts: Sequence[Fact], actor: str, t: int) -> None:
        """See FactStore."""

        def work(connection: Connection) -> None:
            for fact in facts:
                _put(connection, fact, actor, t)

        await self._store.run(work)

    async def history(self, owner: str | None = None, limit: int = 100) -> list[FactChange]:
        """See FactStore."""
        return await self._store.run(lambda c: _history(c, owner, limit))

    async def pause(self) -> None:
        """See FactStore: a store belongs to no loop."""

    async def close(self) -> None:
        """See FactStore."""
        if self._owns:
            await self._store.close()


def as_text(value: Any) -> str:
    """A value as it is kept; "" for none."""
    return "" if value is None else msgspec.json.encode(value).decode()


def as_value(text: str) -> Any:
    """What `as_text` kept."""
    return msgspec.json.decode(text) if text else None


def _read(connection: Connection, kind: FactKind, owner: str | None) -> list[Fact]:
    facts = DEVICE_FACTS.c
    query = select(facts.owner, facts.name, facts.value).where(facts.kind == kind.value)
    if owner is not None:
        query = query.where(facts.owner == owner)
    rows = connection.execute(query.order_by(facts.owner, facts.name))
    return [Fact(kind, row.owner, row.name, as_value(row.value)) for row in rows]


def _put(connection: Connection, fact: Fact, actor: str, t: int) -> None:
    facts = DEVICE_FACTS.c
    this = and_(facts.kind == fact.kind.value, facts.owner == fact.owner, facts.name == fact.name)
    old = connection.scalar(select(facts.value).where(this)) or ""
    new = as_text(fact.value)
    if old == new:
        return
    connection.execute(delete(DEVICE_FACTS).where(this))
    row = {"kind": fact.kind.value, "owner": fact.owner, "name": fact.name}
    if new:
        connection.execute(insert(DEVICE_FACTS).values(**row, value=new))
    if fact.kind is not FactKind.MEMORY:
        connection.execute(insert(DEVICE_CHANGES).values(**row, t=t, actor=actor, old=old, new=new))


def _history(connection: Connection, owner: str | None, limit: int) -> list[FactChange]:
    query = select(DEVICE_CHANGES).order_by(DEVICE_CHANGES.c.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(DEVICE_CHANGES.c.owner == owner)
    rows = connection.execute(query).mappings()
    return [
        FactChange(
            r["t"], r["actor"], FactKind(r["kind"]), r["owner"], r["name"], as_value(r["old"]), as_value(r["new"])
        )
        for r in rows
    ]
