"""Small facts that an installation keeps about itself, as JSON by name."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from .tables import SETTINGS


def setting(connection: Connection, key: str) -> Any:
    """The value kept under `key`, None where there is none."""
    found = connection.scalar(select(SETTINGS.c.value).where(SETTINGS.c.key == key))
    return None if found is None else msgspec.json.decode(found)


def keep(connection: Connection, key: str, value: Any) -> None:
    """Keep a value under `key`, replacing an earlier one."""
    text = msgspec.json.encode(value).decode()
    changed = connection.execute(update(SETTINGS).where(SETTINGS.c.key == key).values(value=text)).rowcount
    if not changed:
        connection.execute(insert(SETTINGS).values(key=key, value=text))


def installation(connection: Connection) -> str:
    """The random name of this installation, made when first asked for. No secret; two installations differ."""
    name = setting(connection, "installation")
    if not isinstance(name, str):
        name = secrets.token_hex(8)
        keep(connection, "installation", name)
    return name
