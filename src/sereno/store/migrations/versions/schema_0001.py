"""People and their ways in, the command journal, audit, settings.

Each step may have been done by an earlier run that was cut off: MariaDB commits every table by itself.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

LONG_TEXT = sa.Text().with_variant(sa.Text(2**32 - 1), "mariadb")
EXACT = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",  # "K1" and "k1 " are not "k1"
}


def upgrade() -> None:
    """Make all tables of the first schema."""
    _people()
    _ways_in()
    _journal()
    _table(
        "settings",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_settings"),
    )


def _table(name: str, *columns: Any, **options: Any) -> None:
    op.create_table(name, *columns, if_not_exists=True, **EXACT, **options)


def _people() -> None:
    _table(
        "users",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("password_changed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
    )
    _table(
        "user_roles",
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "role", name="pk_user_roles"),
        _user("user_roles"),
    )
    _table(
        "roles",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("permissions", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
    )


def _ways_in() -> None:
    _table(
        "sessions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        _user("sessions"),
    )
    _table(
        "tickets",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_tickets"),
        _user("tickets"),
    )
    _table(
        "tokens",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_tokens"),
        sa.UniqueConstraint("id", name="uq_tokens_id"),
        _user("tokens"),
    )
    for table in ("sessions", "tickets", "tokens"):
        op.create_index(f"ix_{table}_user_id", table, ["user_id"], if_not_exists=True)


def _user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE")


def _journal() -> None:
    _table(
        "intents",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("t", sa.BigInteger, nullable=False),
        sa.Column("target", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("command", LONG_TEXT, nullable=False),
        sa.Column("old", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_intents"),
    )
    _table(
        "acks",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("ack", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_acks"),
    )
    op.create_index("ix_acks_key", "acks", ["key"], if_not_exists=True)
    _table(
        "audit",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("t", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("origin", sa.String(200), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target", sa.String(200), nullable=False),
        sa.Column("old", LONG_TEXT, nullable=False),
        sa.Column("new", LONG_TEXT, nullable=False),
        sa.Column("outcome", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_t", "audit", ["t"], if_not_exists=True)
