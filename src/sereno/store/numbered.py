"""Rows that the database numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, insert


def add_numbered(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Add a row; the number that it got."""
    key = connection.execute(insert(table).values(**values)).inserted_primary_key
    assert key is not None
    return int(key[0])
