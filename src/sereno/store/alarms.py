"""The alarm journal: every transition, and the state that each alarm was left in; one transaction for both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, bindparam, delete, func, insert, select

from .audit import AuditEntry, add_entry
from .engine import Store
from .tables import ALARM_JOURNAL, ALARM_STATES

AT_ONCE = 10_000
_FORGET = delete(ALARM_STATES).where(ALARM_STATES.c.alarm == bindparam("which"))
_KEEP = insert(ALARM_STATES)
_ADD = insert(ALARM_JOURNAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """A transition as it is kept. `code` is the state as the machine knows it, `state` the word for it.

    `last_actor` and `last_note` are of the last act of a person, which the state keeps.
    """

    t: int
    alarm: str
    event: str
    state: str
    code: int
    priority: int
    value: float | None
    quality: int
    t_source: int
    raised: int
    shelved_until: int
    actor: str
    note: str
    last_actor: str = ""
    last_note: str = ""


_COLUMNS = ("t", "alarm", "event", "state", "priority", "value", "quality", "t_source", "actor", "note")
_STATE = ("t", "alarm", "code", "raised", "value", "quality", "t_source", "shelved_until")


class AlarmJournal:
    """Adds and reads transitions. All raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, rows: Sequence[JournalRow], entries: Sequence[AuditEntry] = ()) -> None:
        """In this order, with the audit entries of the acts among them; durable on return."""
        columns = [{name: getattr(row, name) for name in _COLUMNS} for row in rows]
        last = {row.alarm: _state(row) for row in rows}

        def work(connection: Connection) -> None:
            if columns:
                connection.execute(_ADD, columns)
                connection.execute(_FORGET, [{"which": alarm} for alarm in last])
                connection.execute(_KEEP, list(last.values()))
            for entry in entries:
                add_entry(connection, entry)

        await self._store.run(work)

    async def states(self) -> list[RowMapping]:
        """How each alarm was left, with the columns of `alarm_states`."""
        return await self._store.run(lambda c: list(c.execute(select(ALARM_STATES)).mappings()))

    async def columns(self, start: int, end: int) -> list[tuple[int, str, str, int]]:
        """(t, alarm, state, priority) in order: the last row of each alarm before `start`, then all of [start, end)."""
        return await self._store.run(lambda c: _columns(c, start, end))

    async def forget(self, before: int, entry: AuditEntry) -> int:
        """Drop at most AT_ONCE rows from before a time, the last of each alarm excepted, and say so; how many."""
        column = ALARM_JOURNAL.c
        last = select(func.max(column.id)).group_by(column.alarm)
        old = select(column.id).where(column.t < before, column.id.not_in(last)).order_by(column.id).limit(AT_ONCE)

        def work(connection: Connection) -> int:
            ids = list(connection.scalars(old))
            if ids:
                connection.execute(delete(ALARM_JOURNAL).where(column.id.in_(ids)))
                add_entry(connection, replace(entry, old={"rows": len(ids), "from": ids[0], "to": ids[-1]}))
            return len(ids)

        return await self._store.run(work)

    async def rows(
        self,
        alarms: Iterable[str] | None = None,
        *,
        events: Sequence[str] = (),
        start: int | None = None,
        end: int | None = None,
        before: int | None = None,
        limit: int = 1000,
    ) -> list[RowMapping]:
        """The newest `limit` rows, newest first. `alarms` None = all of them."""
        query = select(ALARM_JOURNAL).order_by(ALARM_JOURNAL.c.id.desc())
        for condition in _narrowed(events, start, end, before):
            query = query.where(condition)
        wanted = None if alarms is None else frozenset(alarms)
        return await self._store.run(lambda c: _taken(c, query, wanted, limit))


def _columns(connection: Connection, start: int, end: int) -> list[tuple[int, str, str, int]]:
    column = ALARM_JOURNAL.c
    wanted = (column.t, column.alarm, column.state, column.priority)
    newest = select(func.max(column.id)).where(column.t < start).group_by(column.alarm)
    before = select(*wanted).where(column.id.in_(newest)).order_by(column.id)
    inside = select(*wanted).where(column.t >= start, column.t < end).order_by(column.id)
    return [tuple(row) for query in (before, inside) for row in connection.execute(query)]


def _state(row: JournalRow) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in _STATE}, "actor": row.last_actor, "note": row.last_note}


def _narrowed(events: Sequence[str], start: int | None, end: int | None, before: int | None) -> list[Any]:
    column = ALARM_JOURNAL.c
    conditions: list[Any] = [column.event.in_(events)] if events else []
    conditions += [column.t >= start] if start is not None else []
    conditions += [column.t < end] if end is not None else []
    return conditions + ([column.id < before] if before is not None else [])


def _taken(connection: Connection, query: Select[Any], wanted: frozenset[str] | None, limit: int) -> list[RowMapping]:
    if wanted is None:
        return list(connection.execute(query.limit(limit)).mappings())
    if len(wanted) <= _FEW:
        narrowed = query.where(ALARM_JOURNAL.c.alarm.in_(wanted)).limit(limit)
        return list(connection.execute(narrowed).mappings())
    found: list[RowMapping] = []
    with connection.execution_options(yield_per=1000).execute(query) as result:
        for row in result.mappings():
            if row["alarm"] in wanted:
                found.append(row)
                if len(found) == limit:
                    break
    return found


_FEW = 500
