"""A signature belongs to the one record that it was made for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sereno.model import Signature
from sereno.store.audit import AuditEntry, AuditLog, AuditRecord, add_entry
from sereno.store.audit_verify import Verification
from sereno.store.engine import Store
from sereno.testing import JumpingClock

SIGNATURE = Signature(name="Bea Ruiz", meaning="released", t=5)
ENTRY = AuditEntry(
    t=6, actor="bea", action="command.execute", target="river/plc1/dose", origin="10.0.0.2", old=1.0, new=2.5,
    comment="trial", command="k1",
)  # fmt: skip
COPIED = "its signature was made for another record, and was copied onto this one"


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    store = Store.open(tmp_path / "a.db", clock=JumpingClock())
    await store.run(lambda c: add_entry(c, ENTRY, SIGNATURE))
    yield store
    await store.close()


async def verified(store: Store) -> Verification:
    return await AuditLog(store, JumpingClock()).verify()


async def first(store: Store) -> AuditRecord:
    return (await AuditLog(store, JumpingClock()).entries())[-1]


async def test_the_signature_stands_in_the_record(store: Store) -> None:
    new = (await first(store)).new
    assert new["value"] == 2.5
    assert (new["signature"]["name"], new["signature"]["meaning"], new["signature"]["t"]) == ("Bea Ruiz", "released", 5)
    assert (await verified(store)).whole


@pytest.mark.parametrize(
    "other",
    [{"target": "river/plc1/other"}, {"command": "k2"}, {"old": 1.5}, {"actor": "ann"}, {"t": 7}, {"outcome": "denied"},
     {"action": "command.approve"}, {"comment": ""}, {"origin": "10.0.0.3"}],
)  # fmt: skip
async def test_it_fits_no_other_record_even_one_with_a_right_hash(store: Store, other: dict[str, Any]) -> None:
    """Whoever may add records, key and all, still cannot reuse what somebody else signed."""
    new = (await first(store)).new
    await store.run(lambda c: add_entry(c, replace(ENTRY, new=new, **other)))
    found = await verified(store)
    assert [(f.seq, f.text) for f in found.findings] == [(2, COPIED)]


@pytest.mark.parametrize(
    "change", [{"value": 9.5}, {"meaning": "reviewed"}, {"name": "Ann Mora"}, {"t": 4}, {"seal": ""}]
)
async def test_nothing_of_it_can_be_changed(store: Store, change: dict[str, Any]) -> None:
    new = (await first(store)).new
    for name, value in change.items():
        (new if name == "value" else new["signature"])[name] = value
    await store.run(lambda c: add_entry(c, replace(ENTRY, new=new)))
    assert [f.text for f in (await verified(store)).findings] == [COPIED]


async def test_copied_in_the_database_it_breaks_the_chain(store: Store, tmp_path: Path) -> None:
    await store.run(lambda c: add_entry(c, replace(ENTRY, command="k2")))
    new = msgspec.json.encode((await first(store)).new).decode()
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("DROP TRIGGER audit_no_update")
        other.execute("UPDATE audit SET new = ? WHERE id = 2", (new,))
    found = await verified(store)
    assert [f.seq for f in found.findings] == [2]
    assert "does not fit its hash" in found.findings[0].text
