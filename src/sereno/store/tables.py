"""Tables as this version reads and writes them. The migrations make them; a test compares the two.

Times are ns UTC. Secrets are never stored, only their digests. JSON columns hold text that `wire` wrote.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text

SCHEMA = "0007"
"""Revision of the newest migration in the package."""

LONG_TEXT = Text().with_variant(Text(2**32 - 1), "mariadb")
"""Text of any length; MariaDB's own TEXT ends at 64 KiB."""

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

USERS = Table(
    "users",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("password", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("password_changed", BigInteger, nullable=False),
    Column("password_once", Boolean, nullable=False),
    Column("recovered", BigInteger, nullable=False),
    Column("subject", String(400), nullable=False),
)

USER_ROLES = Table(
    "user_roles",
    METADATA,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(64), primary_key=True),
)

ROLES = Table(
    "roles",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("permissions", LONG_TEXT, nullable=False),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("origin", String(200), nullable=False),
)

TICKETS = Table(
    "tickets",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires", BigInteger, nullable=False),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("name", String(64), nullable=False),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("role", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)

KIOSKS = Table(
    "kiosks",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("reads", LONG_TEXT, nullable=False),
    Column("creator", String(200), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("origin", String(200), nullable=False),
)

INTENTS = Table(
    "intents",
    METADATA,
    Column("key", String(200), primary_key=True),
    Column("t", BigInteger, nullable=False),
    Column("target", String(200), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("command", LONG_TEXT, nullable=False),
    Column("old", LONG_TEXT, nullable=False),
)

ACKS = Table(
    "acks",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(200), nullable=False, index=True),
    Column("ack", LONG_TEXT, nullable=False),
)

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("t", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("origin", String(200), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(200), nullable=False),
    Column("old", LONG_TEXT, nullable=False),
    Column("new", LONG_TEXT, nullable=False),
    Column("outcome", LONG_TEXT, nullable=False),
    Column("comment", LONG_TEXT, nullable=False),
    Column("command", String(200), nullable=False),
    Column("key_id", String(16), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("ix_audit_t", "t"),
    Index("ix_audit_command", "command"),
    sqlite_autoincrement=True,
)

SETTINGS = Table(
    "settings",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("value", LONG_TEXT, nullable=False),
)

OVERRIDES = Table(
    "overrides",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("path", String(200), primary_key=True),
    Column("value", LONG_TEXT, nullable=False),
    Column("reason", LONG_TEXT, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)

ALARM_JOURNAL = Table(
    "alarm_journal",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("t", BigInteger, nullable=False),
    Column("alarm", String(250), nullable=False),
    Column("event", String(24), nullable=False),
    Column("state", String(24), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("value", Double, nullable=True),
    Column("quality", Integer, nullable=False),
    Column("t_source", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", LONG_TEXT, nullable=False),
    Index("ix_alarm_journal_t", "t"),
    Index("ix_alarm_journal_alarm", "alarm", "id"),
)

ALARM_STATES = Table(
    "alarm_states",
    METADATA,
    Column("alarm", String(250), primary_key=True),
    Column("t", BigInteger, nullable=False),
    Column("code", Integer, nullable=False),
    Column("raised", BigInteger, nullable=False),
    Column("value", Double, nullable=True),
    Column("quality", Integer, nullable=False),
    Column("t_source", BigInteger, nullable=False),
    Column("shelved_until", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("note", LONG_TEXT, nullable=False),
)

DEVICE_FACTS = Table(
    "device_facts",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("owner", String(200), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("value", LONG_TEXT, nullable=False),
)

DEVICE_CHANGES = Table(
    "device_changes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("t", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("owner", String(200), nullable=False),
    Column("name", String(100), nullable=False),
    Column("old", LONG_TEXT, nullable=False),
    Column("new", LONG_TEXT, nullable=False),
    Index("ix_device_changes_owner", "owner", "id"),
)

NOTICES = Table(
    "notices",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("t", BigInteger, nullable=False),
    Column("pipeline", String(60), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("step", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("subject", LONG_TEXT, nullable=False),
    Column("text", LONG_TEXT, nullable=False),
    Column("alarms", LONG_TEXT, nullable=False),
    Column("facts", LONG_TEXT, nullable=False),
    Index("ix_notices_t", "t"),
)

NOTICE_DELIVERIES = Table(
    "notice_deliveries",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("notice", ForeignKey("notices.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("person", String(64), nullable=False),
    Column("way", String(60), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("outcome", LONG_TEXT, nullable=False),
    Column("used", BigInteger, nullable=False),
)

NOTICE_CASES = Table(
    "notice_cases",
    METADATA,
    Column("pipeline", String(60), primary_key=True),
    Column("alarm", String(250), primary_key=True),
    Column("data", LONG_TEXT, nullable=False),
)

ROSTER_CHANGES = Table(
    "roster_changes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("roster", String(60), nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("leaves", String(64), nullable=False),
    Column("takes", String(64), nullable=False),
    Column("t", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("reason", LONG_TEXT, nullable=False),
)

LOGBOOK = Table(
    "logbook",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("t", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("origin", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("subject", String(250), nullable=False),
    Column("refers", Integer, nullable=True),
    Column("text", LONG_TEXT, nullable=False),
    Column("facts", LONG_TEXT, nullable=False),
    Index("ix_logbook_subject", "subject", "id"),
    sqlite_autoincrement=True,
)
