"""The chain of the audit: each record carries a keyed hash over its content and over the hash before it.

hash = HMAC-SHA256(key, JSON array of: format, number, hash before, key's id, then the columns of CONTENT in order).
The number of the first record is 1, the hash before it 64 zeros. docs/audit.md says what this protects and what not.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection, insert, select

from sereno.model import Clock, SystemClock

from .audit_anchor import Anchor, AnchorFile
from .audit_keys import AuditKeys
from .errors import StoreError
from .tables import AUDIT, SETTINGS

FORMAT = 1
GENESIS = "0" * 64
CONTENT = ("t", "actor", "origin", "action", "target", "old", "new", "outcome", "comment", "command")
MAX_LAG = 64
"""Records that one transaction may add: so many may a crash leave beyond the anchor, and not one more."""
TURN = "audit"
"""Row of the settings that writers lock, so that they take turns; SQLite locks the whole database."""

_TAKE_TURN = select(SETTINGS.c.value).where(SETTINGS.c.key == TURN).with_for_update()
_NEWEST = select(AUDIT.c.id, AUDIT.c.hash).order_by(AUDIT.c.id.desc()).limit(1)
_ADD = insert(AUDIT)
_log = structlog.get_logger(__name__)


class Link(NamedTuple):
    """Number and hash of a record: what the next one builds on."""

    seq: int
    hash: str


FIRST = Link(0, GENESIS)


def record_hash(key: bytes, before: Link, name: str, content: Sequence[int | str]) -> str:
    """The hash of the record after `before`, written with the key `name`; `content` in the order of CONTENT."""
    sealed = msgspec.json.encode([FORMAT, before.seq + 1, before.hash, name, *content])
    return hmac.new(key, sealed, hashlib.sha256).hexdigest()


def newest(connection: Connection) -> Link:
    """The last record; FIRST if there is none."""
    row = connection.execute(_NEWEST).first()
    return FIRST if row is None else Link(row.id, row.hash)


class AuditChain:
    """Adds records within transactions and moves the anchor after them. Belongs to the thread of its store.

    `folder` holds keys and anchor; None for a database in memory. While the anchor cannot be moved nothing more is
    added, so that it is never behind by more than the records of one transaction.
    """

    def __init__(self, folder: Path | None, clock: Clock | None = None) -> None:
        self.keys = AuditKeys(folder)
        self.file = None if folder is None else AnchorFile(folder / "audit.anchor")
        self.reached = FIRST
        self.writable = False
        self.clock = clock or SystemClock()
        self._key = ""
        self._added = 0
        self._pending: Link | None = None
        self._owed: Link | None = None
        self._anew = False

    @property
    def owed(self) -> bool:
        """True while records are in the database that the anchor could not be moved to."""
        return self._owed is not None

    @property
    def key(self) -> str:
        """Id of the key that new records are written with."""
        if not self._key:
            self._key = self.keys.make()
        return self._key

    def use(self, name: str) -> None:
        """Write new records with this key."""
        self._key = name

    def catch_up(self, link: Link, *, anew: bool) -> None:
        """When this transaction is durable, move the anchor to `link` or to what is added after it.

        `anew`: whatever the anchor says now, for it does not fit.
        """
        self._pending = self._pending or link
        self._anew = anew

    def add(self, connection: Connection, content: Sequence[int | str]) -> None:
        """Add a record within the transaction of `connection`. Raises StoreError."""
        if not self.writable:
            raise StoreError("the database was opened to look at, nothing can be recorded")
        if self._owed is not None:
            self.settle()
        if self._added >= MAX_LAG:
            raise StoreError(f"more than {MAX_LAG} audit records in one transaction")
        connection.execute(_TAKE_TURN)
        before = newest(connection)
        name = self.key
        link = Link(before.seq + 1, record_hash(self.keys.known[name], before, name, content))
        values = {"id": link.seq, "key_id": name, "hash": link.hash, **dict(zip(CONTENT, content, strict=True))}
        connection.execute(_ADD, values)
        self._pending = link
        self._added += 1

    def committed(self) -> bool:
        """The transaction is durable: move the anchor. True if it had records; what fails now is tried again."""
        pending, self._pending, self._added = self._pending, None, 0
        if pending is None:
            return False
        self.reached = self._owed = pending
        try:
            self.settle()
        except StoreError as error:
            _log.error("audit anchor not moved, nothing more is recorded until it is", error=str(error))
        return True

    def rolled_back(self) -> None:
        """Nothing of the transaction is there."""
        self._pending, self._added = None, 0
        self._anew = self._anew and self._owed is not None

    def settle(self) -> None:
        """Move the anchor to the newest record that this process added. Raises StoreError."""
        if self._owed is None:
            return
        if self.file is not None:
            anchor = self.anchor_at(self._owed)
            try:
                if self._anew:
                    self.file.replace(anchor)
                else:
                    self.file.move(anchor, self.keys.known)
            except OSError as error:
                raise StoreError(f"audit anchor {self.file.path}: {error.strerror or error}") from error
        self._owed, self._anew = None, False

    def anchor_at(self, link: Link) -> Anchor:
        """An anchor for a record, sealed with the present key."""
        made = Anchor(seq=link.seq, hash=link.hash, key=self.key, t=self.clock.wall_ns())
        return made.sealed(self.keys.known[self.key])
