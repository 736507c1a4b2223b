"""Notices and what became of them, changes of rosters, and the logbook."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sereno.store.append_only import protect_logbook

revision = "0007"
down_revision = "0006"

LONG_TEXT = sa.Text().with_variant(sa.Text(2**32 - 1), "mariadb")
EXACT = {
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_nopad_bin",
}


def upgrade() -> None:
    """Make the tables."""
    _notices()
    op.create_table(
        "roster_changes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("roster", sa.String(60), nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("end", sa.BigInteger, nullable=False),
        sa.Column("leaves", sa.String(64), nullable=False),
        sa.Column("takes", sa.String(64), nullable=False),
        sa.Column("t", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("reason", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_roster_changes"),
        if_not_exists=True,
        **EXACT,
    )
    op.create_table(
        "logbook",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("t", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("origin", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(250), nullable=False),
        sa.Column("refers", sa.Integer, nullable=True),
        sa.Column("text", LONG_TEXT, nullable=False),
        sa.Column("facts", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_logbook"),
        if_not_exists=True,
        sqlite_autoincrement=True,
        **EXACT,
    )
    op.create_index("ix_logbook_subject", "logbook", ["subject", "id"], if_not_exists=True)
    protect_logbook(op.get_bind())


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("t", sa.BigInteger, nullable=False),
        sa.Column("pipeline", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("subject", LONG_TEXT, nullable=False),
        sa.Column("text", LONG_TEXT, nullable=False),
        sa.Column("alarms", LONG_TEXT, nullable=False),
        sa.Column("facts", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notices"),
        if_not_exists=True,
        **EXACT,
    )
    op.create_index("ix_notices_t", "notices", ["t"], if_not_exists=True)
    op.create_table(
        "notice_deliveries",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("notice", sa.Integer, nullable=False),
        sa.Column("person", sa.String(64), nullable=False),
        sa.Column("way", sa.String(60), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("done", sa.BigInteger, nullable=False),
        sa.Column("outcome", LONG_TEXT, nullable=False),
        sa.Column("used", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notice_deliveries"),
        sa.ForeignKeyConstraint(["notice"], ["notices.id"], name="fk_notice_deliveries_notice", ondelete="CASCADE"),
        if_not_exists=True,
        **EXACT,
    )
    for name in ("notice", "state"):
        op.create_index(f"ix_notice_deliveries_{name}", "notice_deliveries", [name], if_not_exists=True)
    op.create_table(
        "notice_cases",
        sa.Column("pipeline", sa.String(60), nullable=False),
        sa.Column("alarm", sa.String(250), nullable=False),
        sa.Column("data", LONG_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("pipeline", "alarm", name="pk_notice_cases"),
        if_not_exists=True,
        **EXACT,
    )
