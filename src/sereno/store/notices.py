"""Notices on disk: cases and deliveries in one transaction, so that a restart neither repeats nor forgets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, update

from .audit import AuditEntry, add_entry
from .engine import Store
from .numbered import add_numbered
from .settings import keep, setting
from .tables import NOTICE_CASES, NOTICE_DELIVERIES, NOTICES, ROSTER_CHANGES

WAITING, SENT, FAILED = "waiting", "sent", "failed"
_HEARD = "notices_heard"
NOBODY = "there was nobody to tell"
_DROP = delete(NOTICE_CASES).where(
    NOTICE_CASES.c.pipeline == bindparam("which"), NOTICE_CASES.c.alarm == bindparam("what")
)
_KEPT = ("notice", "person", "way", "state", "attempts", "due", "done", "outcome", "used")
_SHOWN = ("t", "pipeline", "kind", "step", "priority", "subject", "text", "alarms", "facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """A notice and whom it goes to, (person, way) each. `facts` of its alarms, as JSON can hold them."""

    t: int
    pipeline: str
    kind: str
    step: int
    priority: int
    subject: str
    text: str
    alarms: tuple[str, ...]
    facts: Sequence[Mapping[str, Any]]
    recipients: Sequence[tuple[str, str]]


@dataclass(slots=True, kw_only=True)
class Delivery:
    """A notice on its way to one recipient. `id` 0 where it could not be kept. Times ns UTC, `used` of its link."""

    id: int
    notice: int
    content: NewNotice
    person: str
    way: str
    state: str = WAITING
    attempts: int = 0
    due: int = 0
    done: int = 0
    outcome: str = ""
    used: int = 0


class NoticeStore:
    """Keeps cases, notices, deliveries and changes of rosters. All raise StoreError."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def cases(self) -> dict[tuple[str, str], bytes]:
        """Every case, by pipeline and alarm."""
        rows = await self._store.run(lambda c: c.execute(select(NOTICE_CASES)).all())
        return {(pipeline, alarm): data.encode() for pipeline, alarm, data in rows}

    async def keep(
        self, cases: Mapping[tuple[str, str], bytes | None], notices: Sequence[NewNotice], heard: int = 0
    ) -> list[Delivery]:
        """Cases as they are now (None: dropped) and what is to be sent; durable on return.

        `heard`: the time of the last event of an alarm that is in it.
        """

        def work(connection: Connection) -> list[Delivery]:
            if heard:
                keep(connection, _HEARD, heard)
            return _keep(connection, cases, notices)

        return await self._store.run(work)

    async def heard(self) -> int | None:
        """The time up to which events of alarms have been taken in; None where none ever was."""
        found: int | None = await self._store.run(lambda c: setting(c, _HEARD))
        return found

    async def waiting(self) -> list[Delivery]:
        """Deliveries that have not ended, the oldest first."""
        return await self._store.run(lambda c: _deliveries(c, NOTICE_DELIVERIES.c.state == WAITING))

    async def reached(self) -> set[int]:
        """Notices with deliveries still under way of which another has reached somebody."""
        waiting = select(NOTICE_DELIVERIES.c.notice).where(NOTICE_DELIVERIES.c.state == WAITING)
        ended = NOTICE_DELIVERIES.c.state.not_in((WAITING, FAILED)), NOTICE_DELIVERIES.c.notice.in_(waiting)
        return await self._store.run(lambda c: set(c.scalars(select(NOTICE_DELIVERIES.c.notice).where(*ended))))

    async def one(self, delivery: int) -> Delivery | None:
        """A delivery by its id."""
        found = await self._store.run(lambda c: _deliveries(c, NOTICE_DELIVERIES.c.id == delivery))
        return found[0] if found else None

    async def save(self, delivery: Delivery) -> None:
        """How a delivery stands now."""
        values = {name: getattr(delivery, name) for name in ("state", "attempts", "due", "done", "outcome")}
        change = update(NOTICE_DELIVERIES).where(NOTICE_DELIVERIES.c.id == delivery.id).values(**values)
        await self._store.run(lambda c: c.execute(change))

    async def use(self, delivery: int, t: int) -> bool:
        """Take the one use that a link has; False if it was taken."""
        column = NOTICE_DELIVERIES.c
        change = update(NOTICE_DELIVERIES).where(column.id == delivery, column.used == 0).values(used=t)
        return await self._store.run(lambda c: c.execute(change).rowcount == 1)

    async def sent(self, limit: int, before: int | None = None) -> list[Delivery]:
        """The newest deliveries, the newest first."""
        return await self._store.run(lambda c: _newest(c, limit, before))

    async def changes(self, since: int) -> list[RowMapping]:
        """Changes of rosters that end after `since`."""
        query = select(ROSTER_CHANGES).where(ROSTER_CHANGES.c.end > since).order_by(ROSTER_CHANGES.c.id)
        return await self._store.run(lambda c: list(c.execute(query).mappings()))

    async def add_change(self, values: Mapping[str, Any], entry: AuditEntry) -> int:
        """A change of a roster, on record; returns its id."""

        def work(connection: Connection) -> int:
            add_entry(connection, entry)
            return add_numbered(connection, ROSTER_CHANGES, values)

        return await self._store.run(work)

    async def forget(self, before: int) -> int:
        """Drop notices from before a time whose deliveries have ended; returns how many."""
        waiting = select(NOTICE_DELIVERIES.c.notice).where(NOTICE_DELIVERIES.c.state == WAITING)
        old = select(NOTICES.c.id).where(NOTICES.c.t < before, NOTICES.c.id.not_in(waiting))

        def work(connection: Connection) -> int:
            ids = list(connection.scalars(old.limit(10_000)))
            connection.execute(delete(NOTICE_DELIVERIES).where(NOTICE_DELIVERIES.c.notice.in_(ids)))
            connection.execute(delete(NOTICES).where(NOTICES.c.id.in_(ids)))
            return len(ids)

        return await self._store.run(work)


