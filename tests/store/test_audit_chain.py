"""The chain under attack by somebody who has the database and not the keys, and under crashes."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.store.audit import AuditEntry, AuditLog, AuditQuery, add_entry
from sereno.store.audit_anchor import SLOT, AnchorFile
from sereno.store.audit_chain import MAX_LAG
from sereno.store.audit_verify import FAULT, Verification
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.testing import JumpingClock

COUNT = 12
TRIGGERS = ("audit_no_update", "audit_no_delete", "audit_in_order")


def entry(number: int, **more: object) -> AuditEntry:
    return AuditEntry(t=number, actor="ann", action="write", target=f"north/plc1/sp{number}", new=number, **more)


def opened(folder: Path, *, look: bool = False) -> Store:
    return Store.open(folder / "a.db", clock=JumpingClock(), look=look)


def fill(folder: Path, first: int = 1, count: int = COUNT) -> None:
    """Records of one transaction each."""
    store = opened(folder)
    for number in range(first, first + count):
        store.run_now(lambda c, n=number: add_entry(c, entry(n)))
    asyncio.run(store.close())


def verify(folder: Path, first: int = 1) -> Verification:
    async def work() -> Verification:
        store = opened(folder, look=True)
        try:
            return await AuditLog(store, JumpingClock()).verify(first)
        finally:
            await store.close()

    return asyncio.run(work())


def tamper(folder: Path, *statements: str) -> None:
    """What the owner of the database can do: nothing there stops them."""
    with closing(sqlite3.connect(folder / "a.db", isolation_level=None)) as other:
        for trigger in TRIGGERS:
            other.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            other.execute(statement)


@pytest.fixture(scope="module")
def prepared() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        fill(Path(name))
        yield Path(name)


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """An installation with COUNT records."""
    return shutil.copytree(prepared, tmp_path / "data")


def test_an_untouched_chain_is_whole(folder: Path) -> None:
    found = verify(folder)
    assert (found.whole, found.first, found.last, found.count, found.anchor) == (True, 1, COUNT, COUNT, COUNT)
    assert str(found) == f"{COUNT} records, whole up to number {COUNT}; the anchor stands at {COUNT}"
    assert verify(folder, 5).count == COUNT - 4
    with pytest.raises(ValueError, match="no audit record 98"):
        verify(folder, 99)


COLUMNS = st.sampled_from(
    ["t", "actor", "origin", "action", "target", "old", "new", "outcome", "comment", "command", "key_id", "hash"]
)
NUMBERS = st.integers(1, COUNT)


def renumbered(gone: int) -> list[str]:
    return [f"UPDATE audit SET id = {n - 1} WHERE id = {n}" for n in range(gone + 1, COUNT + 1)]


@st.composite
def attacks(draw: st.DrawFn) -> tuple[int, list[str]]:
    """(the first record that is not as it was, what is done to the database)"""
    kind = draw(st.sampled_from(["edit", "delete", "close up", "swap", "cut", "insert", "append", "copy"]))
    n = draw(NUMBERS)
    if kind == "edit":
        column = draw(COLUMNS)
        value = "t + 1" if column == "t" else f"{column} || 'x'" if column != "hash" else f"'{'a' * 64}'"
        return n, [f"UPDATE audit SET {column} = {value} WHERE id = {n}"]
    if kind == "delete":
        return n, [f"DELETE FROM audit WHERE id = {n}"]
    if kind == "close up":
        return n, [f"DELETE FROM audit WHERE id = {n}", *renumbered(n)]
    if kind == "swap":
        other = draw(NUMBERS.filter(lambda m: m != n))
        turns = ((n, 1000), (other, n), (1000, other))
        return min(n, other), [f"UPDATE audit SET id = {to} WHERE id = {at}" for at, to in turns]
    if kind == "cut":
        return n, [f"DELETE FROM audit WHERE id >= {n}"]
    if kind == "append":
        return COUNT + 1, [_copied(n, COUNT + 1)]
    if kind == "insert":
        room = [f"UPDATE audit SET id = {m + 1} WHERE id = {m}" for m in range(COUNT, n - 1, -1)]
        return n, [*room, _copied(n + 1, n, "'eve'")]
    other = draw(NUMBERS.filter(lambda m: m != n))
    return n, [f"DELETE FROM audit WHERE id = {n}", _copied(other, n)]


def _copied(source: int, number: int, actor: str = "actor") -> str:
    columns = "t, origin, action, target, old, new, outcome, comment, command, key_id, hash"
    return (
        f"INSERT INTO audit (id, actor, {columns}) SELECT {number}, {actor}, {columns} FROM audit WHERE id = {source}"
    )


@given(attack=attacks())
def test_whatever_is_done_to_a_record_it_is_named(prepared: Path, attack: tuple[int, list[str]]) -> None:
    first, statements = attack
    with tempfile.TemporaryDirectory() as name:
        folder = shutil.copytree(prepared, Path(name) / "data")
        tamper(folder, *statements)
        found = verify(folder)
        assert found.findings[0].seq == first, (found, statements)
        assert str(found).startswith(f"record {first}: ")


def test_a_database_that_was_rewritten_as_a_whole_is_seen(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "forged").mkdir()
    fill(tmp_path / "forged")
    shutil.copy(tmp_path / "forged" / "a.db", folder / "a.db")
    found = verify(folder)
    assert found.findings[0].seq == 1
    assert "was written with the key" in found.findings[0].text


def test_an_older_copy_of_the_database_is_seen(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "a.db", tmp_path / "old.db")
    fill(folder, COUNT + 1, 3)
    assert verify(folder).whole
    shutil.copy(tmp_path / "old.db", folder / "a.db")
    (folder / "a.db-wal").unlink(missing_ok=True)
    found = verify(folder)
    assert found.findings[0].seq == COUNT + 1
    assert found.findings[0].text.startswith("records 13 to 15 are missing at the end")


def test_an_older_copy_that_grew_again_is_seen(folder: Path, tmp_path: Path) -> None:
    """The same key and the right hashes, yet not the records that the anchor knew."""
    fork = shutil.copytree(folder, tmp_path / "fork")
    fill(fork, 100, 3)
    fill(folder, COUNT + 1, 3)
    shutil.copy(fork / "a.db", folder / "a.db")
    found = verify(folder)
    assert found.findings == ((COUNT + 3, found.findings[0].text),)
    assert "not the record that the anchor knows" in found.findings[0].text


def test_a_right_record_of_another_history_is_seen(folder: Path, tmp_path: Path) -> None:
    """Same key, same number, a hash that fits its content: only the chain tells that it was not here."""
    fork = shutil.copytree(folder, tmp_path / "fork")
    fill(fork, 100, 3)
    fill(folder, COUNT + 1, 3)
    tamper(
        folder,
        f"ATTACH '{fork / 'a.db'}' AS fork",
        f"DELETE FROM audit WHERE id = {COUNT + 2}",
        f"INSERT INTO audit SELECT * FROM fork.audit WHERE id = {COUNT + 2}",
    )
    assert verify(folder).findings[0].seq == COUNT + 2


def test_all_is_gone(folder: Path) -> None:
    tamper(folder, "DELETE FROM audit")
    assert verify(folder).findings[0] == (1, f"records 1 to {COUNT} are missing at the end: the anchor knows of them")


def keys(folder: Path) -> list[Path]:
    return sorted((folder / "keys").glob("*.key"))


def test_without_its_key_nothing_can_be_verified(folder: Path) -> None:
    (key,) = keys(folder)
    key.unlink()
    found = verify(folder)
    assert found.findings[0].seq == 1
    assert f"the key {key.stem.removeprefix('audit-')}, which is not there" in found.findings[0].text


def test_another_key_in_its_place_is_no_key(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    fill(tmp_path / "other", count=1)
    (key,), (other,) = keys(folder), keys(tmp_path / "other")
    key.write_bytes(other.read_bytes())
    assert "which is not there" in verify(folder).findings[0].text
    key.unlink()
    shutil.copy(other, folder / "keys")
    assert "which is not there" in verify(folder).findings[0].text


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "foreign"])
def test_an_anchor_that_is_not_right_is_named(folder: Path, tmp_path: Path, damage: str) -> None:
    anchor = folder / "keys" / "audit.anchor"
    if damage == "missing":
        anchor.unlink()
    elif damage == "foreign":
        (tmp_path / "other").mkdir()
        fill(tmp_path / "other", count=1)
        shutil.copy(tmp_path / "other" / "keys" / "audit.anchor", anchor)
    else:
        anchor.write_bytes(b"" if damage == "empty" else b"{")
    found = verify(folder)
    assert found.findings[0].seq == COUNT + 1
    assert "anchor" in found.findings[0].text


# ---- what a crash leaves


def anchor_of(folder: Path) -> bytes:
    return (folder / "keys" / "audit.anchor").read_bytes()


def test_a_crash_between_commit_and_anchor_is_no_tampering(folder: Path) -> None:
    before = anchor_of(folder)
    store = opened(folder)
    store.run_now(lambda c: [add_entry(c, entry(n)) for n in range(MAX_LAG)])
    asyncio.run(store.close())
    (folder / "keys" / "audit.anchor").write_bytes(before)
    assert verify(folder).whole
    asyncio.run(opened(folder).close())
    found = verify(folder)
    assert (found.whole, found.anchor, found.last) == (True, COUNT + MAX_LAG, COUNT + MAX_LAG)


@pytest.mark.parametrize("slot", [0, 1])
def test_an_anchor_cut_off_while_it_was_written_leaves_the_one_before(folder: Path, slot: int) -> None:
    fill(folder, COUNT + 1, 2)
    anchor = folder / "keys" / "audit.anchor"
    data = bytearray(anchor.read_bytes())
    data[slot * SLOT + 20 : (slot + 1) * SLOT] = b"\0" * (SLOT - 20)
    anchor.write_bytes(data)
    found = verify(folder)
    assert found.whole
    assert found.anchor in {COUNT + 1, COUNT + 2}


def test_an_anchor_that_was_set_far_back_is_seen(folder: Path) -> None:
    old = anchor_of(folder)
    fill(folder, COUNT + 1, MAX_LAG + 1)
    (folder / "keys" / "audit.anchor").write_bytes(old)
    assert verify(folder).findings[0].seq == COUNT + 1
    asyncio.run(opened(folder).close())
    assert [f.seq for f in verify(folder).findings] == [COUNT + MAX_LAG + 2]


def test_one_transaction_adds_no_more_than_the_anchor_may_lag(folder: Path) -> None:
    store = opened(folder)
    with pytest.raises(StoreError, match="more than 64 audit records"):
        store.run_now(lambda c: [add_entry(c, entry(n)) for n in range(MAX_LAG + 1)])
    store.run_now(lambda c: add_entry(c, entry(1)))
    asyncio.run(store.close())
    assert verify(folder).last == COUNT + 1


def test_a_transaction_that_is_rolled_back_leaves_no_link(folder: Path) -> None:
    store = opened(folder)

    def work(connection: object) -> None:
        add_entry(connection, entry(99))
        raise KeyError("no")

    with pytest.raises(KeyError):
        store.run_now(work)
    store.run_now(lambda c: add_entry(c, entry(13)))
    asyncio.run(store.close())
    found = verify(folder)
    assert (found.whole, found.last) == (True, COUNT + 1)


# ---- what a start does about it


def faults(folder: Path) -> list[str]:
    async def work() -> list[str]:
        store = opened(folder)
        try:
            return [e.outcome for e in await AuditLog(store, JumpingClock()).entries(AuditQuery(action=FAULT))]
        finally:
            await store.close()

    return asyncio.run(work())


def test_a_start_keeps_on_record_what_it_found_and_goes_on(folder: Path) -> None:
    tamper(folder, f"DELETE FROM audit WHERE id > {COUNT - 2}")
    told = f"record {COUNT - 1}: records {COUNT - 1} to {COUNT} are missing at the end: the anchor knows of them"
    assert faults(folder) == [told]
    assert faults(folder) == [told], "told once"
    fill(folder, 50, 5)
    found = verify(folder)
    assert found.findings == ((COUNT - 1, f"a start found then: {told}"),)
    assert verify(folder, COUNT).whole, "what came after can be verified by itself"


def test_a_start_without_the_key_makes_a_new_one_and_says_so(folder: Path) -> None:
    (key,) = keys(folder)
    kept = key.read_bytes()
    key.unlink()
    assert len(faults(folder)) == 1
    assert len(keys(folder)) == 1
    fill(folder, 50, 2)
    assert verify(folder).findings[0].seq == 1
    key.write_bytes(kept)
    assert [f.seq for f in verify(folder).findings] == [COUNT + 1], "the old key verifies what it wrote"


def test_records_that_were_forged_after_the_anchor_are_seen_at_start(folder: Path) -> None:
    tamper(folder, _copied(3, COUNT + 1))
    assert len(faults(folder)) == 1
    assert verify(folder).findings[0].seq == COUNT + 1


def test_two_processes_share_one_chain(folder: Path) -> None:
    first, second = opened(folder), opened(folder)
    for number in range(6):
        store = (first, second)[number % 2]
        store.run_now(lambda c, n=number: add_entry(c, entry(n)))
    for store in (first, second):
        asyncio.run(store.close())
    found = verify(folder)
    assert (found.whole, found.last, found.anchor) == (True, COUNT + 6, COUNT + 6)


def test_the_database_itself_refuses_changes_and_gaps(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "a.db", isolation_level=None)) as other:
        for statement in (
            "UPDATE audit SET actor = 'eve' WHERE id = 3",
            "DELETE FROM audit WHERE id = 3",
            "DELETE FROM audit",
            _copied(3, COUNT + 2),
            _copied(3, 3).replace("INSERT", "INSERT OR REPLACE"),
        ):
            with pytest.raises(sqlite3.IntegrityError, match="audit records"):
                other.execute(statement)
    assert verify(folder).whole


def test_looking_changes_nothing(folder: Path) -> None:
    store = opened(folder, look=True)
    with pytest.raises(StoreError, match="opened to look at"):
        store.run_now(lambda c: add_entry(c, entry(1)))
    asyncio.run(store.close())
    assert verify(folder).last == COUNT


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of files are another thing there")
def test_only_the_owner_reads_keys_and_anchor(folder: Path) -> None:
    assert stat.S_IMODE((folder / "keys").stat().st_mode) == 0o700
    for path in (folder / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (key,) = keys(folder)
    key.chmod(0o644)
    asyncio.run(opened(folder).close())
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_two_installations_have_two_keys(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        fill(tmp_path / name, count=1)
    assert keys(tmp_path / "a")[0].name != keys(tmp_path / "b")[0].name


def test_while_the_anchor_cannot_be_moved_nothing_more_is_recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(folder)
    real: Callable[..., None] = AnchorFile.move

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(AnchorFile, "move", broken)
    store.run_now(lambda c: add_entry(c, entry(1)))
    assert store.figures()["anchor_behind"] == 1
    for _ in range(3):
        with pytest.raises(StoreError, match=r"audit anchor .*Input/output error"):
            store.run_now(lambda c: add_entry(c, entry(2)))
    assert "Input/output error" in store.recording.problem
    monkeypatch.setattr(AnchorFile, "move", real)
    asyncio.run(store.tend())
    assert store.recording.problem == ""
    store.run_now(lambda c: add_entry(c, entry(3)))
    asyncio.run(store.close())
    found = verify(folder)
    assert (found.whole, found.last, found.anchor) == (True, COUNT + 2, COUNT + 2)
