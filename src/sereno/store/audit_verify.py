"""Whether the audit is whole: every record against the chain, the chain against the anchor."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import RowMapping

from .audit_anchor import Anchor, AnchorFound
from .audit_chain import CONTENT, FIRST, MAX_LAG, Link, record_hash
from .signatures import signature_fault

FAULT = "audit.fault"
"""Action of the record that a start adds when it finds that chain and anchor do not fit."""
_TOLD = 20


class Finding(NamedTuple):
    """What is wrong, and with which record first."""

    seq: int
    text: str


class AuditRow(NamedTuple):
    """A record as it lies in the table; `content` in the order of CONTENT."""

    seq: int
    content: tuple[Any, ...]
    key: str
    hash: str

    @property
    def action(self) -> str:
        """What was done."""
        return str(self.content[CONTENT.index("action")])

    @property
    def outcome(self) -> str:
        """What became of it."""
        return str(self.content[CONTENT.index("outcome")])


@dataclass(frozen=True, slots=True)
class Verification:
    """Result: records `first` to `last` were looked at. `findings` by record, at most 20; empty = whole."""

    first: int
    last: int
    count: int
    anchor: int
    findings: tuple[Finding, ...]

    @property
    def whole(self) -> bool:
        """True if nothing is wrong."""
        return not self.findings

    def __str__(self) -> str:
        """In one sentence."""
        if self.findings:
            return f"record {self.findings[0].seq}: {self.findings[0].text}"
        return f"{self.count} records, whole up to number {self.last}; the anchor stands at {self.anchor}"


@dataclass(slots=True)
class Verifier:
    """Takes the records after `start` in order of their numbers, then says what it found.

    `anchor` is what was there before the first record was read: records may be added meanwhile.
    """

    keys: Mapping[str, bytes]
    anchor: AnchorFound
    start: Link = FIRST
    _count: int = 0
    _before: Link | None = None
    last: int = 0
    _at_anchor: str = ""
    _findings: list[Finding] = field(default_factory=list)
    _missing_keys: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._before, self.last = self.start, self.start.seq

    def feed(self, row: AuditRow) -> None:
        """The next record."""
        if row.seq != self.last + 1:
            self._find(self.last + 1, _missing(self.last + 1, row.seq - 1))
            self._before = None
        if self._check(row) and row.action == FAULT:
            self._find(row.seq, f"a start found then: {row.outcome}")
        if self.anchor.anchor is not None and row.seq == self.anchor.anchor.seq:
            self._at_anchor = row.hash
        self._before, self.last = Link(row.seq, row.hash), row.seq
        self._count += 1

    def finish(self, anchor: AnchorFound | None = None) -> Verification:
        """What was found. `anchor` as it is after the last record was read; None = as before."""
        reached = self.anchor.anchor
        if reached is not None:
            findings = anchor_findings(reached, Link(self.last, ""), self._at_anchor, self.start.seq)
            later = reached if anchor is None else anchor.anchor or reached
            for finding in findings or lag_findings(later, self.last):
                self._find(*finding)
        elif self.anchor.fault:
            self._find(self.last + 1, self.anchor.fault)
        return Verification(
            first=self.start.seq + 1,
            last=self.last,
            count=self._count,
            anchor=0 if reached is None else reached.seq,
            findings=tuple(sorted(self._findings)),
        )

    def _check(self, row: AuditRow) -> bool:
        """True if the record's hash is right, as far as that can be known."""
        key = self.keys.get(row.key)
        if key is None:
            if row.key not in self._missing_keys:
                self._missing_keys.add(row.key)
                self._find(row.seq, _no_key(row.key))
            return False
        if self._before is None:  # after records that are missing there is no hash to build on
            return False
        right = record_hash(key, self._before, row.key, row.content)
        if hmac.compare_digest(right, row.hash):
            if fault := signature_fault(dict(zip(CONTENT, row.content, strict=True))):
                self._find(row.seq, fault)
            return True
        self._find(row.seq, "it does not fit its hash: it was changed, moved, or put in by somebody without the key")
        return False

    def _find(self, seq: int, text: str) -> None:
        if len(self._findings) < _TOLD:
            self._findings.append(Finding(seq, text))


def anchor_findings(anchor: Anchor, last: Link, at_anchor: str, start: int = 0) -> list[Finding]:
    """What does not fit between the anchor, the last record and the hash of the record at the anchor's number."""
    if anchor.seq > last.seq:
        return [Finding(last.seq + 1, f"{_missing(last.seq + 1, anchor.seq)} at the end: the anchor knows of them")]
    if anchor.seq > start and at_anchor != anchor.hash:
        text = "it is not the record that the anchor knows: the database was replaced, or the anchor is another's"
        return [Finding(anchor.seq, text)]
    return []


def lag_findings(anchor: Anchor, last: int) -> list[Finding]:
    """More records after the anchor than a crash leaves. An anchor at 0 was made before the first record."""
    if anchor.seq and last - anchor.seq > MAX_LAG:
        text = f"the anchor knows nothing of records {anchor.seq + 1} to {last}, a crash leaves at most {MAX_LAG}: "
        return [Finding(anchor.seq + 1, f"{text}an old anchor was put in its place")]
    return []


def rows_of(rows: Sequence[RowMapping]) -> list[AuditRow]:
    """Rows of the table, as selected whole."""
    return [AuditRow(row["id"], tuple(row[name] for name in CONTENT), row["key_id"], row["hash"]) for row in rows]


def _missing(first: int, last: int) -> str:
    return f"record {first} is missing" if first == last else f"records {first} to {last} are missing"


def _no_key(name: str) -> str:
    if not name:
        return "it carries no hash"
    return f"it was written with the key {name}, which is not there: it cannot be verified"
