"""A disk that is filling up: what is kept for audit and alarms, what goes, and that it goes on by itself."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path
from typing import Any

import pytest

from sereno.historian.cold.manifest import load_manifest
from sereno.historian.cold.worker import Order, Outcome, work
from sereno.historian.disk import SystemDisk
from sereno.historian.historian import Historian
from sereno.historian.retention import FULL, Removed
from sereno.historian.room import WhenFull
from sereno.model import OperationError
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import SECOND, T0, FastDisk, ask, batch, floats, rows, running

LEVEL = "north/plc1/tag0"
DAY = 86_400 * SECOND
KEPT = 1 << 20


class SmallDisk(FastDisk):
    """`room` bytes, of which the folder takes what its files have."""

    def __init__(self, folder: Path, room: int) -> None:
        self.folder, self.room = folder, room

    def free(self, folder: Path) -> int:
        return self.room - sum(p.stat().st_size for p in self.folder.rglob("*") if p.is_file())


class Quota(SmallDisk):
    """Lets the folder have `room` bytes and no more, though the disk has plenty: only a write tells."""

    def free(self, folder: Path) -> int:
        return 1 << 40

    def create(self, path: Path) -> Any:
        file = super().create(path)
        append = file.append

        def limited(data: bytes) -> None:
            if len(data) > super(Quota, self).free(self.folder):
                raise OSError(errno.EDQUOT, "Disk quota exceeded")
            append(data)

        file.append = limited  # type: ignore[method-assign]
        return file


async def at_once(folder: Path, order: Order) -> Outcome:
    return work(folder, order, lambda _: None)


async def scans(historian: Historian, first: int, count: int) -> None:
    for i in range(first, first + count):
        historian.accept(batch(T0 + i * SECOND, {0: float(i)}))
        await historian.durable()


def test_it_stops_before_the_room_of_others_is_used_and_goes_on_when_there_is_some(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        disk = SmallDisk(tmp_path, KEPT + 3000)
        async with running(tmp_path, floats(1), clock, disk=disk, keep_free=KEPT, segment_bytes=1000) as historian:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(60):
                    await scans(historian, 0, 1000)
            assert disk.free(tmp_path) > KEPT - 1000
            assert "1 MiB are kept for audit and alarms" in historian.problem
            last = historian.durable_seq
            assert last > 3
            disk.room += 1 << 20
            assert await historian.durable() == last + 1
            assert not historian.problem
            found = [v for _, v, _ in rows(await ask(historian, LEVEL, T0, T0 + DAY))]
            assert found == [float(i) for i in range(last + 1)]

    run_jumping(story)


def test_the_oldest_goes_when_it_is_to_go_on_for_ever(tmp_path: Path) -> None:
    told: list[Removed] = []

    async def story(clock: JumpingClock) -> None:
        disk = SmallDisk(tmp_path, KEPT + 6000)
        options: dict[str, Any] = {"keep_free": KEPT, "when_full": WhenFull.DROP_OLDEST, "removed": told.append}
        async with running(tmp_path, floats(1), clock, disk=disk, segment_bytes=1000, **options) as historian:
            await scans(historian, 0, 200)
            assert not historian.problem
            assert "oldest history is being deleted" in historian.warning
            assert historian.statistics()["dropped_segments"] == len(told)
            assert {removed.reason for removed in told} == {FULL}
            assert disk.free(tmp_path) > KEPT - 1000
            found = [v for _, v, _ in rows(await ask(historian, LEVEL, T0, T0 + DAY)) if v is not None]
            assert found == [float(i) for i in range(200)][-len(found) :]
            assert len(found) > 10
            await clock.sleep(3700.0)
            assert not historian.warning

    run_jumping(story)
    assert len(told) > 3


def test_the_oldest_goes_where_only_a_quota_is_used_up(tmp_path: Path) -> None:
    told: list[Removed] = []

    async def story(clock: JumpingClock) -> None:
        disk = Quota(tmp_path, 6000)
        options: dict[str, Any] = {"keep_free": KEPT, "when_full": WhenFull.DROP_OLDEST, "removed": told.append}
        async with running(tmp_path, floats(1), clock, disk=disk, segment_bytes=1000, **options) as historian:
            async with asyncio.timeout(600):
                await scans(historian, 0, 200)
            assert not historian.problem

    run_jumping(story)
    assert len(told) > 3


def test_the_oldest_day_goes_before_the_log(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        disk = SmallDisk(tmp_path, 1 << 40)
        options: dict[str, Any] = {"compactor": at_once, "keep_free": KEPT, "when_full": WhenFull.DROP_OLDEST}
        async with running(tmp_path, floats(1), clock, disk=disk, **options) as historian:
            for _ in range(4):
                historian.accept(batch(clock.wall_ns(), {0: 1.0}))
                await historian.durable()
                await clock.sleep(86_400.0)
            days = sorted({f.start for f in load_manifest(SystemDisk(), tmp_path).files})
            assert len(days) >= 2
            disk.room = KEPT + sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) - 1
            historian.accept(batch(clock.wall_ns(), {0: 2.0}))
            await historian.durable()
            assert sorted({f.start for f in load_manifest(SystemDisk(), tmp_path).files}) == days[1:]

    run_jumping(story)


def test_a_compaction_that_failed_leaves_nothing_behind(tmp_path: Path) -> None:
    async def fills(folder: Path, order: Order) -> Outcome:
        done = work(folder, order, lambda _: None)
        assert done.manifest is not None
        (folder / "cold" / "2026-01-01T00.double.000001.parquet.tmp").write_bytes(b"half")
        return Outcome(error="No space left on device")

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock, segment_bytes=1000, compactor=fills) as historian:
            await scans(historian, 0, 60)
            with pytest.raises(OperationError, match="No space"):
                await historian.compact()
            assert not list((tmp_path / "cold").glob("*0001*"))

    run_jumping(story)


def test_a_compaction_that_would_not_fit_is_not_begun(tmp_path: Path) -> None:
    async def never(folder: Path, order: Order) -> Outcome:
        raise AssertionError

    async def story(clock: JumpingClock) -> None:
        disk = SmallDisk(tmp_path, 1 << 40)
        async with running(tmp_path, floats(1), clock, disk=disk, keep_free=KEPT, compactor=never) as historian:
            await scans(historian, 0, 20)
            await clock.sleep(86_400.0)
            disk.room = KEPT + sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file()) + 600
            historian.accept(batch(clock.wall_ns(), {0: 2.0}))
            await historian.durable()
            while "kept for audit" not in historian.problem:
                await clock.sleep(10.0)

    run_jumping(story)
