from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno.historian.block import Block, Rows
from sereno.historian.historian import Historian
from sereno.historian.tags import TagBook
from sereno.model import NotConnectedError, OperationError, Quality
from sereno.testing import JumpingClock, run_jumping
from tests.historian.rig import (
    SECOND,
    T0,
    FaultyDisk,
    PowerCutDisk,
    Reader,
    ask,
    batch,
    floats,
    mixed,
    rows,
    running,
)

GOOD, BAD, STALE = 0, int(Quality.BAD), int(Quality.STALE)
LEVEL, FLOW = "north/plc1/tag0", "north/plc1/tag1"


def test_what_does_not_fit_the_queue_is_a_gap_until_it_is_stored_again(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, queue_bytes=3000) as historian:
            historian.accept(batch(T0, {0: 1.0, 1: 1.0}, objects={4: "a"}))
            await historian.durable()
            for i in range(1, 9):
                historian.accept(batch(T0 + i, {0: 1.0 + i, 1: 1.0}, objects={4: "a"}, changed=[True, False], seq=i))
            assert historian.statistics()["lost_batches"] > 0
            hot = rows(await ask(historian, "north/plc1/level", T0, T0 + 99))
            assert hot[-1][1:] == (None, BAD)
            await historian.durable()
            historian.accept(batch(T0 + 20, {0: 2.0, 1: 1.0}, objects={4: "a"}, changed=[False, False], seq=20))
            await historian.durable()
            level = rows(await ask(historian, "north/plc1/level", T0, T0 + 99))
            assert level[-2:] == [(hot[-1][0], None, BAD), (T0 + 20, 2.0, GOOD)]
            stored = [r[1] for r in level[:-2]]
            assert stored == [1.0 + i for i in range(len(stored))]
            assert rows(await ask(historian, "north/plc1/flow", T0, T0 + 99)) == [(T0, 1.0, GOOD)]
            recipe = rows(await ask(historian, "north/plc1/recipe", T0, T0 + 99))
            assert [r[1] for r in recipe] == ["a", None, "a"]
            assert historian.statistics()["queue_peak_bytes"] <= 3000

    run_jumping(story)


def test_samples_before_the_start_are_a_gap(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        historian = Historian(tmp_path, clock, floats(1))
        historian.accept(batch(T0, {0: 1.0}))
        with pytest.raises(NotConnectedError):
            await ask(historian, LEVEL, T0, T0 + 1)
        await historian.start()
        historian.accept(batch(T0 + 5, {0: 1.0}, changed=[False]))
        assert rows(await ask(historian, LEVEL, T0, T0 + 9)) == [(T0, None, BAD), (T0 + 5, 1.0, GOOD)]
        await historian.stop()

    run_jumping(story)


def test_a_second_historian_on_the_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock):
            with pytest.raises(OperationError, match=f"process {os.getpid()}") as refused:
                await Historian(tmp_path, clock, floats(1)).start()
            assert "\n" not in str(refused.value)
        async with running(tmp_path, floats(1), clock):
            pass

    run_jumping(story)


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("call", ["writes", "syncs"])
@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_failed_write_or_sync_goes_to_a_new_segment_and_nothing_is_lost(
    tmp_path: Path, call: str, number: int, short: bool
) -> None:
    async def story(clock: JumpingClock) -> None:
        disk = FaultyDisk()
        disk.short = short
        getattr(disk, call).add(number)
        async with running(tmp_path, floats(1), clock, disk=disk) as historian:
            for i in range(10):
                historian.accept(batch(T0 + i, {0: float(i)}))
                await historian.durable()
            assert historian.statistics()["failed_commits"] == 1
            assert historian.last_error
            assert not historian.problem, "it is over"
            assert [r[1] for r in rows(await ask(historian, LEVEL, T0, T0 + 99))] == [float(i) for i in range(10)]
        assert len(list((tmp_path / "log").glob("*.log"))) == (1 if number == 2 and call == "writes" else 2)
        async with running(tmp_path, floats(1), clock) as historian:
            found = rows(await ask(historian, LEVEL, T0, T0 + 99))
            assert [r[1] for r in found] == [float(i) for i in range(10)]

    run_jumping(story)


