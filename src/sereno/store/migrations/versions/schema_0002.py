"""The audit as a chain: comment and command beside what was there, a keyed hash in every record, no way to change one.

Each step may have been done by an earlier run that was cut off: MariaDB commits every change of a table by itself.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sereno.store.append_only import protect
from sereno.store.audit_chain import CONTENT, FIRST, TURN, AuditChain, Link, record_hash

revision = "0002"
down_revision = "0001"

LONG_TEXT = sa.Text().with_variant(sa.Text(2**32 - 1), "mariadb")
AT_ONCE = 500
AUDIT = sa.table(
    "audit", sa.column("id"), *(sa.column(name) for name in CONTENT), sa.column("key_id"), sa.column("hash")
)
SETTINGS = sa.table("settings", sa.column("key"), sa.column("value"))


def upgrade() -> None:
    """Add the columns, chain the records that are there, then refuse every change of a record."""
    bind = op.get_bind()
    _columns(bind)
    if bind.scalar(sa.select(SETTINGS.c.key).where(SETTINGS.c.key == TURN)) is None:
        bind.execute(sa.insert(SETTINGS).values(key=TURN, value='{"format":1}'))
    chain: AuditChain = bind.get_execution_options()["audit_chain"]
    last = _chained(bind)
    while (rows := _unchained(bind)) != []:
        for row in rows:
            last = _link(bind, chain, last, row)
    protect(bind)


def _columns(bind: sa.Connection) -> None:
    present = {column["name"] for column in sa.inspect(bind).get_columns("audit")}
    added = (
        sa.Column("comment", LONG_TEXT, nullable=False, server_default=""),
        sa.Column("command", sa.String(200), nullable=False, server_default=""),
        sa.Column("key_id", sa.String(16), nullable=False, server_default=""),
        sa.Column("hash", sa.String(64), nullable=False, server_default=""),
    )
    for column in added:
        if column.name not in present:
            op.add_column("audit", column)
    op.create_index("ix_audit_command", "audit", ["command"], if_not_exists=True)


def _chained(bind: sa.Connection) -> Link:
    """The last record that an earlier run chained."""
    query = sa.select(AUDIT.c.id, AUDIT.c.hash).where(AUDIT.c.hash != "").order_by(AUDIT.c.id.desc()).limit(1)
    row = bind.execute(query).first()
    return FIRST if row is None else Link(row.id, row.hash)


def _unchained(bind: sa.Connection) -> list[sa.Row[tuple[object, ...]]]:
    return list(bind.execute(sa.select(AUDIT).where(AUDIT.c.hash == "").order_by(AUDIT.c.id).limit(AT_ONCE)))


def _link(bind: sa.Connection, chain: AuditChain, last: Link, row: sa.Row[tuple[object, ...]]) -> Link:
    """Give a record its number, counted without gaps, and its hash."""
    found = row._mapping
    content = [found[name] for name in CONTENT]
    name = chain.key
    link = Link(last.seq + 1, record_hash(chain.keys.known[name], last, name, content))
    values = {"id": link.seq, "key_id": name, "hash": link.hash}
    bind.execute(sa.update(AUDIT).where(AUDIT.c.id == found["id"]).values(values))
    return link
