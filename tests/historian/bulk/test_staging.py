"""What is put by for an import when the disk, the client or a busy log get in the way."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sereno.client import ImportSource, ImportStage, ImportState
from sereno.historian.bulk.imports import IDLE, MAX_OPEN, StagedImports
from sereno.historian.bulk.stage import Stage, StageNote
from sereno.historian.cold.manifest import load_manifest
from sereno.historian.cold.worker import Order, Outcome, carried_out
from sereno.historian.room import WhenFull
from sereno.model import NotFoundError, OperationError
from sereno.testing import JumpingClock, run_jumping
from tests.historian.bulk.test_absorbing import OPTIONS, brought, every, long, stream
from tests.historian.cold.test_historian_cold import at_once
from tests.historian.rig import SECOND, T0, FastDisk, batch, mixed, running
from tests.historian.test_importing import ENGINEER, LEVEL, Acts
from tests.historian.test_room import KEPT, SmallDisk

DAY = 86_400 * SECOND


class FullOnce(FastDisk):
    """The disk is full in the middle of the second part, once."""

    def __init__(self) -> None:
        self.left = 4

    def extend(self, path: Path) -> Any:
        file = super().extend(path)
        append = file.append

        def limited(data: bytes) -> None:
            self.left -= 1
            if self.left == 0:
                append(data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            append(data)

        file.append = limited  # type: ignore[method-assign]
        return file


def test_a_part_that_did_not_fit_is_put_by_again_when_there_is_room(tmp_path: Path) -> None:
    stage = Stage.create(FullOnce(), tmp_path, StageNote("k", "x", "", (), "erik"))
    parts = [bytes([n]) * 100 for n in range(3)]
    stage.append(0, parts[0])
    with pytest.raises(OSError, match="No space left"):
        stage.append(1, parts[1])
    assert (tmp_path / "imports" / "k" / "parts.bin").stat().st_size == stage.size, "half a part takes no room"
    stage.append(1, parts[1])
    stage.append(2, parts[2])
    assert [bytes(part) for part in stage.read()] == parts


class Telling(FastDisk):
    """Notes what is written and synced, in order."""

    def __init__(self) -> None:
        self.did: list[str] = []

    def extend(self, path: Path) -> Any:
        file = super().extend(path)
        append = file.append

        def noted(data: bytes) -> None:
            self.did.append("append")
            append(data)

        file.append = noted  # type: ignore[method-assign]
        file.sync = lambda: self.did.append("sync")  # type: ignore[method-assign]
        return file

    def sync_folder(self, path: Path) -> None:
        self.did.append(f"sync {path.name}")


def test_a_part_that_is_acknowledged_is_on_the_disk(tmp_path: Path) -> None:
    """And so are the names that lead to it."""
    disk = Telling()
    stage = Stage.create(disk, tmp_path, StageNote("k", "x", "", (), "erik"))
    assert disk.did[-2:] == ["sync imports", f"sync {tmp_path.name}"]
    stage.append(0, b"first")
    assert disk.did[-2:] == ["sync", "sync k"]
    stage.append(1, b"second")
    assert disk.did[-1] == "sync"


class Slow(FastDisk):
    """Appending waits for `go`."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()

    def extend(self, path: Path) -> Any:
        if path.name == "parts.bin":
            self.begun.set()
            self.go.wait(60)
        return super().extend(path)


def test_a_client_that_leaves_and_sends_a_part_again_does_not_double_it(tmp_path: Path) -> None:
    disk = Slow()

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            imports = StagedImports(historian, Acts(), disk=disk, clock=clock)
            key = (await imports.stage(ImportSource("x", "", (LEVEL,)), ENGINEER)).key
            part = stream(long(LEVEL, T0 - DAY, [1.0]))
            first = asyncio.create_task(imports.put(key, 0, part, ENGINEER))
            await asyncio.to_thread(disk.begun.wait, 10)
            first.cancel()
            again = asyncio.create_task(imports.put(key, 0, part, ENGINEER))
            await asyncio.sleep(0)
            disk.go.set()
            assert await again == 1
            await imports.merge(key, ENGINEER)
            while (state := await imports.state(key, ENGINEER)).stage is ImportStage.MERGING:
                await asyncio.sleep(0.01)
            assert (state.stage, state.error, state.tally.rows) == (ImportStage.DONE, "", 1)

    run_jumping(story)


