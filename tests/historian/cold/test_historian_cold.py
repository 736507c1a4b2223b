"""A running historian that compacts: its answers, its restarts, its limits, its queries under way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sereno.client import HistoryRequest
from sereno.historian.cold.keeper import Progress, in_own_process
from sereno.historian.cold.manifest import load_manifest
from sereno.historian.cold.worker import Order, Outcome, work
from sereno.historian.disk import SystemDisk
from sereno.historian.historian import Historian
from sereno.historian.parts import parts
from sereno.historian.retention import Removed
from sereno.model import OperationError, SystemClock
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import SECOND, T0, VIEWER, FastDisk, Reader, ask, batch, floats, rows, running

LEVEL = "north/plc1/tag0"
DAY = 86_400 * SECOND


async def at_once(folder: Path, order: Order, progress: Progress = lambda _: None) -> Outcome:
    """A compactor without a process."""
    return work(folder, order, lambda outcome: progress(outcome.progress))


async def filled(historian: Historian, n: int, first: int = 0) -> None:
    for i in range(first, first + n):
        historian.accept(batch(T0 + i * SECOND, {0: float(i), 1: 1.0}, changed=[True, i == 0]))
        await historian.durable()


def names(folder: Path, pattern: str) -> list[str]:
    return sorted(p.name for p in folder.glob(pattern))


def test_answers_stay_and_the_log_goes(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        options: dict[str, Any] = {"segment_bytes": 2000, "compactor": at_once, "compact_bytes": 1 << 40}
        async with running(tmp_path, floats(2), clock, **options) as historian:
            await filled(historian, 100)
            before = rows(await ask(historian, LEVEL, T0, T0 + 200 * SECOND))
            assert len(before) == 100
            await historian.compact()
            assert rows(await ask(historian, LEVEL, T0, T0 + 200 * SECOND)) == before
            assert len(names(tmp_path, "log/*.log")) == 1
            assert names(tmp_path, "cold/*.double.*.parquet") == ["2026-01-01T00.double.000001.parquet"]
            assert historian.statistics()["cold_samples"] > 80
            await filled(historian, 50, 100)
            await historian.compact()
            assert len(names(tmp_path, "cold/*.double.*.parquet")) == 1
        async with running(tmp_path, floats(2), clock, **options) as historian:
            after = rows(await ask(historian, LEVEL, T0, T0 + 200 * SECOND))
            assert [r for r in after if r[1] is not None] == [(T0 + i * SECOND, float(i), 0) for i in range(150)]
            steady = await ask(historian, "north/plc1/tag1", T0 + 90 * SECOND, T0 + 99 * SECOND)
            assert rows(steady) == [(T0, 1.0, 0)]

    run_jumping(story)


def test_a_day_that_is_over_is_compacted_without_being_asked(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock, compactor=at_once) as historian:
            await filled(historian, 3)
            await clock.sleep(2 * 86_400.0)
            historian.accept(batch(clock.wall_ns(), {0: 7.0}))
            await historian.durable()
            while not historian.statistics()["compactions"]:
                await clock.sleep(30.0)
            assert load_manifest(SystemDisk(), tmp_path).compacted == 1

    run_jumping(story)


def test_a_failed_compaction_changes_nothing_and_is_shown(tmp_path: Path) -> None:
    async def fails(folder: Path, order: Order) -> Outcome:
        return Outcome(error="No space left on device")

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock, segment_bytes=2000, compactor=fails) as historian:
            await filled(historian, 60)
            log = names(tmp_path, "log/*.log")
            with pytest.raises(OperationError, match="No space left"):
                await historian.compact()
            assert names(tmp_path, "log/*.log") == log
            assert len(rows(await ask(historian, LEVEL, T0, T0 + 200 * SECOND))) == 60

    run_jumping(story)


class _NoIndex(FastDisk):
    """Refuses the index of one segment while `refuses`."""

    refuses = "000000000002.idx"

    def replace(self, path: Path, data: bytes) -> None:
        if path.name == self.refuses:
            raise OSError(28, "No space left on device")
        super().replace(path, data)


def test_a_segment_whose_index_the_disk_refused_is_not_passed_over(tmp_path: Path) -> None:
    disk = _NoIndex()

    async def story(clock: JumpingClock) -> None:
        options: dict[str, Any] = {"segment_bytes": 2000, "compactor": at_once, "compact_bytes": 1 << 40}
        async with running(tmp_path, floats(2), clock, disk=disk, **options) as historian:
            await filled(historian, 100)
            before = rows(await ask(historian, LEVEL, T0, T0 + 200 * SECOND))
            await historian.compact()
            assert load_manifest(SystemDisk(), tmp_path).compacted == 1
            assert rows(await ask(historian, LEVEL, T0, T0 + 200 * SECOND)) == before
            disk.refuses = ""
            while historian._holdings.segments[0].held is not None:
                await clock.sleep(60.0)
            await historian.compact()
            assert rows(await ask(historian, LEVEL, T0, T0 + 200 * SECOND)) == before
            assert len(names(tmp_path, "log/*.log")) == 1

    run_jumping(story)


def test_the_oldest_goes_first_and_is_told(tmp_path: Path) -> None:
    told: list[Removed] = []

    async def story(clock: JumpingClock) -> None:
        options: dict[str, Any] = {"compactor": at_once, "max_age": 5 * 86_400.0, "removed": told.append}
        async with running(tmp_path, floats(1), clock, **options) as historian:
            for _ in range(9):
                historian.accept(batch(clock.wall_ns(), {0: 1.0}))
                await historian.durable()
                await clock.sleep(86_400.0)
            await clock.sleep(300.0)
            days = sorted({f.start for f in load_manifest(SystemDisk(), tmp_path).files})
            assert all(clock.wall_ns() - day <= 6 * DAY + 600 * SECOND for day in days)
            assert days
            assert told[0].segments == ()
            assert told[0].end - told[0].start == DAY

    run_jumping(story)


def test_files_stay_until_the_queries_that_saw_them_have_ended(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock, segment_bytes=2000, compactor=at_once) as historian:
            await filled(historian, 60)
            log = names(tmp_path, "log/*.log")
            holdings = historian._holdings
            holdings.begin("slow")
            await historian.compact()
            assert names(tmp_path, "log/*.log") == log
            assert len(rows(await ask(historian, LEVEL, T0, T0 + 99 * SECOND))) == 60
            holdings.end("slow")
            assert len(names(tmp_path, "log/*.log")) == 1

    run_jumping(story)


def test_a_copy_made_while_it_compacts_has_everything(tmp_path: Path) -> None:
    folder, copy = tmp_path / "history", tmp_path / "copy"

    async def copied(clock: JumpingClock) -> None:
        options: dict[str, Any] = {"segment_bytes": 2000, "compactor": at_once, "compact_bytes": 1 << 40}
        async with running(folder, floats(2), clock, **options) as historian:
            await filled(historian, 60)
            await historian.compact()
            await filled(historian, 40, 60)
            for number, part in enumerate(parts(folder)):
                target = copy / part.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(part.path.read_bytes()[: part.size])
                if number == 0:
                    await historian.compact()

    run_jumping(copied)
    series = Reader(copy).series(floats(1).specs[0])
    assert [r[1] for r in rows(series)] == [float(i) for i in range(100)]


async def test_the_process_compacts_and_ends(tmp_path: Path) -> None:
    historian = Historian(tmp_path, SystemClock(), floats(2), segment_bytes=2000, compactor=in_own_process)
    await historian.start()
    try:
        await filled(historian, 60)
        await historian.compact()
        (series,) = await historian.query(HistoryRequest((LEVEL,), T0, T0 + 99 * SECOND), VIEWER)
        assert series.value.tolist() == [float(i) for i in range(60)]
        assert load_manifest(SystemDisk(), tmp_path).compacted > 1
    finally:
        await historian.stop()


async def test_a_compactor_that_fails_says_why(tmp_path: Path) -> None:
    outcome = await in_own_process(tmp_path, Order((999,)))
    assert "000000000999.log" in outcome.error
    assert outcome.manifest is None


class _FolderFails(FastDisk):
    """The folder cannot be synced while `fails`: a name that was given counts all the same."""

    fails = False

    def sync_folder(self, path: Path) -> None:
        if self.fails and path.name == "cold":
            raise OSError(5, "Input/output error")


def test_a_manifest_that_counts_although_saving_it_failed_keeps_its_files(tmp_path: Path) -> None:
    disk, answers = _FolderFails(), [True]

    async def sometimes(folder: Path, order: Order) -> Outcome:
        return await at_once(folder, order) if answers.pop() else Outcome(error="killed")

    async def story(clock: JumpingClock) -> None:
        async with running(
            tmp_path, floats(2), clock, disk=disk, segment_bytes=2000, compactor=sometimes, compact_bytes=1 << 40
        ) as historian:
            await filled(historian, 60)
            disk.fails = True
            with pytest.raises(OSError, match="Input/output"):
                await historian.compact()
            disk.fails = False
            listed = load_manifest(SystemDisk(), tmp_path).kept()
            assert listed
            answers.append(False)
            with pytest.raises(OperationError, match="killed"):
                await historian.compact()
            assert listed <= set(names(tmp_path, "cold/*"))

    run_jumping(story)
