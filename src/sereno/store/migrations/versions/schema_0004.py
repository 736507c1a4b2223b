"""Kiosks; people whose password is good once, who were recovered at the console, or who come from a provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

LONG_TEXT = sa.Text().with_variant(sa.Text(2**32 - 1), "mariadb")
EXACT = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


def upgrade() -> None:
    """Make the table, add the columns; those that an earlier run has made are left as they are."""
    present = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("users")}
    for column in (
        sa.Column("password_once", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("recovered", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("subject", sa.String(400), nullable=False, server_default=""),
    ):
        if column.name not in present:
            op.add_column("users", column)
    op.create_table(
        "kiosks",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("reads", LONG_TEXT, nullable=False),
        sa.Column("creator", sa.String(200), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_kiosks"),
        sa.UniqueConstraint("digest", name="uq_kiosks_digest"),
        if_not_exists=True,
        **EXACT,
    )