class Halting(Slow):
    """A part stops for `go` in the middle."""

    def extend(self, path: Path) -> Any:
        file = FastDisk.extend(self, path)
        append = file.append

        def halting(data: bytes) -> None:
            if self.begun.is_set() or len(data) == 64:
                append(data)
                return
            append(data[:10])
            self.begun.set()
            self.go.wait(60)
            append(data[10:])

        file.append = halting  # type: ignore[method-assign]
        return file


def test_another_import_that_begins_does_not_cut_a_part_that_is_coming(tmp_path: Path) -> None:
    disk = Halting()
    parts = [stream(long(LEVEL, T0 - DAY + n * 10 * SECOND, [1.0])) for n in range(2)]

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            imports = StagedImports(historian, Acts(), disk=disk, clock=clock)
            key = (await imports.stage(ImportSource("x", "a" * 64, (LEVEL,)), ENGINEER)).key
            first = asyncio.create_task(imports.put(key, 0, parts[0], ENGINEER))
            await asyncio.to_thread(disk.begun.wait, 10)
            await imports.stage(ImportSource("y", "b" * 64, (LEVEL,)), ENGINEER)
            disk.go.set()
            assert await first == 1
            await imports.put(key, 1, parts[1], ENGINEER)
            await imports.merge(key, ENGINEER)
            while (state := await imports.state(key, ENGINEER)).stage is ImportStage.MERGING:
                await asyncio.sleep(0.01)
            assert (state.stage, state.error, state.tally.rows) == (ImportStage.DONE, "", 2)

    run_jumping(story)


def test_imports_that_nobody_goes_on_with_are_in_the_way_of_none(tmp_path: Path) -> None:
    part = stream(long(LEVEL, T0 - DAY, [1.0]))

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            imports = StagedImports(historian, Acts(), clock=clock)
            sources = [ImportSource("x", f"{number:064}", (LEVEL,)) for number in range(MAX_OPEN + 1)]
            keys = [(await imports.stage(source, ENGINEER)).key for source in sources[:-1]]
            await imports.put(keys[0], 0, part, ENGINEER)
            with pytest.raises(OperationError, match="under way already"):
                await imports.stage(sources[-1], ENGINEER)
            await clock.sleep(IDLE / 1e9 + 1)
            await imports.stage(sources[-1], ENGINEER)
            with pytest.raises(NotFoundError, match="it goes on where it was"):
                await imports.put(keys[0], 1, part, ENGINEER)
            found = await imports.stage(sources[0], ENGINEER)
            assert (found.key, found.parts) == (keys[0], 1)
            await clock.sleep(8 * 86_400)
            await imports.stage(sources[1], ENGINEER)
            assert len(list((tmp_path / "imports").glob("*"))) == 1, "after a week they are deleted"

    run_jumping(story)


