"""The alarm journal, and the state that each alarm was left in, so that it survives a restart."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

LONG_TEXT = sa.Text().with_variant(sa.Text(2**32 - 1), "mariadb")
EXACT = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "alarm_journal",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("t", sa.BigInteger, nullable=False),
        sa.Column("alarm", sa.String(250), nullable=False),
        sa.Column("event", sa.String(24), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("value", sa.Double, nullable=True),
        sa.Column("quality", sa.Integer, nullable=False),
        sa.Column("t_source", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("note", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alarm_journal"),
        if_not_exists=True,
        **EXACT,
    )
    op.create_index("ix_alarm_journal_t", "alarm_journal", ["t"], if_not_exists=True)
    op.create_index("ix_alarm_journal_alarm", "alarm_journal", ["alarm", "id"], if_not_exists=True)
    op.create_table(
        "alarm_states",
        sa.Column("alarm", sa.String(250), nullable=False),
        sa.Column("t", sa.BigInteger, nullable=False),
        sa.Column("code", sa.Integer, nullable=False),
        sa.Column("raised", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Double, nullable=True),
        sa.Column("quality", sa.Integer, nullable=False),
        sa.Column("t_source", sa.BigInteger, nullable=False),
        sa.Column("shelved_until", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("note", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("alarm", name="pk_alarm_states"),
        if_not_exists=True,
        **EXACT,
    )
