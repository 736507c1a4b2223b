from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sereno.model import Ack, AckState, Act, Command, RefusedError, Say, Signature, Verb
from sereno.store.audit import AuditLog
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.store.intents import StoredIntents
from sereno.testing import EPOCH_NS, JumpingClock
from sereno.wire.errors import WireError

WRITE = Command(target="north/plc1/setpoint", value=2.5, actor="ann", origin="10.0.0.1", key="k1", expires=99)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
async def reopen(path: Path) -> Callable[[], StoredIntents]:
    """Each call is a new process over the same file."""
    stores: list[Store] = []

    def opened() -> StoredIntents:
        stores.append(Store.open(path))
        return StoredIntents(stores[-1], JumpingClock())

    yield opened
    for store in stores:
        await store.close()


@pytest.fixture
def journal(reopen: Callable[[], StoredIntents]) -> StoredIntents:
    return reopen()


def _ack(state: AckState, t: int = 1, **more: object) -> Ack:
    return Ack(key="k1", state=state, t=t, **more)


async def test_a_new_command_is_kept_and_a_known_one_is_told_what_became_of_it(journal: StoredIntents) -> None:
    assert await journal.intend(WRITE, None, 1.0) is None
    await journal.record(_ack(AckState.ACCEPTED, 1))
    await journal.record(_ack(AckState.DONE, 2, value=2.5))
    told = await journal.intend(WRITE, None, 1.0)
    assert told == [_ack(AckState.ACCEPTED, 1), _ack(AckState.DONE, 2, value=2.5)]
    assert await journal.known("k1") == (WRITE, told)
    assert await journal.known("unknown") is None


async def test_a_command_under_way_is_not_unknown_yet(journal: StoredIntents) -> None:
    await journal.intend(WRITE, None, None)
    assert await journal.intend(WRITE, None, None) == []
    await journal.record(_ack(AckState.ACCEPTED))
    assert [a.state for a in (await journal.known("k1"))[1]] == [AckState.ACCEPTED]


async def test_what_a_dead_process_left_open_ends_as_unknown_once(reopen: Callable[[], StoredIntents]) -> None:
    dead = reopen()
    await dead.intend(WRITE, None, 1.0)
    await dead.record(_ack(AckState.ACCEPTED, 7))
    next_one = reopen()
    told = await next_one.intend(WRITE, None, 1.0)
    assert told is not None
    assert [(a.state, a.t) for a in told] == [(AckState.UNKNOWN, EPOCH_NS)]
    assert "may have been carried out" in told[0].reason
    assert await next_one.known("k1") == (WRITE, told)
    outcomes = [e.outcome for e in await AuditLog(next_one._store, JumpingClock()).entries()]
    assert outcomes == [f"unknown: {told[0].reason}", "intended"]


async def test_acks_on_the_way_cost_no_flush(journal: StoredIntents, monkeypatch: pytest.MonkeyPatch) -> None:
    await journal.intend(WRITE, None, 1.0)
    real, calls = journal._store.run, []
    monkeypatch.setattr(journal._store, "run", lambda work: calls.append(work) or real(work))
    for state in (AckState.REQUESTED, AckState.AUTHORISED, AckState.ACCEPTED, AckState.PROGRESS, AckState.DONE):
        await journal.record(_ack(state))
    assert len(calls) == 1
    assert [a.state.value for a in (await journal.known("k1"))[1]] == [
        "requested",
        "authorised",
        "accepted",
        "progress",
        "done",
    ]


async def test_it_is_on_disk_when_intend_returns(journal: StoredIntents, path: Path) -> None:
    await journal.intend(WRITE, None, 1.0)
    other = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    assert other.execute("SELECT key, target, actor, old FROM intents").fetchall() == [
        ("k1", "north/plc1/setpoint", "ann", "1.0")
    ]
    other.close()


async def test_values_stay_exact(reopen: Callable[[], StoredIntents]) -> None:
    journal = reopen()
    await journal.intend(WRITE, None, 2**64 - 1)
    await journal.record(_ack(AckState.DONE, value=[2**63, "ü", None, True]))
    assert (await reopen().known("k1"))[1][0].value == [2**63, "ü", None, True]