def test_what_is_written_anew_does_not_take_the_room_that_is_kept_for_audit_and_alarms(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path, KEPT + (1 << 30))

    async def on_it(folder: Path, order: Order, **_: Any) -> Outcome:
        return carried_out(disk, folder, load_manifest(disk, folder), order)

    async def story(clock: JumpingClock) -> None:
        given = {"compactor": on_it, "compact_bytes": 1 << 40, "disk": disk, "keep_free": KEPT}
        async with running(tmp_path, mixed(), clock, **given) as historian:
            noise = np.random.default_rng(1).normal(size=40_000).tolist()
            await brought(historian, long(LEVEL, T0 - DAY, noise))
            generation = load_manifest(disk, tmp_path).generation
            disk.room -= disk.free(tmp_path) - KEPT - 60_000
            lowest = [disk.free(tmp_path)]
            replace = SmallDisk.rename

            def watched(self: SmallDisk, source: Path, target: Path) -> None:
                replace(self, source, target)
                lowest.append(self.free(tmp_path))

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(SmallDisk, "rename", watched)
                state = await brought(historian, long(LEVEL, T0 - DAY + SECOND // 2, [1.0]))
            assert state.stage is ImportStage.FAILED
            assert "the disk is full" in state.error
            assert min(lowest) > KEPT
            assert load_manifest(disk, tmp_path).generation <= generation + 1

    run_jumping(story)


def test_a_log_that_is_sealed_again_meanwhile_is_not_in_the_way(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async def compactor(folder: Path, order: Order, **told: Any) -> Outcome:
            if order.segments and not busy:
                index = historian._recorder.index
                historian._recorder.index = lambda view: (time.sleep(0.3), index(view))[1]  # type: ignore[method-assign]
                for n in range(1, 4):
                    busy.append(historian.accept(batch(T0 + n * SECOND, {0: 9.0 + n, 1: 2.0})))
                    await historian.durable()
            return await at_once(folder, order, **told)

        busy: list[None] = []
        given: dict[str, Any] = {"compactor": compactor, "compact_bytes": 1 << 40, "segment_bytes": 1}
        async with running(tmp_path, mixed(), clock, **given) as historian:
            historian.accept(batch(T0, {0: 9.0}))
            state = await brought(historian, long(LEVEL, T0 - DAY, [1.0, 2.0]))
            assert (state.stage, state.error) == (ImportStage.DONE, "")
            assert [v for _, v, _ in await every(historian, LEVEL)] == [1.0, 2.0, None, 9.0, 10.0, 11.0, 12.0]
            await historian._indexing.settled()
            await historian.compact()
            assert [v for _, v, _ in await every(historian, LEVEL)] == [1.0, 2.0, None, 9.0, 10.0, 11.0, 12.0]

    run_jumping(story)


def test_samples_of_the_future_are_refused(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            state = await brought(historian, long(LEVEL, clock.wall_ns() + DAY, [1.0, 2.0]))
            assert state.stage is ImportStage.FAILED
            assert "'north/plc1/level' has samples of 2026-01-02" in state.error
            assert "yet to come" in state.error
            assert await every(historian, LEVEL) == []

    run_jumping(story)


def test_rows_without_their_columns_say_so(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            part = {"tag": [LEVEL], "t": pa.array([T0 - DAY], pa.int64())}
            state = await brought(historian, part)
            assert state.stage is ImportStage.FAILED
            assert "part 0" in state.error
            assert "value" in state.error

    run_jumping(story)


def test_what_was_not_merged_is_kept_and_merged_again_with_the_reason_shown(tmp_path: Path) -> None:
    """At once, or by the same source after a restart."""
    source = ImportSource("x", "a" * 64, (LEVEL,))
    killed = [True, True]

    async def dies(folder: Path, order: Order, **told: Any) -> Outcome:
        if order.absorption is not None and killed:
            killed.pop()
            return Outcome()
        return await at_once(folder, order, **told)

    async def merged(imports: StagedImports, key: str) -> ImportState:
        await imports.merge(key, ENGINEER)
        while (state := await imports.state(key, ENGINEER)).stage is ImportStage.MERGING:
            await asyncio.sleep(0.01)
        return state

    async def story(clock: JumpingClock) -> None:
        given: dict[str, Any] = {"compactor": dies, "compact_bytes": 1 << 40}
        async with running(tmp_path, mixed(), clock, **given) as historian:
            acts = Acts()
            imports = StagedImports(historian, acts, clock=clock)
            key = (await imports.stage(source, ENGINEER)).key
            await imports.put(key, 0, stream(long(LEVEL, T0 - DAY, [1.0, 2.0])), ENGINEER)
            for _ in range(2):
                state = await merged(imports, key)
                assert (state.stage, state.kept, state.parts) == (ImportStage.FAILED, True, 1)
                assert "the compactor ended without an answer" in state.error
            assert await every(historian, LEVEL) == []
        async with running(tmp_path, mixed(), clock, **given) as historian:
            imports = StagedImports(historian, acts, clock=clock)
            found = await imports.stage(source, ENGINEER)
            assert (found.key, found.parts) == (key, 1)
            assert "the compactor ended without an answer" in found.error
            state = await merged(imports, key)
            assert (state.stage, state.error, state.kept, state.tally.rows) == (ImportStage.DONE, "", False, 2)
            assert [v for _, v, _ in await every(historian, LEVEL)] == [1.0, 2.0, None]
            assert not list((tmp_path / "imports").glob("*"))
        assert [a[3].partition(":")[0] for a in acts.seen] == ["begun", "failed", "failed", "resumed", "done"]

    run_jumping(story)


def test_what_was_not_merged_can_be_given_up(tmp_path: Path) -> None:
    async def dies(folder: Path, order: Order, **told: Any) -> Outcome:
        return Outcome() if order.absorption is not None else await at_once(folder, order, **told)

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, compactor=dies, compact_bytes=1 << 40) as historian:
            imports = StagedImports(historian, Acts(), clock=clock)
            key = (await imports.stage(ImportSource("x", "", (LEVEL,)), ENGINEER)).key
            await imports.put(key, 0, stream(long(LEVEL, T0 - DAY, [1.0])), ENGINEER)
            await imports.merge(key, ENGINEER)
            while (await imports.state(key, ENGINEER)).stage is ImportStage.MERGING:
                await asyncio.sleep(0.01)
            await imports.cancel(key, ENGINEER)
            assert (await imports.state(key, ENGINEER)).stage is ImportStage.CANCELLED
            assert not list((tmp_path / "imports").glob("*"))

    run_jumping(story)


@pytest.mark.parametrize("when_full", WhenFull)
@pytest.mark.parametrize("many", [1, 2])
def test_recording_on_a_full_disk_goes_before_imports_that_merge(
    tmp_path: Path, many: int, when_full: WhenFull
) -> None:
    """It waited until the import was over, or the next one: nothing was recorded meanwhile."""
    begun = asyncio.Event()

    async def lasting(folder: Path, order: Order, **told: Any) -> Outcome:
        if order.absorption is None:
            return await at_once(folder, order, **told)
        (folder / "cold").mkdir(exist_ok=True)
        (folder / "cold" / "2025-12-31T00.double.000002.parquet").write_bytes(bytes(1 << 20))
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def story(clock: JumpingClock) -> None:
        disk = SmallDisk(tmp_path, KEPT + (1 << 30))
        given = {"compactor": lasting, "compact_bytes": 1 << 40, "disk": disk, "keep_free": KEPT}
        async with running(tmp_path, mixed(), clock, when_full=when_full, **given) as historian:
            historian.accept(batch(T0, {0: 1.0}))
            await historian.durable()
            await historian.compact()
            imports = StagedImports(historian, Acts(), clock=clock)
            keys = [(await imports.stage(ImportSource("x", "", (LEVEL,)), ENGINEER)).key for _ in range(many)]
            for key in keys:
                await imports.put(key, 0, stream(long(LEVEL, T0 - DAY, [1.0])), ENGINEER)
            await asyncio.gather(*(imports.merge(key, ENGINEER) for key in keys))
            await begun.wait()
            disk.room -= disk.free(tmp_path) - KEPT + 1000
            historian.accept(batch(T0 + SECOND, {0: 2.0}))
            await historian.durable()
            for key in keys:
                while (state := await imports.state(key, ENGINEER)).stage is ImportStage.MERGING:
                    await asyncio.sleep(0.01)
                assert state.kept
                assert "recording goes first" in state.error
            assert [v for _, v, _ in await every(historian, LEVEL)] == [1.0, 2.0], "nothing had to be deleted"

    run_jumping(story)


class Looking(FastDisk):
    """Who looks first at what is put by stops for `go`; a part stops for `rest` in its middle."""

    def __init__(self) -> None:
        self.looked, self.go, self.half, self.rest = (threading.Event() for _ in range(4))

    def read(self, path: Path) -> bytes:
        data = super().read(path)
        if path.name == "note.json" and not self.looked.is_set():
            self.looked.set()
            self.go.wait(60)
        return data

    def extend(self, path: Path) -> Any:
        file = super().extend(path)
        append = file.append

        def halting(data: bytes) -> None:
            append(data[:10])
            self.half.set()
            self.rest.wait(60)
            append(data[10:])

        file.append = halting  # type: ignore[method-assign]
        return file


def test_two_that_begin_the_same_import_at_once_have_one(tmp_path: Path) -> None:
    """Each opened what was put by for itself: the one cut off what came for the other."""
    source = ImportSource("x", "a" * 64, (LEVEL,))
    parts = [stream(long(LEVEL, T0 - DAY + n * 10 * SECOND, [1.0])) for n in range(3)]
    disk = Looking()

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            before = StagedImports(historian, Acts(), clock=clock)
            await before.put((await before.stage(source, ENGINEER)).key, 0, parts[0], ENGINEER)
            imports = StagedImports(historian, Acts(), disk=disk, clock=clock)

            async def quick() -> int:
                return await imports.put((await imports.stage(source, ENGINEER)).key, 1, parts[1], ENGINEER)

            first = asyncio.create_task(imports.stage(source, ENGINEER))
            await asyncio.to_thread(disk.looked.wait, 10)
            other = asyncio.create_task(quick())
            await asyncio.to_thread(disk.half.wait, 0.3)
            disk.go.set()
            key = (await first).key
            disk.rest.set()
            assert await other == 2
            assert await imports.put(key, 2, parts[2], ENGINEER) == 3
            await imports.merge(key, ENGINEER)
            while (state := await imports.state(key, ENGINEER)).stage is ImportStage.MERGING:
                await asyncio.sleep(0.01)
            assert (state.stage, state.error, state.tally.rows) == (ImportStage.DONE, "", 3)

    run_jumping(story)


def test_what_failed_when_it_was_nearly_done_can_be_given_up(tmp_path: Path) -> None:
    """It was said to be finishing for ever."""

    async def dies(folder: Path, order: Order, **told: Any) -> Outcome:
        if order.absorption is not None:
            told["progress"](1.0)
            raise OSError(errno.EIO, "Input/output error")
        return await at_once(folder, order, **told)

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, compactor=dies, compact_bytes=1 << 40) as historian:
            imports = StagedImports(historian, Acts(), clock=clock)
            key = (await imports.stage(ImportSource("x", "", (LEVEL,)), ENGINEER)).key
            await imports.put(key, 0, stream(long(LEVEL, T0 - DAY, [1.0])), ENGINEER)
            await imports.merge(key, ENGINEER)
            while (await imports.state(key, ENGINEER)).stage is ImportStage.MERGING:
                await asyncio.sleep(0.01)
            assert (await imports.state(key, ENGINEER)).kept
            await imports.cancel(key, ENGINEER)
            assert (await imports.state(key, ENGINEER)).stage is ImportStage.CANCELLED
            assert not list((tmp_path / "imports").glob("*"))

    run_jumping(story)


def test_an_import_that_is_gone_on_with_is_not_deleted_a_week_after_it_began(tmp_path: Path) -> None:
    part = stream(long(LEVEL, T0 - DAY, [1.0]))
    source = ImportSource("x", "a" * 64, (LEVEL,))

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            imports = StagedImports(historian, Acts(), clock=clock)
            key = (await imports.stage(source, ENGINEER)).key
            await imports.put(key, 0, part, ENGINEER)
            await clock.sleep(6 * 86_400)
            assert (await StagedImports(historian, Acts(), clock=clock).stage(source, ENGINEER)).parts == 1
            await clock.sleep(2 * 86_400)
            imports = StagedImports(historian, Acts(), clock=clock)
            await imports.stage(ImportSource("y", "b" * 64, (LEVEL,)), ENGINEER)
            found = await imports.stage(source, ENGINEER)
            assert (found.key, found.parts) == (key, 1)

    run_jumping(story)


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    """NaT of numpy and pandas, as a number."""

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            nat = pa.array([-(1 << 63), T0 - DAY], pa.int64())
            state = await brought(historian, {"t": nat, LEVEL: pa.array([1.0, 2.0])})
            assert state.stage is ImportStage.FAILED
            assert "NaT" in state.error
            assert not state.kept

    run_jumping(story)
