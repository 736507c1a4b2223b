"""Triggers that refuse to change or delete records: against mistakes, not against whoever owns the database."""

from __future__ import annotations

from sqlalchemy import Connection, text

REASON = "audit records are never changed or deleted"

_SQLITE = (
    f"CREATE TRIGGER IF NOT EXISTS audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, '{REASON}'); END",
    f"CREATE TRIGGER IF NOT EXISTS audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, '{REASON}'); END",
    "CREATE TRIGGER IF NOT EXISTS audit_in_order BEFORE INSERT ON audit "
    "WHEN NEW.id <> (SELECT COALESCE(MAX(id), 0) + 1 FROM audit) "
    "BEGIN SELECT RAISE(ABORT, 'new audit records take the next number'); END",
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN RAISE EXCEPTION '{REASON}'; END $$",
    "DROP TRIGGER IF EXISTS audit_no_change ON audit",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)
_MARIADB = tuple(
    f"CREATE TRIGGER IF NOT EXISTS audit_no_{verb} BEFORE {verb} ON audit FOR EACH ROW "
    f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{REASON}'"
    for verb in ("update", "delete")
)


def protect(connection: Connection) -> None:
    """Make the triggers; those that are there stay. MariaDB has none for TRUNCATE: the anchor sees that."""
    name = connection.dialect.name
    for statement in {"sqlite": _SQLITE, "postgresql": _POSTGRESQL, "mariadb": _MARIADB}[name]:
        connection.execute(text(statement))


def protect_logbook(connection: Connection) -> None:
    """The same for the entries of the logbook."""
    reason = "entries of the logbook are never changed or deleted"
    name = connection.dialect.name
    verbs = ("UPDATE", "DELETE")
    statements = {
        "sqlite": [
            f"CREATE TRIGGER IF NOT EXISTS logbook_no_{verb.lower()} BEFORE {verb} ON logbook "
            f"BEGIN SELECT RAISE(ABORT, '{reason}'); END"
            for verb in verbs
        ],
        "postgresql": [
            "CREATE OR REPLACE FUNCTION logbook_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{reason}'; END $$",
            "DROP TRIGGER IF EXISTS logbook_no_change ON logbook",
            "CREATE TRIGGER logbook_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON logbook "
            "FOR EACH STATEMENT EXECUTE FUNCTION logbook_refuse()",
        ],
        "mariadb": [
            f"CREATE TRIGGER IF NOT EXISTS logbook_no_{verb.lower()} BEFORE {verb} ON logbook FOR EACH ROW "
            f"SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{reason}'"
            for verb in verbs
        ],
    }
    for statement in statements[name]:
        connection.execute(text(statement))
