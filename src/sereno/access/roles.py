"""Roles by name: the built-in ones, and own ones kept in the database."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection

from sereno.store.people import own_role

from .actor import ROLES, Permission, Right, Role


def roles_named(connection: Connection, names: Iterable[str]) -> tuple[Role, ...]:
    """The roles with these names, sorted by name; a name that no longer exists gives nothing."""
    found = (role_named(connection, name) for name in sorted(set(names)))
    return tuple(role for role in found if role is not None)


def role_named(connection: Connection, name: str) -> Role | None:
    """One role; built-in names cannot be redefined."""
    if name in ROLES:
        return ROLES[name]
    stored = own_role(connection, name)
    return None if stored is None else decode_role(name, stored)


def encode_permissions(role: Role) -> str:
    """A role's permissions as JSON: [[right, glob], ...]."""
    return msgspec.json.encode([[p.right.value, p.glob] for p in role.permissions]).decode()


def decode_role(name: str, permissions: str) -> Role:
    """The role behind stored permissions; a right that this version does not know is left out (default deny)."""
    pairs = msgspec.json.decode(permissions, type=list[tuple[str, str]])
    known = {right.value for right in Right}
    return Role(name, tuple(Permission(Right(right), glob) for right, glob in pairs if right in known))
