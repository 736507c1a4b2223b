"""A mark that changes with every change of people, rights and ways in, whichever process makes it."""

from __future__ import annotations

import secrets

from sqlalchemy import Connection

from .settings import keep, setting

_KEY = "access_generation"


def advance(connection: Connection) -> None:
    """Part of the transaction that changes something. A random mark: two processes never make the same one."""
    keep(connection, _KEY, secrets.token_hex(8))


def present(connection: Connection) -> str:
    """The mark of this moment; whoever sees another one than before asks for rights again."""
    return str(setting(connection, _KEY) or "")