def test_a_full_disk_holds_up_and_recovers_by_itself(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        disk = FaultyDisk()
        async with running(tmp_path, floats(1), clock, disk=disk) as historian:
            historian.accept(batch(T0, {0: 0.0}))
            await historian.durable()
            disk.full = True
            historian.accept(batch(T0 + 1, {0: 1.0}))
            waiting = asyncio.ensure_future(historian.durable())
            await clock.sleep(10)
            assert not waiting.done()
            assert historian.statistics()["failed_commits"] > 3
            assert "space" in historian.problem
            assert [r[1] for r in rows(await ask(historian, LEVEL, T0, T0 + 9))] == [0.0, 1.0]
            disk.full = False
            assert await waiting == 2
            assert not historian.problem
            assert [r[1] for r in rows(await ask(historian, LEVEL, T0, T0 + 9))] == [0.0, 1.0]

    run_jumping(story)


def test_stopping_with_a_broken_disk_says_what_is_lost(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        disk = FaultyDisk()
        historian = Historian(tmp_path, clock, floats(1), disk=disk)
        await historian.start()
        disk.full = True
        historian.accept(batch(T0, {0: 0.0}))
        waiting = asyncio.ensure_future(historian.durable())
        await clock.sleep(3)
        await historian.stop()
        with pytest.raises(OperationError, match="No space left"):
            await waiting
        assert historian.statistics()["lost_batches"] == 1
        historian.accept(batch(T0 + 1, {0: 0.0}))
        assert historian.statistics()["lost_batches"] == 2

    run_jumping(story)


def test_what_is_durable_survives_a_power_cut(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        disk, folder = PowerCutDisk(), tmp_path / "data"
        async with running(folder, floats(1), clock, disk=disk, segment_bytes=500) as historian:
            for i in range(30):
                historian.accept(batch(clock.wall_ns(), {0: float(i)}, seq=i))
                await clock.sleep(0.05)
                if i % 3:
                    continue
                await historian.durable()
                left = disk.remains(folder, tmp_path / f"cut{i}")
                found = rows(Reader(left).series(floats(1).specs[0]))
                assert [r[1] for r in found if r[2] == GOOD] == [float(k) for k in range(i + 1)]
                book = TagBook(floats(1))
                assert book.load((left / "tags.jsonl").read_bytes(), left) == []
                assert book.paths() == [LEVEL]

    run_jumping(story)


def test_an_unforeseen_error_loses_its_batches_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(1), clock) as historian:
            historian.accept(batch(T0, {0: 0.0}))
            await historian.durable()
            with monkeypatch.context() as patch:
                patch.setattr("sereno.historian.writer.encode_rows", lambda _: 1 / 0)
                historian.accept(batch(T0 + 1, {0: 1.0}))
                with pytest.raises(OperationError, match="could not write"):
                    await historian.durable()
            historian.accept(batch(T0 + 2, {0: 2.0}))
            assert await historian.durable() == historian.accepted_seq
            found: list[Any] = rows(await ask(historian, LEVEL, T0, T0 + 9))
            assert [r[1] for r in found] == [0.0, None, 2.0]

    run_jumping(story)


def _past(historian: Historian) -> Block:
    """A few hundred rows of one tag, from before the others."""
    definition, n = historian._book.definition(FLOW, T0), 300
    assert definition is not None
    t = T0 - np.arange(n, 0, -1, dtype=np.int64) * SECOND
    rows_ = Rows(np.full(n, definition.id, np.int64), np.arange(n, dtype=float), t, np.zeros(n, np.uint16), None, None)
    return Block(rows_, np.full(n, historian._book.handle_of(definition.id), np.int32))


def test_who_stores_may_be_cancelled_and_the_segment_that_was_sealed_meanwhile_is_known(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, floats(2), clock, segment_bytes=2000) as historian:
            for second in range(10):
                historian.accept(batch(T0 + second * SECOND, {0: float(second), 1: 0.0}, seq=second + 1))
                await historian.durable()
            for _ in range(3):
                waits = asyncio.create_task(historian.store([_past(historian)]))
                await asyncio.sleep(0)
                waits.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waits
            historian.accept(batch(T0 + 50 * SECOND, {0: 50.0, 1: 0.0}, seq=50))
            await historian.durable()
            written = sorted(int(path.stem) for path in (tmp_path / "log").glob("*.log"))
            assert len(written) > 2
            assert [ref.outline.number for ref in historian._holdings.all_segments()] == written
            assert len(rows(await ask(historian, LEVEL, T0, T0 + 60 * SECOND))) == 11

    run_jumping(story)
