"""What a start does with the audit: chooses the key, compares chain and anchor, records what does not fit."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, select

from .audit_anchor import Anchor, AnchorFound
from .audit_chain import FIRST, AuditChain, Link, newest
from .audit_verify import FAULT, Finding, Verifier, anchor_findings, lag_findings, rows_of
from .errors import StoreError
from .tables import AUDIT

_log = structlog.get_logger(__name__)


def look(chain: AuditChain) -> AnchorFound:
    """The anchor; for a database in memory none, without fault. Raises StoreError."""
    if chain.file is None:
        return AnchorFound(None)
    try:
        return chain.file.look(chain.keys.known)
    except OSError as error:
        raise StoreError(f"audit anchor {chain.file.path}: {error.strerror}") from error


def prepare(chain: AuditChain, *, chained: bool) -> None:
    """Before the migrations: load the keys; while no record is `chained` yet, an anchor before the first one."""
    chain.keys.load()
    if chained or chain.file is None or chain.file.path.exists():
        return
    if chain.keys.known:
        chain.use(min(chain.keys.known))
    try:
        chain.file.replace(chain.anchor_at(FIRST))
    except OSError as error:
        raise StoreError(f"audit anchor {chain.file.path}: {error.strerror or error}") from error


def begin(connection: Connection, chain: AuditChain) -> list[str]:
    """Make the chain ready to write; returns what does not fit, which is a record of its own from now on.

    Where a crash left records after the anchor, the anchor moves on to them.
    """
    found = look(chain)
    last = newest(connection)
    _choose_key(connection, chain, found, last)
    findings = [] if chain.file is None else _findings(connection, chain, found, last)
    chain.reached, chain.writable = last, True
    for finding in findings:
        text = f"record {finding.seq}: {finding.text}"
        _log.error("the audit does not fit its anchor", finding=text)
        now = chain.clock.wall_ns()
        chain.add(connection, (now, "sereno", "start", FAULT, "audit", "null", "null", text, "", ""))
    if findings or found.anchor is None:
        chain.catch_up(last, anew=True)
    elif last.seq > found.anchor.seq:
        chain.catch_up(last, anew=False)
    return [finding.text for finding in findings]


def catch_up(connection: Connection, chain: AuditChain) -> list[str]:
    """For a copy: move its anchor on to its last record; returns what does not fit, and moves nothing then."""
    found, last = look(chain), newest(connection)
    findings = [] if chain.file is None else _findings(connection, chain, found, last)
    chain.reached = last
    if not findings and found.anchor is not None and last.seq > found.anchor.seq:
        chain.use(found.anchor.key)
        chain.catch_up(last, anew=False)
    return [f"record {finding.seq}: {finding.text}" for finding in findings]


def _choose_key(connection: Connection, chain: AuditChain, found: AnchorFound, last: Link) -> None:
    known = chain.keys.known
    if found.anchor is not None:
        chain.use(found.anchor.key)
        return
    used = connection.scalar(select(AUDIT.c.key_id).where(AUDIT.c.id == last.seq))
    if used in known:
        chain.use(str(used))


def _findings(connection: Connection, chain: AuditChain, found: AnchorFound, last: Link) -> list[Finding]:
    anchor = found.anchor
    if anchor is None:
        return [Finding(last.seq + 1, found.fault)]
    at_anchor = connection.scalar(select(AUDIT.c.hash).where(AUDIT.c.id == anchor.seq)) or ""
    findings = anchor_findings(anchor, last, at_anchor) or lag_findings(anchor, last.seq)
    return findings or _after(connection, chain, anchor)


def _after(connection: Connection, chain: AuditChain, anchor: Anchor) -> list[Finding]:
    """What is wrong with the records after the anchor: only who has the key can have added them."""
    verifier = Verifier(chain.keys.known, AnchorFound(None), Link(anchor.seq, anchor.hash))
    query = select(AUDIT).where(AUDIT.c.id > anchor.seq).order_by(AUDIT.c.id)
    for row in rows_of(connection.execute(query).mappings().all()):
        verifier.feed(row)
    return [f for f in verifier.finish().findings if "a start found then" not in f.text][:1]
