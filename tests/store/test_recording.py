"""A disk that is full: what is refused can still be told, and it ends without a restart."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sereno.store.audit import AuditEntry, AuditLog, add_entry
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.store.reserve import Reserve
from sereno.testing import JumpingClock


def record(store: Store, number: int = 1) -> None:
    entry = AuditEntry(t=number, actor="ann", action="write", outcome="refused: " + "x" * 600)
    store.run_now(lambda c: add_entry(c, entry))


class PagesInReserve(Reserve):
    """Lets the database grow by a few pages for each piece that is given up: a full disk without a disk."""

    grow: Callable[[], None]

    def release(self) -> bool:
        released = super().release()
        if released:
            self.grow()
        return released


@pytest.fixture
def reserve(tmp_path: Path) -> PagesInReserve:
    return PagesInReserve(tmp_path / "reserve", pieces=3, size=1024, margin=0)


@pytest.fixture
def full(tmp_path: Path, reserve: PagesInReserve) -> Iterator[Store]:
    """A store on a database that may not grow any more."""
    store = Store.open(tmp_path / "a.db", reserve=reserve, clock=JumpingClock())
    pages = int(store.run_now(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar()))

    def limit(count: int) -> None:
        store._engine.raw_connection().driver_connection.execute(f"PRAGMA max_page_count = {count}")

    def grow() -> None:
        nonlocal pages
        pages += 2
        limit(pages)

    reserve.grow = grow
    limit(pages)
    yield store
    limit(1 << 30)
    store.dispose()


def fill(store: Store) -> int:
    """How many records fit."""
    for number in range(10_000):
        try:
            record(store, number)
        except StoreError:
            return number
    pytest.fail("there was always room")


async def test_the_reserve_is_given_up_piece_by_piece_and_made_again(full: Store, reserve: PagesInReserve) -> None:
    assert reserve.bytes == 3 * 1024
    assert full.recording.problem == ""
    count = fill(full)
    assert count > 6, "the reserve holds records"
    assert reserve.bytes == 0
    assert full.recording.problem.startswith("the disk is full; 0 KiB are left")
    assert full.figures()["disk_full"] == full.figures()["failing"] == 1
    reserve.grow()
    reserve.grow()
    record(full)
    assert full.recording.full, "a record more does not mean that there is room"
    await full.tend()
    assert full.recording.problem == ""
    assert reserve.bytes == 3 * 1024
    found = await AuditLog(full, JumpingClock()).verify()
    assert (found.whole, found.count, found.anchor) == (True, count + 1, count + 1)


async def test_as_long_as_there_is_no_room_it_stays_full(
    full: Store, reserve: PagesInReserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(full)
    monkeypatch.setattr(PagesInReserve, "scarce", True)
    await full.tend()
    assert full.recording.full
    with pytest.raises(StoreError, match="full"):
        record(full)
    monkeypatch.undo()
    reserve.grow()
    await full.tend()
    assert not full.recording.full


def test_work_that_is_wrong_says_nothing_about_the_disk(full: Store) -> None:
    with pytest.raises(StoreError):
        full.run_now(lambda c: [c.exec_driver_sql("INSERT INTO settings VALUES ('a', '1')") for _ in range(2)])
    assert full.recording.problem == ""
    with pytest.raises(StoreError, match="no such table"):
        full.run_now(lambda c: c.exec_driver_sql("SELECT * FROM nowhere"))
    assert full.recording.failures == 1


def test_a_reserve_is_not_made_where_room_is_scarce(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", pieces=2, size=10, margin=1 << 60)
    assert reserve.scarce
    assert not reserve.fill()
    assert reserve.bytes == 0
    assert not reserve.release()
    store = Store.open(tmp_path / "a.db", reserve=reserve)
    record(store)
    assert store.recording.problem == ""
    store.dispose()


FULL_DISK = """
import asyncio, sys
from pathlib import Path
from sereno.store.audit import AuditEntry, AuditLog, add_entry
from sereno.store.engine import Store
from sereno.store.errors import StoreError
from sereno.store.reserve import Reserve

folder = Path(sys.argv[1])
reserve = Reserve(folder / "reserve", pieces=8, size=64 << 10, margin=64 << 10)
store = Store.open(folder / "a.db", reserve=reserve)
entry = AuditEntry(t=1, actor="ann", action="write", outcome="x" * 500)
record = lambda: store.run_now(lambda c: add_entry(c, entry))
record()
ballast = (folder / "ballast").open("wb", buffering=0)
try:
    while True:
        ballast.write(bytes(4096))
except OSError:
    ballast.close()
told = 0
try:
    while told < 5000:
        record()
        told += 1
except StoreError as error:
    assert "full" in str(error), error
assert store.recording.full
assert told > 200, told
(folder / "ballast").unlink()
asyncio.run(store.tend())
assert store.recording.problem == "", store.recording.problem
record()
found = asyncio.run(AuditLog(store, store.chain.clock).verify())
assert found.whole and found.count == told + 2 == found.anchor, (str(found), told)
asyncio.run(store.close())
print("told", told)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a small file system of its own, by unshare and mount")
def test_on_a_disk_that_is_really_full(tmp_path: Path, require_program: Callable[[str, str], Path]) -> None:
    unshare = require_program("unshare", "util-linux")
    alone = [str(unshare), "--user", "--map-root-user", "--mount", "sh", "-ec"]
    mount = f"mount -t tmpfs -o size=4m none {tmp_path}"
    if subprocess.run([*alone, mount], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a file system of their own")
    run = f'{mount} && exec "$0" -c "$1" {tmp_path}'
    done = subprocess.run(
        [*alone, run, sys.executable, FULL_DISK], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("told ")
