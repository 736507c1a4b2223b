"""Rows of kiosks: wall displays that only show."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from .generation import advance
from .tables import KIOSKS


@dataclass(frozen=True, slots=True)
class KioskRow:
    """A kiosk: the globs that it shows, who made it, when and from where it was last used (ns UTC, 0 = never)."""

    name: str
    reads: tuple[str, ...]
    creator: str
    created: int
    seen: int
    origin: str


def add_kiosk(connection: Connection, digest: str, row: KioskRow) -> None:
    """A new kiosk. The name must be free."""
    reads = msgspec.json.encode(row.reads).decode()
    values = {"name": row.name, "digest": digest, "reads": reads, "creator": row.creator, "created": row.created}
    connection.execute(insert(KIOSKS).values({**values, "seen": row.seen, "origin": row.origin}))


def find_kiosk(connection: Connection, digest: str) -> KioskRow | None:
    """The kiosk with this digest."""
    row = connection.execute(_ROWS.where(KIOSKS.c.digest == digest)).first()
    return None if row is None else _row(*row)


def all_kiosks(connection: Connection) -> list[KioskRow]:
    """Every kiosk, by name."""
    return [_row(*row) for row in connection.execute(_ROWS.order_by(KIOSKS.c.name))]


def touch_kiosk(connection: Connection, name: str, now: int, origin: str) -> None:
    """It was used."""
    connection.execute(update(KIOSKS).where(KIOSKS.c.name == name).values(seen=now, origin=origin[:200]))


def drop_kiosk(connection: Connection, name: str) -> bool:
    """Delete a kiosk; False if there was none."""
    advance(connection)
    return connection.execute(delete(KIOSKS).where(KIOSKS.c.name == name)).rowcount > 0


_ROWS = select(KIOSKS.c.name, KIOSKS.c.reads, KIOSKS.c.creator, KIOSKS.c.created, KIOSKS.c.seen, KIOSKS.c.origin)


def _row(name: str, reads: str, creator: str, created: int, seen: int, origin: str) -> KioskRow:  # noqa: PLR0917 - the columns
    return KioskRow(name, msgspec.json.decode(reads, type=tuple[str, ...]), creator, created, seen, origin)
