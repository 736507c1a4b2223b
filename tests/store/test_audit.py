from __future__ import annotations

from dataclasses import asdict

import pytest

from sereno.store.audit import AuditEntry, AuditLog, AuditQuery, add_entry
from sereno.store.engine import Store
from sereno.testing import EPOCH_NS, JumpingClock


@pytest.fixture
def store() -> Store:
    return Store.open("sqlite://")


async def test_entries_come_back_newest_first_and_can_be_picked(store: Store) -> None:
    clock = JumpingClock()
    audit = AuditLog(store, clock)
    await audit.record("ann", "sign_in", origin="10.0.0.1")
    clock.advance(1.0)
    await audit.record("bob", "user.add", "carl")
    assert [(e.actor, e.t - EPOCH_NS) for e in await audit.entries()] == [("bob", 10**9), ("ann", 0)]
    assert [e.target for e in await audit.entries(AuditQuery(action="user.add"))] == ["carl"]
    assert [e.origin for e in await audit.entries(AuditQuery(who="ann"))] == ["10.0.0.1"]
    assert await audit.entries(AuditQuery(since=EPOCH_NS + 2 * 10**9)) == []
    await store.close()


async def test_old_and_new_values_are_kept_as_they_are(store: Store) -> None:
    entry = AuditEntry(
        t=1, actor="ann", action="write", target="a/b", old=2**64 - 1, new=[1.5, None, "x"], outcome="done"
    )
    await store.run(lambda c: add_entry(c, entry))
    (record,) = await AuditLog(store, JumpingClock()).entries()
    assert {name: getattr(record, name) for name in asdict(entry)} == asdict(entry)
    await store.close()


@pytest.mark.parametrize("text", ["Robert'); DROP TABLE audit;--", 'a"b', "ÿ\\", "<script>"])
async def test_hostile_text_is_only_text(store: Store, text: str) -> None:
    audit = AuditLog(store, JumpingClock())
    await audit.record(text, "sign_in", text)
    assert [(e.actor, e.target) for e in await audit.entries(AuditQuery(who=text))] == [(text, text)]
    await store.close()
