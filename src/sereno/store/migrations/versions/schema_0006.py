"""The device database: what is known of devices, and every change of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

LONG_TEXT = sa.Text().with_variant(sa.Text(2**32 - 1), "mariadb")
EXACT = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "device_facts",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("value", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("kind", "owner", "name", name="pk_device_facts"),
        if_not_exists=True,
        **EXACT,
    )
    op.create_table(
        "device_changes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("t", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("old", LONG_TEXT, nullable=False),
        sa.Column("new", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_device_changes"),
        if_not_exists=True,
        **EXACT,
    )
    op.create_index("ix_device_changes_owner", "device_changes", ["owner", "id"], if_not_exists=True)
