"""Sessions of browsers and one-time sign-in links: opaque secrets, kept as digests, with two time-outs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from sereno.model import Clock, DeniedError, NotFoundError
from sereno.store import people, ways_in
from sereno.store.audit import AuditEntry, add_entry
from sereno.store.engine import Store
from sereno.store.ways_in import SessionRow

from .actor import Actor
from .changes import Changes
from .opaque import digest, new_secret
from .roles import roles_named

_TOUCH = 60_000_000_000


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Seconds: a session ends `idle` after its last request and `absolute` after sign-in; links live `ticket`."""

    idle: float = 8 * 3600.0
    absolute: float = 24 * 3600.0
    ticket: float = 300.0


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: the secret for the cookie (shown once), who it is, when it ends at the latest (ns UTC)."""

    secret: str
    user: str
    expires: int


def session_id(digest: str) -> str:
    """The name of a session in lists: says nothing about its secret."""
    return digest[:16]


class Sessions:
    """Opens, resolves and ends sessions."""

    def __init__(self, store: Store, clock: Clock, changes: Changes, limits: SessionLimits) -> None:
        self._store = store
        self._clock = clock
        self._changes = changes
        self.limits = limits

    async def open(self, user: str, origin: str) -> SignedIn:
        """A session for a person who has proved who they are. Raises DeniedError if they are disabled or gone."""
        now = self._clock.wall_ns()
        made = SignedIn(new_secret(), user, now + int(self.limits.absolute * 1e9))

        def work(connection: Connection) -> None:
            row = people.user_named(connection, user)
            if row is None or row.disabled:
                raise DeniedError(f"{user!r} may not sign in")
            ways_in.sweep(connection, now, self._idle_since(now))
            ways_in.add_session(connection, digest(made.secret), row.id, now, made.expires, origin)

        await self._store.run(work)
        return made

    async def actor(self, secret: str, origin: str = "", *, use: bool = True) -> Actor | None:
        """Who this session belongs to, with their rights of this moment; None if it has ended.

        `use=False` asks without counting as activity (an open page that only watches).
        """
        now = self._clock.wall_ns()
        return await self._store.run(lambda c: self._resolve(c, digest(secret), now, origin, use))

    async def end(self, secret: str) -> bool:
        """Sign out; False if there was no such session."""
        ended = await self._store.run(lambda c: ways_in.end_session(c, digest(secret)))
        self._changes.announce()
        return ended

    async def all(self) -> list[SessionRow]:
        """Every session that still holds, the one used last first; `session_id` names one."""
        now = self._clock.wall_ns()
        rows = await self._store.run(ways_in.all_sessions)
        return [r for r in rows if r.expires > now and r.seen > self._idle_since(now) and not r.disabled]

    async def revoke(self, name: str, *, owner: str = "", by: str = "", origin: str = "") -> str | None:
        """End the session with this `session_id` (of `owner`, if given): whose it was, None if there is none.

        On record as an act of `by`, the session's person if not given.
        """
        entry = AuditEntry(t=self._clock.wall_ns(), actor=by, action="session.revoke", origin=origin)

        def work(connection: Connection) -> str | None:
            for row in ways_in.all_sessions(connection):
                if session_id(row.digest) == name and owner in ("", row.user):
                    ways_in.end_session(connection, row.digest)
                    old = {"session": name, "from": row.origin}
                    add_entry(connection, replace(entry, actor=by or row.user, target=row.user, old=old))
                    return row.user
            return None

        user = await self._store.run(work)
        self._changes.announce()
        return user

    async def ticket(self, user: str) -> str:
        """The secret of a sign-in link for `user`: works once, for a short time. Raises NotFoundError."""
        secret = new_secret()
        expires = self._clock.wall_ns() + int(self.limits.ticket * 1e9)

        def work(connection: Connection) -> None:
            row = people.user_named(connection, user)
            if row is None:
                raise NotFoundError(f"there is no user {user!r}")
            ways_in.add_ticket(connection, digest(secret), row.id, expires)

        await self._store.run(work)
        return secret

    async def redeem(self, ticket: str) -> str | None:
        """Use a sign-in link up: whose it is, or None."""
        now = self._clock.wall_ns()
        return await self._store.run(lambda c: ways_in.take_ticket(c, digest(ticket), now))

    def _idle_since(self, now: int) -> int:
        return now - int(self.limits.idle * 1e9)

    def _resolve(self, connection: Connection, key: str, now: int, origin: str, use: bool) -> Actor | None:
        row = ways_in.find_session(connection, key)
        if row is None:
            return None
        if row.disabled or row.expires <= now or row.seen <= self._idle_since(now):
            ways_in.end_session(connection, key)
            return None
        if use and now - row.seen > _TOUCH:
            ways_in.touch_session(connection, key, now)
        roles = roles_named(connection, people.role_names(connection, row.user_id))
        return Actor(row.user, roles, "person", origin)
