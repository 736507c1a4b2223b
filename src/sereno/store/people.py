"""Rows of people and of roles made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from .generation import advance
from .tables import ROLES, SESSIONS, TICKETS, USER_ROLES, USERS


@dataclass(frozen=True, slots=True)
class UserRow:
    """A person as stored; `password` is an argon2 hash ("" = has none here), times are ns UTC.

    `once`: the password only lets them choose another one. `recovered`: when that was done at the console, 0 = never.
    `subject`: issuer and subject at the provider that the person comes from, "" for one of this installation.
    """

    id: int
    name: str
    password: str
    disabled: bool
    created: int
    password_changed: int
    once: bool = False
    recovered: int = 0
    subject: str = ""
    roles: tuple[str, ...] = ()


def user_named(connection: Connection, name: str) -> UserRow | None:
    """The person with this name."""
    row = connection.execute(select(USERS).where(USERS.c.name == name)).first()
    return None if row is None else _row(connection, row)


def user_from(connection: Connection, subject: str) -> UserRow | None:
    """The person whom a provider knows by this subject."""
    row = connection.execute(select(USERS).where(USERS.c.subject == subject)).first() if subject else None
    return None if row is None else _row(connection, row)


def all_users(connection: Connection) -> list[UserRow]:
    """Everyone, by name."""
    rows = connection.execute(select(USERS).order_by(USERS.c.name)).all()
    return [_row(connection, row) for row in rows]


def count_users(connection: Connection) -> int:
    """How many there are, the disabled included."""
    return connection.scalar(select(func.count()).select_from(USERS)) or 0


def role_names(connection: Connection, user_id: int) -> tuple[str, ...]:
    """Names of a person's roles, sorted."""
    query = select(USER_ROLES.c.role).where(USER_ROLES.c.user_id == user_id).order_by(USER_ROLES.c.role)
    return tuple(connection.scalars(query))


def add_user(  # noqa: PLR0917 - the columns in their order
    connection: Connection, name: str, password: str, roles: Sequence[str], now: int, subject: str = ""
) -> int:
    """A new person's id. The name must be free."""
    values = {"name": name, "password": password, "disabled": False, "created": now, "password_changed": now}
    values |= {"password_once": False, "recovered": 0, "subject": subject}
    key = connection.execute(insert(USERS).values(values)).inserted_primary_key
    user_id = int(key[0]) if key else 0
    set_roles(connection, user_id, roles)
    return user_id


def set_roles(connection: Connection, user_id: int, roles: Sequence[str]) -> None:
    """Exactly these roles from now on."""
    connection.execute(delete(USER_ROLES).where(USER_ROLES.c.user_id == user_id))
    for role in sorted(set(roles)):
        connection.execute(insert(USER_ROLES).values(user_id=user_id, role=role))
    advance(connection)


def set_password(connection: Connection, user_id: int, password: str, now: int, keep_session: str = "") -> None:
    """A new hash; every session (but the one with the digest `keep_session`) and sign-in link of the person ends."""
    values = {"password": password, "password_changed": now, "password_once": False}
    connection.execute(update(USERS).where(USERS.c.id == user_id).values(values))
    end_ways_in(connection, user_id, keep_session)


def recover(connection: Connection, user_id: int, password: str, now: int) -> None:
    """A password that is good once, for somebody who is let in again whatever shut them out."""
    set_password(connection, user_id, password, now)
    values = {"password_once": True, "recovered": now, "disabled": False}
    connection.execute(update(USERS).where(USERS.c.id == user_id).values(values))


def rehash_password(connection: Connection, user_id: int, password: str) -> None:
    """The same password under newer hash parameters."""
    connection.execute(update(USERS).where(USERS.c.id == user_id).values(password=password))


def set_disabled(connection: Connection, user_id: int, disabled: bool) -> None:
    """Shut a person out, or let them in again; shutting out ends sessions and links."""
    connection.execute(update(USERS).where(USERS.c.id == user_id).values(disabled=disabled))
    if disabled:
        end_ways_in(connection, user_id)
    advance(connection)


def end_ways_in(connection: Connection, user_id: int, keep_session: str = "") -> None:
    """End a person's sessions and sign-in links (tokens stay; they check the person at every use)."""
    for table in (SESSIONS, TICKETS):
        connection.execute(delete(table).where(table.c.user_id == user_id, table.c.digest != keep_session))
    advance(connection)


def own_role(connection: Connection, name: str) -> str | None:
    """Permissions (JSON) of a role that was made by hand."""
    return connection.scalar(select(ROLES.c.permissions).where(ROLES.c.name == name))


def own_roles(connection: Connection) -> dict[str, str]:
    """All roles made by hand: name to permissions (JSON)."""
    return {row.name: row.permissions for row in connection.execute(select(ROLES).order_by(ROLES.c.name))}


def put_own_role(connection: Connection, name: str, permissions: str) -> None:
    """Make or replace a role."""
    connection.execute(delete(ROLES).where(ROLES.c.name == name))
    connection.execute(insert(ROLES).values(name=name, permissions=permissions))
    advance(connection)


def drop_own_role(connection: Connection, name: str) -> bool:
    """Delete a role made by hand; False if there was none."""
    advance(connection)
    return connection.execute(delete(ROLES).where(ROLES.c.name == name)).rowcount > 0


def holders(connection: Connection, role: str) -> list[str]:
    """Names of those who have a role, the disabled left out."""
    query = select(USERS.c.name).join(USER_ROLES).where(USER_ROLES.c.role == role, USERS.c.disabled.is_(False))
    return list(connection.scalars(query.order_by(USERS.c.name)))


def _row(connection: Connection, row: Row[Any]) -> UserRow:
    return UserRow(
        id=row.id,
        name=row.name,
        password=row.password,
        disabled=row.disabled,
        created=row.created,
        password_changed=row.password_changed,
        once=row.password_once,
        recovered=row.recovered,
        subject=row.subject,
        roles=role_names(connection, row.id),
    )
