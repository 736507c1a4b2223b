"""Rows of sessions, sign-in links and tokens; each is found by the digest of its secret."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select, update

from .generation import advance
from .tables import SESSIONS, TICKETS, TOKENS, USERS


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session with the person it belongs to; times ns UTC. `once`: as of the person."""

    digest: str
    user_id: int
    user: str
    disabled: bool
    created: int
    seen: int
    expires: int
    origin: str
    once: bool = False


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token with the person who answers for it; times ns UTC."""

    id: str
    name: str
    user_id: int
    user: str
    disabled: bool
    role: str
    created: int
    expires: int


def add_session(  # noqa: PLR0917 - the columns in their order
    connection: Connection, digest: str, user_id: int, now: int, expires: int, origin: str
) -> None:
    """A new session."""
    values = {"digest": digest, "user_id": user_id, "created": now, "seen": now, "expires": expires}
    connection.execute(insert(SESSIONS).values({**values, "origin": origin[:200]}))


def find_session(connection: Connection, digest: str) -> SessionRow | None:
    """The session with this digest, whether it has run out or not."""
    s, u = SESSIONS.c, USERS.c
    query = select(s.digest, s.user_id, u.name, u.disabled, s.created, s.seen, s.expires, s.origin, u.password_once)
    row = connection.execute(query.join(USERS).where(s.digest == digest)).first()
    return None if row is None else SessionRow(*row)


def touch_session(connection: Connection, digest: str, now: int) -> None:
    """It was used."""
    connection.execute(update(SESSIONS).where(SESSIONS.c.digest == digest).values(seen=now))


def end_session(connection: Connection, digest: str) -> bool:
    """End one session; False if there was none."""
    advance(connection)
    return connection.execute(delete(SESSIONS).where(SESSIONS.c.digest == digest)).rowcount > 0


def all_sessions(connection: Connection) -> list[SessionRow]:
    """Every session, whether it has run out or not, the one used last first."""
    s, u = SESSIONS.c, USERS.c
    query = select(s.digest, s.user_id, u.name, u.disabled, s.created, s.seen, s.expires, s.origin).join(USERS)
    return [SessionRow(*row) for row in connection.execute(query.order_by(s.seen.desc()))]


def sweep(connection: Connection, now: int, idle_since: int) -> None:
    """Delete sessions and links that have run out, and sessions not used since `idle_since`."""
    old = or_(SESSIONS.c.expires <= now, SESSIONS.c.seen <= idle_since)
    connection.execute(delete(SESSIONS).where(old))
    connection.execute(delete(TICKETS).where(TICKETS.c.expires <= now))


def end_all(connection: Connection) -> None:
    """End every session and every sign-in link."""
    advance(connection)
    for table in (SESSIONS, TICKETS):
        connection.execute(delete(table))


def add_ticket(connection: Connection, digest: str, user_id: int, expires: int) -> None:
    """A new sign-in link."""
    connection.execute(insert(TICKETS).values(digest=digest, user_id=user_id, expires=expires))


def take_ticket(connection: Connection, digest: str, now: int) -> str | None:
    """Use a sign-in link up: the name of its person, or None if it is unknown, used, run out or of a disabled one."""
    query = select(USERS.c.name, USERS.c.disabled, TICKETS.c.expires).join(TICKETS).where(TICKETS.c.digest == digest)
    row = connection.execute(query).first()
    taken = connection.execute(delete(TICKETS).where(TICKETS.c.digest == digest)).rowcount
    return str(row.name) if row is not None and taken and row.expires > now and not row.disabled else None


def add_token(connection: Connection, digest: str, token: TokenRow) -> None:
    """A new token."""
    connection.execute(
        insert(TOKENS).values(
            digest=digest,
            id=token.id,
            name=token.name,
            user_id=token.user_id,
            role=token.role,
            created=token.created,
            expires=token.expires,
        )
    )


def find_token(connection: Connection, digest: str) -> TokenRow | None:
    """The token with this digest, whether it has run out or not."""
    row = connection.execute(_TOKENS.where(TOKENS.c.digest == digest)).first()
    return None if row is None else TokenRow(*row)


def all_tokens(connection: Connection) -> list[TokenRow]:
    """Every token, the oldest first."""
    return [TokenRow(*row) for row in connection.execute(_TOKENS.order_by(TOKENS.c.created))]


def drop_token(connection: Connection, token_id: str) -> bool:
    """Delete a token; False if there was none."""
    advance(connection)
    return connection.execute(delete(TOKENS).where(TOKENS.c.id == token_id)).rowcount > 0


_TOKENS = select(
    TOKENS.c.id,
    TOKENS.c.name,
    TOKENS.c.user_id,
    USERS.c.name,
    USERS.c.disabled,
    TOKENS.c.role,
    TOKENS.c.created,
    TOKENS.c.expires,
).join(USERS)
