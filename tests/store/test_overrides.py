from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sereno.model import Override, OverrideKind
from sereno.store.audit import AuditLog
from sereno.store.engine import Store
from sereno.store.overrides import StoredOverrides
from sereno.testing import EPOCH_NS, JumpingClock

FORCED = Override(
    kind=OverrideKind.SUBSTITUTION, path="a/d/x", value=2**64 - 1, reason="probe", actor="eva", since=5, expires=9
)
OUT = Override(kind=OverrideKind.MAINTENANCE, path="a/d", reason="new seals", actor="eva", since=6)


async def test_what_began_and_has_not_ended_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "a.db")
    kept = StoredOverrides(store, JumpingClock())
    await kept.begin(replace(FORCED, value=1), "10.0.0.1", old=0.5)
    await kept.begin(FORCED, "10.0.0.1", old=0.5)
    await kept.begin(OUT, "cli", old=None)
    await store.close()
    store = Store.open(tmp_path / "a.db")
    kept = StoredOverrides(store, JumpingClock())
    assert await kept.load() == [OUT, FORCED]
    await kept.end(FORCED, "olga", "cli", "by hand")
    assert await kept.load() == [OUT]
    await store.close()


async def test_begin_end_and_refusal_are_on_record() -> None:
    store = Store.open("sqlite://")
    kept = StoredOverrides(store, JumpingClock())
    await kept.begin(FORCED, "10.0.0.1", old=0.5)
    await kept.refused(OverrideKind.MAINTENANCE, "a/d", "olga", "page", "no right")
    await kept.end(FORCED, "sereno", "", "its time is over")
    records = {record.action: record for record in await AuditLog(store, JumpingClock()).entries()}
    one = records["substitute"]
    assert (one.actor, one.origin, one.target, one.old, one.new, one.comment, one.t) == (
        "eva", "10.0.0.1", "a/d/x", 0.5, 2**64 - 1, "probe", 5
    )  # fmt: skip
    assert records["device.out"].outcome == "refused: no right"
    assert (records["substitute.end"].comment, records["substitute.end"].t) == ("its time is over", EPOCH_NS)
    await store.close()