async def test_the_audit_tells_the_story(journal: StoredIntents) -> None:
    await journal.intend(WRITE, None, 1.0)
    await journal.record(_ack(AckState.ACCEPTED, EPOCH_NS + 1))
    await journal.record(_ack(AckState.FAILED, EPOCH_NS + 2, reason="readback is 1"))
    call = Command(target="north/plc1", verb=Verb.CALL, name="reset", arguments=(1,), actor="bob", key="k2")
    call = replace(call, comment="dry run")
    await journal.intend(call, None, None)
    entries = [
        (e.t - EPOCH_NS, e.actor, e.origin, e.action, e.target, e.old, e.new, e.outcome, e.comment, e.command)
        for e in reversed(await AuditLog(journal._store, JumpingClock()).entries())
    ]
    assert entries == [
        (0, "ann", "10.0.0.1", "write", "north/plc1/setpoint", 1.0, 2.5, "intended", "", "k1"),
        (2, "ann", "10.0.0.1", "write", "north/plc1/setpoint", 1.0, 2.5, "failed: readback is 1", "", "k1"),
        (0, "bob", "", "call reset", "north/plc1", None, [1], "intended", "dry run", "k2"),
    ]


async def test_what_cannot_be_kept_raises_and_keeps_nothing(journal: StoredIntents, path: Path) -> None:
    with pytest.raises(WireError, match="not a finite number"):
        await journal.intend(Command(target="a/b", value=math.nan, key="k1"), None, None)
    assert await journal.intend(WRITE, None, math.nan) is None
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("DROP TABLE audit")
    with pytest.raises(StoreError, match="no such table: audit"):
        await journal.intend(Command(target="a/b", value=1, key="k2"), None, None)
    assert locker.execute("SELECT key FROM intents").fetchall() == [("k1",)]
    locker.close()
    assert await journal.known("k2") is None


@pytest.mark.parametrize(
    "other",
    [
        {"value": 3.0},
        {"target": "north/plc1/level"},
        {"verb": Verb.CALL, "name": "reset"},
        {"value": "2.5"},
        {"actor": "bob"},
    ],
)
async def test_a_key_is_not_lent_to_another_command(journal: StoredIntents, other: dict[str, object]) -> None:
    await journal.intend(WRITE, None, 1.0)
    with pytest.raises(RefusedError, match=r"key 'k1' belongs to another command \(write north/plc1/setpoint\)"):
        await journal.intend(replace(WRITE, **other), None, 1.0)
    assert await journal.intend(replace(WRITE, comment="again", expires=100), None, 1.0) == []


SELECTED = (_ack(AckState.REQUESTED), _ack(AckState.SELECTED, 2, reason="waits for execution"))


async def test_a_command_that_waits_is_on_record_from_its_selection_on(
    path: Path, reopen: Callable[[], StoredIntents]
) -> None:
    journal = reopen()
    assert await journal.intend(WRITE, None, 1.0, SELECTED) is None
    signature = Signature(name="Bea Ruiz", meaning="released", t=5)
    act = Act(say=Say.APPROVE, actor="bea", t=6, origin="10.0.0.2", comment="as agreed", signature=signature)
    await journal.note(WRITE, 1.0, act)
    await journal.release(replace(WRITE, expires=500), _ack(AckState.ACCEPTED, 7))
    await journal.record(_ack(AckState.DONE, 8, value=2.5))
    command, acks = await journal.known("k1") or (None, [])
    assert command == replace(WRITE, expires=500)
    assert acks == [*SELECTED, _ack(AckState.ACCEPTED, 7), _ack(AckState.DONE, 8, value=2.5)]
    store = Store.open(path, look=True)
    records = await AuditLog(store, JumpingClock()).entries()
    await store.close()
    found = [(r.actor, r.origin, r.action, r.old, r.outcome, r.comment) for r in reversed(records)]
    assert found == [
        ("ann", "10.0.0.1", "command.select", 1.0, "selected: waits for execution", ""),
        ("bea", "10.0.0.2", "command.approve", 1.0, "done", "as agreed"),
        ("ann", "10.0.0.1", "write", 1.0, "intended", ""),
        ("ann", "10.0.0.1", "write", 1.0, "done", ""),
    ]
    assert {r.command for r in records} == {"k1"}
    new = records[2].new
    assert new["value"] == 2.5
    assert {k: v for k, v in new["signature"].items() if k != "seal"} == {
        "name": "Bea Ruiz",
        "meaning": "released",
        "t": 5,
    }


@pytest.mark.parametrize(
    ("released", "end", "words"),
    [(False, AckState.CANCELLED, "it was never sent"), (True, AckState.UNKNOWN, "may have been carried out")],
)
async def test_a_kill_while_it_waits_is_no_doubt_about_the_plant(
    reopen: Callable[[], StoredIntents], released: bool, end: AckState, words: str
) -> None:
    dead = reopen()
    await dead.intend(WRITE, None, 1.0, SELECTED)
    if released:
        await dead.release(WRITE, _ack(AckState.ACCEPTED, 3))
    _, acks = await reopen().known("k1") or (None, [])
    assert [a.state for a in acks[:2]] == [AckState.REQUESTED, AckState.SELECTED]
    assert acks[-1].state is end
    assert words in acks[-1].reason
