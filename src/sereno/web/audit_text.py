"""Audit records as people and programs read them: JSON and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import orjson

from sereno.client import iso_time
from sereno.store.audit import AuditRecord
from sereno.store.audit_verify import Verification

COLUMNS = (
    "seq",
    "t",
    "actor",
    "origin",
    "action",
    "target",
    "old",
    "new",
    "outcome",
    "comment",
    "command",
    "key",
    "hash",
)
_FORMULA = tuple("=+-@\t\r")


def record_json(record: AuditRecord) -> dict[str, Any]:
    """A record by COLUMNS; `t` as ISO 8601, `key` the id of the key behind `hash`."""
    fields = {name: getattr(record, name) for name in COLUMNS}
    return {**fields, "t": iso_time(record.t)}


def verification_json(found: Verification) -> dict[str, Any]:
    """What a verification found; `record` is the first that is not right, null if there is none."""
    findings = [{"record": finding.seq, "text": finding.text} for finding in found.findings]
    return {
        "whole": found.whole,
        "record": found.findings[0].seq if found.findings else None,
        "text": str(found),
        "first": found.first,
        "last": found.last,
        "count": found.count,
        "anchor": found.anchor,
        "findings": findings,
    }


def json_lines(records: Iterable[AuditRecord]) -> bytes:
    """One JSON object a line."""
    return b"".join(orjson.dumps(record_json(record)) + b"\n" for record in records)


def csv_lines(records: Iterable[AuditRecord], *, header: bool = False) -> bytes:
    """Comma-separated UTF-8, `old` and `new` as JSON. What a spreadsheet would take for a formula gets a quote mark."""
    text = io.StringIO()
    writer = csv.writer(text)
    if header:
        writer.writerow(COLUMNS)
    for record in records:
        fields = record_json(record)
        fields |= {name: orjson.dumps(fields[name]).decode() for name in ("old", "new")}
        writer.writerow([_cell(fields[name]) for name in COLUMNS])
    return text.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
