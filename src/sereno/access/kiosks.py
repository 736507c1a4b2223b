"""Kiosks: wall displays with a link of their own. They show and do nothing else, whoever opens them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from sereno.model import Clock
from sereno.store import kiosks
from sereno.store.audit import AuditEntry, add_entry
from sereno.store.engine import Store
from sereno.store.kiosks import KioskRow

from .actor import Actor, Permission, Right, Role
from .changes import Changes
from .insecure import check_globs
from .opaque import digest, new_secret

PREFIX = "kiosk_"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,47}\Z")
_TOUCH = 60_000_000_000


def kiosk_role(reads: Sequence[str]) -> Role:
    """All that a kiosk may: to see these tags and their history."""
    return Role("kiosk", tuple(Permission(right, glob) for right in (Right.READ, Right.HISTORY) for glob in reads))


class Kiosks:
    """Makes, resolves, lists and revokes kiosks. Their secret is good until then: no time-out, no sign-out."""

    def __init__(self, store: Store, clock: Clock, changes: Changes) -> None:
        self._store = store
        self._clock = clock
        self._changes = changes

    async def add(self, name: str, reads: Sequence[str] = ("*",), *, by: str, origin: str = "") -> str:
        """The secret of a new kiosk's link, shown this once. Raises ValueError (name taken or malformed, no globs)."""
        if not _NAME.match(name):
            raise ValueError(f"kiosk name {name!r}: expected 1 to 48 of a-z, 0-9, '.', '_', '-'")
        globs = check_globs(reads)
        if not globs:
            raise ValueError("a kiosk without tags shows nothing; name some, '*' is all of them")
        secret, now = PREFIX + new_secret(), self._clock.wall_ns()

        def work(connection: Connection) -> None:
            if any(row.name == name for row in kiosks.all_kiosks(connection)):
                raise ValueError(f"there is already a kiosk {name!r}")
            kiosks.add_kiosk(connection, digest(secret), KioskRow(name, globs, by, now, 0, ""))
            add_entry(connection, _entry(now, by, "kiosk.add", name, origin, new=list(globs)))

        await self._store.run(work)
        return secret

    async def actor(self, secret: str, origin: str = "", *, use: bool = True) -> Actor | None:
        """Who a kiosk's secret stands for; None if there is no such kiosk (any more)."""
        now = self._clock.wall_ns()

        def work(connection: Connection) -> Actor | None:
            row = kiosks.find_kiosk(connection, digest(secret))
            if row is None:
                return None
            if use and now - row.seen > _TOUCH:
                kiosks.touch_kiosk(connection, row.name, now, origin)
            return Actor(f"kiosk/{row.name}", (kiosk_role(row.reads),), "kiosk", origin)

        return await self._store.run(work)

    async def all(self) -> list[KioskRow]:
        """Every kiosk, by name."""
        return await self._store.run(kiosks.all_kiosks)

    async def revoke(self, name: str, *, by: str, origin: str = "") -> bool:
        """End a kiosk; its display goes to the sign-in at once. False if there is none."""
        now = self._clock.wall_ns()

        def work(connection: Connection) -> bool:
            row = next((row for row in kiosks.all_kiosks(connection) if row.name == name), None)
            if row is None:
                return False
            kiosks.drop_kiosk(connection, name)
            add_entry(connection, _entry(now, by, "kiosk.revoke", name, origin, old=list(row.reads)))
            return True

        dropped = await self._store.run(work)
        self._changes.announce()
        return dropped


def _entry(t: int, by: str, action: str, name: str, origin: str, **values: Any) -> AuditEntry:
    return AuditEntry(t=t, actor=by, action=action, target=f"kiosk/{name}", origin=origin, **values)