def _keep(
    connection: Connection, cases: Mapping[tuple[str, str], bytes | None], notices: Sequence[NewNotice]
) -> list[Delivery]:
    if cases:
        connection.execute(_DROP, [{"which": pipeline, "what": alarm} for pipeline, alarm in cases])
    kept = [{"pipeline": p, "alarm": a, "data": data.decode()} for (p, a), data in cases.items() if data is not None]
    if kept:
        connection.execute(insert(NOTICE_CASES), kept)
    made = []
    for notice in notices:
        key = add_numbered(connection, NOTICES, _row(notice))
        for delivery in deliveries_of(notice, key):
            values = {name: getattr(delivery, name) for name in _KEPT}
            delivery.id = add_numbered(connection, NOTICE_DELIVERIES, values)
            made.append(delivery)
    return made


def deliveries_of(notice: NewNotice, key: int = 0) -> list[Delivery]:
    """One for each recipient, not kept yet; where there is nobody, one that says so."""
    if not notice.recipients:
        nobody = Delivery(id=0, notice=key, content=notice, person="", way="", state=FAILED, outcome=NOBODY)
        return [replace(nobody, done=notice.t)]
    return [Delivery(id=0, notice=key, content=notice, person=p, way=w, due=notice.t) for p, w in notice.recipients]


def _row(notice: NewNotice) -> dict[str, Any]:
    row = {name: getattr(notice, name) for name in _SHOWN}
    return {**row, "alarms": _text(notice.alarms), "facts": _text(notice.facts)}


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _deliveries(connection: Connection, *where: Any) -> list[Delivery]:
    query = select(NOTICE_DELIVERIES, *(NOTICES.c[name] for name in _SHOWN)).join(NOTICES).where(*where)
    return [_delivery(row) for row in connection.execute(query.order_by(NOTICE_DELIVERIES.c.id)).mappings()]


def _newest(connection: Connection, limit: int, before: int | None) -> list[Delivery]:
    column = NOTICE_DELIVERIES.c
    query = select(NOTICE_DELIVERIES, *(NOTICES.c[name] for name in _SHOWN)).join(NOTICES)
    query = query.where(column.id < before) if before is not None else query
    return [_delivery(row) for row in connection.execute(query.order_by(column.id.desc()).limit(limit)).mappings()]


def _delivery(row: Mapping[Any, Any]) -> Delivery:
    data = {name: row[name] for name in _SHOWN}
    content = {
        **data,
        "alarms": tuple(msgspec.json.decode(data["alarms"])),
        "facts": msgspec.json.decode(data["facts"]),
    }
    kept = {name: row[name] for name in ("id", *_KEPT)}
    return Delivery(content=NewNotice(**content, recipients=()), **kept)
