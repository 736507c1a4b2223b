"""Tokens for programs: `srn_...`, kept as digests, scoped by one role, expiring, never beyond their owner's rights."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import Connection

from sereno.model import Clock, NotFoundError
from sereno.store import people, ways_in
from sereno.store.audit import AuditEntry, add_entry
from sereno.store.engine import Store
from sereno.store.ways_in import TokenRow

from .actor import Actor
from .changes import Changes
from .opaque import TOKEN_PREFIX, digest, new_secret
from .roles import role_named, roles_named

LONGEST_LIFE = 366 * 86400.0


class Tokens:
    """Issues, resolves, lists and revokes tokens."""

    def __init__(self, store: Store, clock: Clock, changes: Changes) -> None:
        self._store = store
        self._clock = clock
        self._changes = changes

    async def issue(
        self, owner: str, name: str, role: str, lifetime: float, *, by: str = "", origin: str = ""
    ) -> tuple[TokenRow, str]:
        """A token and its secret, which is shown this once. `lifetime` seconds, at most a year.

        On record as an act of `by`, its owner if not given.
        Raises NotFoundError for an unknown owner or role, ValueError for a bad name or lifetime.
        """
        if not (0 < len(name) <= 64 and name.isprintable()):
            raise ValueError(f"token name {name!r}: expected 1 to 64 printable characters")
        if not 0 < lifetime <= LONGEST_LIFE:
            raise ValueError(f"token lifetime of {lifetime:g} s, expected more than 0 and at most a year")
        secret = TOKEN_PREFIX + new_secret()
        now = self._clock.wall_ns()

        def work(connection: Connection) -> TokenRow:
            user = people.user_named(connection, owner)
            if user is None:
                raise NotFoundError(f"there is no user {owner!r}")
            if role_named(connection, role) is None:
                raise NotFoundError(f"there is no role {role!r}")
            row = TokenRow(
                id=secrets.token_hex(4),
                name=name,
                user_id=user.id,
                user=user.name,
                disabled=user.disabled,
                role=role,
                created=now,
                expires=now + int(lifetime * 1e9),
            )
            ways_in.add_token(connection, digest(secret), row)
            add_entry(connection, _entry(now, by or owner, "token.add", row, origin, new=_facts(row)))
            return row

        return await self._store.run(work), secret

    async def actor(self, secret: str, origin: str = "") -> Actor | None:
        """Who this token stands for, with its rights of this moment; None if it is unknown, run out or revoked."""
        if not secret.startswith(TOKEN_PREFIX):
            return None
        now = self._clock.wall_ns()
        return await self._store.run(lambda c: _resolve(c, digest(secret), now, origin))

    async def revoke(self, token_id: str, *, by: str = "", origin: str = "") -> bool:
        """End a token by its id, on record as an act of `by`, its owner if not given; False if there is none."""
        now = self._clock.wall_ns()

        def work(connection: Connection) -> bool:
            row = next((row for row in ways_in.all_tokens(connection) if row.id == token_id), None)
            if row is None:
                return False
            ways_in.drop_token(connection, token_id)
            add_entry(connection, _entry(now, by or row.user, "token.revoke", row, origin, old=_facts(row)))
            return True

        dropped = await self._store.run(work)
        self._changes.announce()
        return dropped

    async def all(self) -> list[TokenRow]:
        """Every token, the oldest first, without secrets."""
        return await self._store.run(ways_in.all_tokens)


def _facts(row: TokenRow) -> dict[str, Any]:
    return {"role": row.role, "expires_ns": row.expires}


def _entry(t: int, by: str, action: str, row: TokenRow, origin: str, **values: Any) -> AuditEntry:
    return AuditEntry(t=t, actor=by, action=action, target=f"{row.user}:{row.name}", origin=origin, **values)


def _resolve(connection: Connection, key: str, now: int, origin: str) -> Actor | None:
    row = ways_in.find_token(connection, key)
    if row is None or row.disabled or row.expires <= now:
        return None
    owner = roles_named(connection, people.role_names(connection, row.user_id))
    return Actor(f"{row.user}:{row.name}", roles_named(connection, [row.role]), "token", origin, bound=owner)
