"""The book of sequences: what was asked, how it fares, what was taken. In SQL, durable when a method returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Table, create_engine, event, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from sereno.model import NotFoundError, OperationError, RefusedError

from .model import Album, Entry, Image, Plan, Sequence, Slot, Target
from .status import Event, Status, after
from .tables import ACCOUNTS, ALBUMS, CHANGES, IMAGES, IMAGES_BY_TIME, META, METADATA, PLANS, SCHEMA, SEQUENCES, TRIES

T = TypeVar("T")
_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000")


class Book:
    """Opens or makes the database: a file, or an SQLAlchemy URL. Blocks; one thread. Raises OperationError."""

    def __init__(self, where: str | Path) -> None:
        self._engine = _engine(where)
        self._work(self._prepare)

    def close(self) -> None:
        """Free the database."""
        self._engine.dispose()

    def add(self, sequences: Iterable[Sequence], t_ns: int, levels: Mapping[str, str] | None = None) -> list[int]:
        """Note sequences, all or none; their numbers. The observers that `levels` has are accounts of these levels."""
        listed, known = list(sequences), levels or {}

        def work(c: Connection) -> list[int]:
            numbers = [_added(c, one, t_ns) for one in listed]
            owned = [(number, one.observer) for number, one in zip(numbers, listed, strict=True)]
            rows = [{"sequence": n, "account": who, "level": known[who]} for n, who in owned if who in known]
            if rows:
                c.execute(insert(ACCOUNTS), rows)
            return numbers

        return self._work(work)

    def account(self, number: int) -> str:
        """In whose name a sequence was asked for, "" where that is not known. Raises NotFoundError."""
        self.entry(number)
        asked = select(ACCOUNTS.c.account).where(ACCOUNTS.c.sequence == number)
        return self._work(lambda c: c.execute(asked).scalar()) or ""

    def accounts(self, since: int) -> dict[str, str]:
        """Those who have anything that is not over or that was taken since ns UTC, by name, with the last level of it.

        "" where there was none.
        """
        present = select(ACCOUNTS).join(SEQUENCES, SEQUENCES.c.id == ACCOUNTS.c.sequence).where(_counts(since))
        asked = present.order_by(ACCOUNTS.c.account, ACCOUNTS.c.level != "", ACCOUNTS.c.sequence)
        return self._work(lambda c: {row.account: row.level for row in c.execute(asked)})

    def of_account(self, account: str, since: int) -> list[Entry]:
        """What an account has that is not over, or of which images were taken since ns UTC."""
        mine = select(ACCOUNTS.c.sequence).where(ACCOUNTS.c.account == account)
        return self._work(lambda c: _entries(c, SEQUENCES.c.id.in_(mine) & _counts(since)))

    def entry(self, number: int) -> Entry:
        """One sequence with its images. Raises NotFoundError."""
        found = self._work(lambda c: _entries(c, SEQUENCES.c.id == number))
        if not found:
            raise NotFoundError(f"there is no sequence {number}")
        return found[0]

    def newest(self, status: Status | None = None, limit: int = 100) -> list[Entry]:
        """The newest sequences, newest first."""
        return self._work(lambda c: _entries(c, None if status is None else SEQUENCES.c.status == status, limit))

    def of_status(self, *statuses: Status) -> list[Entry]:
        """All of these statuses, newest first."""
        return self._work(lambda c: _entries(c, SEQUENCES.c.status.in_(statuses)))

    def happen(self, number: int, event: Event, t_ns: int, why: str = "") -> Status:
        """Something happens to a sequence; its new status. Raises NotFoundError, RefusedError."""
        return self._work(lambda c: _changed(c, number, event, t_ns, why))

    def retry(self, number: int, t_ns: int, why: str, most: int) -> Status:
        """As `happen` for RETRY, on record as a try; the last of `most` tries has failed for good."""

        def work(c: Connection) -> Status:
            tries = 1 + (c.execute(select(func.count()).where(TRIES.c.sequence == number)).scalar() or 0)
            event = Event.RETRY if tries < most else Event.FAIL
            status = _changed(c, number, event, t_ns, f"{why}; try {tries} of {most}")
            c.execute(insert(TRIES).values(sequence=number, t_tried=t_ns, why=why))
            return status

        return self._work(work)

    def start(self, number: int, t_ns: int) -> Entry:
        """Begin to execute; refused while another one is executed, or outside its window."""

        def work(c: Connection) -> None:
            busy = c.execute(select(SEQUENCES.c.id).where(SEQUENCES.c.status == Status.EXECUTING)).scalar()
            if busy is not None:
                raise RefusedError(f"sequence {busy} is executed")
            window = c.execute(select(SEQUENCES.c.t_start, SEQUENCES.c.t_end).where(SEQUENCES.c.id == number)).first()
            if window is not None and not window.t_start <= t_ns < window.t_end:
                raise RefusedError(f"it is not within the window of sequence {number}")
            _changed(c, number, Event.START, t_ns, "")

        self._work(work)
        return self.entry(number)

    def record(self, number: int, image: Image) -> None:
        """Note an image; the same one again changes nothing. Raises NotFoundError."""

        def work(c: Connection) -> None:
            slot = image.slot
            key = {"sequence": number, "album": slot.album, "plan": slot.plan, "number": slot.number}
            known = select(IMAGES.c.file).where(*(IMAGES.c[name] == value for name, value in key.items()))
            if c.execute(known).first() is None:
                rest = msgspec.to_builtins(image)
                del rest["slot"]
                c.execute(insert(IMAGES).values(**key, **rest))

        try:
            self._work(work)
        except IntegrityError:
            raise NotFoundError(f"there is no sequence {number}") from None

    def expire(self, t_ns: int) -> list[int]:
        """Those that wait and whose window is over."""

        def work(c: Connection) -> list[int]:
            waits = SEQUENCES.c.status.in_((Status.TOBEPLANNED, Status.PLANNED, Status.UNPLANNABLE))
            over = list(c.execute(select(SEQUENCES.c.id).where(waits, SEQUENCES.c.t_end <= t_ns)).scalars())
            for number in over:
                _changed(c, number, Event.EXPIRE, t_ns, "; ".join(("its window is over", *_last_try(c, number))))
            return over

        return self._work(work)

    def changes(self, number: int) -> list[tuple[int, str, str]]:
        """How a sequence has fared: (ns UTC, status, why), oldest first."""
        asked = select(CHANGES).where(CHANGES.c.sequence == number).order_by(CHANGES.c.number)
        rows = self._work(lambda c: c.execute(asked).all())
        return [(row.t_changed, row.status, row.why) for row in rows]

    def _work(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise OperationError(f"database of the sequences {self._engine.url.database}: {error.orig}") from error

    def _prepare(self, connection: Connection) -> None:
        METADATA.create_all(connection)
        IMAGES_BY_TIME.create(connection, checkfirst=True)
        known = connection.execute(select(META.c.value).where(META.c.name == "schema")).scalar()
        if known is None:
            connection.execute(insert(META).values(name="schema", value=str(SCHEMA)))
        elif int(known) > SCHEMA:
            raise OperationError(
                f"{self._engine.url.database} is of a later version (form {known}, this knows {SCHEMA}); "
                "run the version that wrote it"
            )


def _engine(where: str | Path) -> Engine:
    text = str(where)
    if "://" in text:
        return create_engine(text)
    path = Path(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}; expected a folder that may be written to") from None
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _configure(raw: Any, _record: Any) -> None:
    raw.isolation_level = None
    for pragma in _PRAGMAS:
        raw.execute(f"PRAGMA {pragma}")


def _added(c: Connection, one: Sequence, t_ns: int) -> int:
    target = "" if one.target is None else msgspec.json.encode(one.target).decode()
    plain = {name: getattr(one, name) for name in ("name", "program", "observer", "priority", "duration")}
    window = {"t_start": one.t_start, "t_end": one.t_end, "t_changed": t_ns}
    row = insert(SEQUENCES).values(**plain, **window, target=target, status=Status.TOBEPLANNED, why="")
    made = c.execute(row).inserted_primary_key
    assert made is not None
    number: int = made[0]
    for a, album in enumerate(one.albums):
        c.execute(insert(ALBUMS).values(sequence=number, position=a, detector=album.detector, name=album.name))
        for p, plan in enumerate(album.plans):
            c.execute(insert(PLANS).values(sequence=number, album=a, position=p, **msgspec.to_builtins(plan)))
    _note(c, number, Status.TOBEPLANNED, t_ns, "")
    return number


def _changed(c: Connection, number: int, event: Event, t_ns: int, why: str) -> Status:
    known = c.execute(select(SEQUENCES.c.status).where(SEQUENCES.c.id == number)).scalar()
    if known is None:
        raise NotFoundError(f"there is no sequence {number}")
    status = after(Status(known), event)
    c.execute(update(SEQUENCES).where(SEQUENCES.c.id == number).values(status=status, why=why, t_changed=t_ns))
    _note(c, number, status, t_ns, why)
    return status


def _last_try(c: Connection, number: int) -> list[str]:
    """Why it was not executed before, if it was tried."""
    asked = select(TRIES.c.why).where(TRIES.c.sequence == number).order_by(TRIES.c.number.desc()).limit(1)
    return list(c.execute(asked).scalars())


def _counts(since: int) -> ColumnElement[bool]:
    """Sequences that are not over, or of which images were taken since ns UTC."""
    taken = select(IMAGES.c.sequence).where(IMAGES.c.t_start >= since)
    return SEQUENCES.c.status.in_([status for status in Status if not status.final]) | SEQUENCES.c.id.in_(taken)


def _note(c: Connection, number: int, status: Status, t_ns: int, why: str) -> None:
    c.execute(insert(CHANGES).values(sequence=number, t_changed=t_ns, status=status, why=why))


def _entries(c: Connection, where: Any, limit: int | None = None) -> list[Entry]:
    """Sequences with all that belongs to them, in five questions however many they are."""
    asked = select(SEQUENCES).order_by(SEQUENCES.c.id.desc()).limit(limit)
    asked = asked if where is None else asked.where(where)
    rows = c.execute(asked).all()
    if not rows:
        return []
    wanted = asked.with_only_columns(SEQUENCES.c.id).subquery()
    parts = [_by_sequence(c, table, wanted) for table in (ALBUMS, PLANS, IMAGES, TRIES)]
    return [_entry(row, *(part.get(row.id, []) for part in parts)) for row in rows]


def _by_sequence(c: Connection, table: Table, wanted: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    asked = select(table).join(wanted, table.c.sequence == wanted.c.id).order_by(*table.primary_key.columns)
    for one in c.execute(asked):
        found.setdefault(one.sequence, []).append(one)
    return found


def _entry(row: Any, albums: list[Any], plans: list[Any], images: list[Any], tries: list[Any]) -> Entry:
    planned: dict[int, list[Plan]] = {}
    for one in plans:
        fields = {name: getattr(one, name) for name in Plan.__struct_fields__}
        planned.setdefault(one.album, []).append(msgspec.convert(fields, Plan))
    listed = tuple(Album(detector=one.detector, name=one.name, plans=tuple(planned[one.position])) for one in albums)
    plain = {name: getattr(row, name) for name in ("name", "program", "observer", "priority", "duration")}
    target = msgspec.json.decode(row.target, type=Target) if row.target else None
    return Entry(
        id=row.id,
        sequence=Sequence(**plain, albums=listed, t_start=row.t_start, t_end=row.t_end, target=target),
        status=Status(row.status),
        why=row.why,
        t_changed=row.t_changed,
        images=tuple(_image(one) for one in images),
        tries=len(tries),
        t_tried=tries[-1].t_tried if tries else 0,
    )


def _image(row: Any) -> Image:
    return Image(
        slot=Slot(row.album, row.plan, row.number),
        file=row.file,
        t_start=row.t_start,
        seconds=row.seconds,
        detector=row.detector,
        filter=row.filter,
        note=row.note,
    )
