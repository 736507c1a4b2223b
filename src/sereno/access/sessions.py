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
from .session_limits import RoleLimits, SessionLimits

_TOUCH = 60_000_000_000


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: the secret for the cookie (shown once), who it is, when it ends at the latest (ns UTC).

    `once`: the password that was given may only be changed.
    """

    secret: str
    user: str
    expires: int
    once: bool = False


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
        secret = new_secret()

        def work(connection: Connection) -> SignedIn:
            row = people.user_named(connection, user)
            if row is None or row.disabled:
                raise DeniedError(f"{user!r} may not sign in")
            ways_in.sweep(connection, now, now - int(self.limits.longest_idle * 1e9))
            expires = now + int(self.limits.of(row.roles).absolute * 1e9)
            ways_in.add_session(connection, digest(secret), row.id, now, expires, origin)
            return SignedIn(secret, user, expires, row.once)

        return await self._store.run(work)

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

        def work(connection: Connection) -> list[SessionRow]:
            held = {row.name: self.limits.of(row.roles) for row in people.all_users(connection)}
            return [row for row in ways_in.all_sessions(connection) if _holds(row, held[row.user], now)]

        return await self._store.run(work)

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

    def _resolve(self, connection: Connection, key: str, now: int, origin: str, use: bool) -> Actor | None:
        row = ways_in.find_session(connection, key)
        if row is None:
            return None
        names = people.role_names(connection, row.user_id)
        if not _holds(row, self.limits.of(names), now):
            ways_in.end_session(connection, key)
            return None
        if use and now - row.seen > _TOUCH:
            ways_in.touch_session(connection, key, now)
        roles = () if row.once else roles_named(connection, names)
        return Actor(row.user, roles, "person", origin)


def _holds(row: SessionRow, limits: RoleLimits, now: int) -> bool:
    since = now - int(limits.absolute * 1e9), now - int(limits.idle * 1e9)
    return not row.disabled and row.expires > now and row.created > since[0] and row.seen > since[1]
