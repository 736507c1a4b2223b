"""Many imported samples at once: in the right place, marked, once; cold days and the hot log both stay right."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from sereno.client import ImportSource, ImportStage, ImportState
from sereno.historian.bulk.absorbing import Absorption, absorb
from sereno.historian.bulk.alone import StoppedHistory
from sereno.historian.bulk.imports import StagedImports
from sereno.historian.bulk.stage import Stage, StageNote, staged
from sereno.historian.cold.manifest import load_manifest, save_manifest
from sereno.historian.cold.verifying import verify
from sereno.historian.disk import SystemDisk
from sereno.historian.historian import Historian
from sereno.model import DeniedError, NotFoundError, OperationError, Quality
from sereno.testing import JumpingClock, run_jumping
from tests.historian.cold.test_historian_cold import at_once
from tests.historian.rig import (
    SECOND,
    T0,
    VIEWER,
    FastDisk,
    Reader,
    ask,
    batch,
    compacted,
    floats,
    mixed,
    rows,
    running,
)
from tests.historian.test_importing import ENGINEER, FLOW, LEVEL, RECIPE, SERIAL, TOTAL, Acts
from tests.historian.test_room import KEPT, SmallDisk

IMPORTED, BAD = int(Quality.IMPORTED), int(Quality.BAD)
DAY = 86_400 * SECOND
OPTIONS: dict[str, Any] = {"compactor": at_once, "compact_bytes": 1 << 40}


def stream(columns: dict[str, Any]) -> bytes:
    """A part."""
    batch = pa.RecordBatch.from_pydict(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def times(first: int, n: int, step: int = SECOND) -> Any:
    return pa.array(np.arange(n, dtype=np.int64) * step + first)


def long(tag: str, first: int, values: list[Any], kind: Any = None) -> dict[str, Any]:
    return {"tag": [tag] * len(values), "t": times(first, len(values)), "value": pa.array(values, kind)}


async def brought(
    historian: Historian, *parts: dict[str, Any], tags: tuple[str, ...] = (), acts: Acts | None = None
) -> ImportState:
    found = tags or tuple(dict.fromkeys(tag for part in parts for tag in _tags(part)))
    imports = StagedImports(historian, acts or Acts(), clock=historian._clock)
    key = (await imports.stage(ImportSource("old.parquet", "", found), ENGINEER)).key
    for number, part in enumerate(parts):
        assert await imports.put(key, number, stream(part), ENGINEER) == number + 1
    await imports.merge(key, ENGINEER)
    while (state := await imports.state(key, ENGINEER)).stage is ImportStage.MERGING:
        await asyncio.sleep(0.01)
    assert bool(list((historian.folder / "imports").glob("*"))) is state.kept
    return state


def _tags(part: dict[str, Any]) -> list[str]:
    return list(part["tag"]) if "tag" in part else [name for name in part if name not in ("t", "quality")]


async def every(historian: Historian, path: str, start: int = T0 - 10 * DAY) -> list[tuple[int, Any, int]]:
    return rows(await ask(historian, path, start, T0 + 10 * DAY))


def whole(folder: Path) -> None:
    assert not [one for one in verify(SystemDisk(), folder) if one.faults]


def test_the_past_before_the_first_sample_ends_where_it_ends(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            historian.accept(batch(T0, {0: 9.0}))
            acts, early = Acts(), T0 - 1000 * SECOND
            state = await brought(historian, long(LEVEL, early, [1.0, None, 3.0]), acts=acts)
            assert (state.stage, state.tally.rows, state.tally.new) == (ImportStage.DONE, 3, 3)
            assert await every(historian, LEVEL) == [
                (early, 1.0, IMPORTED),
                (early + SECOND, None, BAD),
                (early + 2 * SECOND, 3.0, IMPORTED),
                (early + 3 * SECOND, None, BAD),
                (T0, 9.0, 0),
            ]
            assert [a[:4] for a in acts.seen] == [
                ("erik", "history.import", "old.parquet", "begun"),
                ("erik", "history.import", "old.parquet", "done"),
            ]
            assert acts.seen[1][4] == {"rows": 3, "new": 3, "from_ns": early, "to_ns": early + 2 * SECOND}
        whole(tmp_path)

    run_jumping(story)


def test_what_held_before_holds_again_after_an_import_into_the_middle(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            historian.accept(batch(T0, {0: 9.0}))
            historian.accept(batch(T0 + 100 * SECOND, {0: 10.0}))
            await clock.sleep(1000)
            await brought(historian, long(LEVEL, T0 + 10 * SECOND, [1.0, 2.0]))
            found = await every(historian, LEVEL)
            assert [((t - T0) // SECOND, v) for t, v, _ in found] == [(0, 9), (10, 1), (11, 2), (12, 9), (100, 10)]

    run_jumping(story)


def test_once_more_changes_nothing(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            parts = (
                {"t": times(T0 - DAY, 3), LEVEL: pa.array([1.0, None, 3.0]), FLOW: pa.array([4.0, 5.0, 6.0])},
                long(TOTAL, T0 - DAY, [2**60 + 1, None, 7], pa.int64()),
                long(SERIAL, T0 - DAY, [2**64 - 1, 12, 3], pa.uint64()),
                long(RECIPE, T0 - DAY, ["a", "b", None], pa.string()),
            )
            tags = (LEVEL, FLOW, TOTAL, SERIAL, RECIPE)
            assert (await brought(historian, *parts)).tally.new == 15
            before = [await every(historian, tag) for tag in tags]
            assert before[2][0] == (T0 - DAY, 2**60 + 1, IMPORTED)
            assert before[3][0] == (T0 - DAY, 2**64 - 1, IMPORTED)
            assert before[4][1] == (T0 - DAY + SECOND, "b", IMPORTED)
            generation = historian._holdings.cold.view.manifest.files
            assert (await brought(historian, *parts)).tally.new == 0
            assert [await every(historian, tag) for tag in tags] == before
            assert historian._holdings.cold.view.manifest.files == generation, "no file is written anew"
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            assert [await every(historian, tag) for tag in tags] == before

    run_jumping(story)


def test_into_days_that_are_cold_and_into_what_is_hot(tmp_path: Path) -> None:
    """Recorded and imported samples of the same time: the imported one counts; everything else stays."""

    async def story(clock: JumpingClock) -> None:
        plant = floats(2)
        tag, other = (spec.path for spec in plant.specs)
        async with running(tmp_path, plant, clock, **OPTIONS) as historian:
            for i in range(40):
                historian.accept(batch(T0 + i * SECOND, {0: float(i), 1: -1.0 * i}))
                await historian.durable()
                if i == 20:
                    await historian.compact()
            await clock.sleep(3600)
            changed = {T0 + i * SECOND: 1000.0 + i for i in (5, 6, 20, 21, 35, 39)}
            part = {"tag": [tag] * 6, "t": list(changed), "value": list(changed.values())}
            part["t"] = pa.array(part["t"], pa.int64())
            assert (await brought(historian, part)).tally.new == 6
            expected = {T0 + i * SECOND: float(i) for i in range(40)} | changed
            assert {t: v for t, v, _ in await every(historian, tag) if t < T0 + 40 * SECOND} == expected
            assert [v for _, v, _ in await every(historian, other)] == [-1.0 * i for i in range(40)]
            historian.accept(batch(T0 + 7200 * SECOND, {0: 7.0, 1: 7.0}))
            await historian.durable()
        async with running(tmp_path, plant, clock, **OPTIONS) as historian:
            assert {t: v for t, v, _ in await every(historian, tag) if t < T0 + 40 * SECOND} == expected
            assert [r[:2] for r in await every(historian, tag)][-2:] == [
                (T0 + 43 * SECOND, 39.0),
                (T0 + 7200 * SECOND, 7.0),
            ]
        whole(tmp_path)

    run_jumping(story)


@pytest.mark.parametrize("shape", ["wide", "by time", "by tag", "shuffled"])
def test_days_of_samples_in_any_order_with_their_roll_ups(tmp_path: Path, shape: str) -> None:
    plant, n, step = floats(3), 3000, 60 * SECOND
    paths = [spec.path for spec in plant.specs]
    chance = np.random.default_rng(4)
    values = np.round(chance.normal(size=(3, n)), 2)
    t = np.arange(n, dtype=np.int64) * step + T0 - 5 * DAY

    def parts() -> list[dict[str, Any]]:
        if shape == "wide":
            cuts = [slice(a, a + 700) for a in range(0, n, 700)]
            return [{"t": pa.array(t[c])} | {p: pa.array(values[i][c]) for i, p in enumerate(paths)} for c in cuts]
        tag, at = np.repeat(np.arange(3), n), np.tile(np.arange(n), 3)
        order = np.lexsort((at, tag) if shape == "by tag" else (tag, at))
        order = chance.permutation(3 * n) if shape == "shuffled" else order
        tag, at = tag[order], at[order]
        cuts = [slice(a, a + 1000) for a in range(0, 3 * n, 1000)]
        return [
            {"tag": [paths[k] for k in tag[c]], "t": pa.array(t[at[c]]), "value": pa.array(values[tag[c], at[c]])}
            for c in cuts
        ]

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, plant, clock, **OPTIONS) as historian:
            state = await brought(historian, *parts())
            assert (state.tally.rows, state.tally.new) == (3 * n, 3 * n)
            for i, path in enumerate(paths):
                found = await every(historian, path)
                assert [(at, v) for at, v, _ in found] == [
                    *zip(t.tolist(), values[i].tolist(), strict=True),
                    (t[-1] + step, None),
                ]
                series = await ask(historian, path, T0 - 5 * DAY, T0 - 3 * DAY, 8)
                assert series.low is not None
                assert series.low.tolist() == [values[i][k : k + 360].min() for k in range(0, 2880, 360)]
                assert series.value.tolist() == pytest.approx(
                    [values[i][k : k + 360].mean() for k in range(0, 2880, 360)]
                )
        whole(tmp_path)

    run_jumping(story)


def test_an_import_goes_on_where_it_was_after_a_restart(tmp_path: Path) -> None:
    source = ImportSource("old.parquet", "ab" * 32, (LEVEL,))
    first, second = (stream(long(LEVEL, T0 - DAY + i * 10 * SECOND, [1.0, 2.0])) for i in range(2))

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            imports = StagedImports(historian, Acts(), clock=clock)
            key = (await imports.stage(source, ENGINEER)).key
            await imports.put(key, 0, first, ENGINEER)
            with pytest.raises(ValueError, match=r"part 2 of 'old.parquet' comes before part 1"):
                await imports.put(key, 2, second, ENGINEER)
            assert (await imports.stage(source, ENGINEER)).parts == 1
        with (tmp_path / "imports" / key / "parts.bin").open("ab") as file:
            file.write(b"half a part")
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            acts = Acts()
            imports = StagedImports(historian, acts, clock=clock)
            found = await imports.stage(source, ENGINEER)
            assert (found.key, found.parts) == (key, 1)
            assert acts.seen[0][3] == "resumed"
            assert await imports.put(key, 0, first, ENGINEER) == 1, "what is there already is left out"
            await imports.put(key, 1, second, ENGINEER)
            await imports.merge(key, ENGINEER)
            while (state := await imports.state(key, ENGINEER)).stage is ImportStage.MERGING:
                await asyncio.sleep(0.01)
            assert (state.tally.rows, state.tally.new) == (4, 4)
            assert [v for _, v, _ in await every(historian, LEVEL)] == [1.0, 2.0, 1.0, 2.0, None]

    run_jumping(story)


class Breaks(FastDisk):
    """Fails at the call of a number, and at all that follow."""

    def __init__(self, number: int) -> None:
        self.left = number

    def _call(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(5, "Input/output error")

    def create(self, path: Path) -> Any:
        self._call()
        file, sync = super().create(path), self._call
        file.sync = sync  # type: ignore[method-assign]
        return file

    def rename(self, source: Path, target: Path) -> None:
        self._call()
        super().rename(source, target)


def test_broken_off_at_any_write_nothing_has_changed(tmp_path: Path) -> None:
    """And the same import then succeeds; what it left is not listed."""
    plant = floats(2)
    paths = [spec.path for spec in plant.specs]

    async def recorded(clock: JumpingClock) -> None:
        async with running(tmp_path, plant, clock, **OPTIONS) as historian:
            historian.accept(batch(T0, {0: 1.0, 1: 2.0}))
            await historian.durable()

    run_jumping(recorded)
    compacted(tmp_path)
    stage = Stage.create(SystemDisk(), tmp_path, StageNote("key", "x", "", tuple(paths), "erik"))
    t = times(T0 - 3600 * SECOND, 5000)
    stage.append(0, stream({"t": t, paths[0]: pa.array(np.arange(5000.0)), paths[1]: pa.array(np.ones(5000))}))
    ids = {int(spec.id): -(1 << 62) for spec in plant.specs}
    manifest = load_manifest(SystemDisk(), tmp_path)
    before = [rows(Reader(tmp_path).series(spec, 0)) for spec in plant.specs]
    for number in range(1000):
        try:
            done = absorb(Breaks(number), tmp_path, manifest, Absorption("key", ids, 1 << 62))
        except OSError:
            assert load_manifest(SystemDisk(), tmp_path) == manifest
            assert [rows(Reader(tmp_path).series(spec, 0)) for spec in plant.specs] == before
            whole(tmp_path)
        else:
            break
    assert number > 20
    save_manifest(SystemDisk(), tmp_path, done.done.manifest)
    whole(tmp_path)
    assert done.new == 10_000
    found = rows(Reader(tmp_path).series(plant.specs[0], 0))
    assert [v for _, v, _ in found if v is not None][:5000] == [*map(float, range(5000))]


def test_a_part_that_was_damaged_on_the_disk_is_refused(tmp_path: Path) -> None:
    stage = Stage.create(SystemDisk(), tmp_path, StageNote("key", "x", "ab", (LEVEL,), "erik"))
    for number in range(2):
        stage.append(number, stream(long(LEVEL, T0 + number, [1.0])))
    path = tmp_path / "imports" / "key" / "parts.bin"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    (found,) = staged(SystemDisk(), tmp_path)
    with pytest.raises(OperationError, match="part 0 of the import 'x' is damaged"):
        list(found.read())
    path.write_bytes(data[:-10])
    assert Stage.open(SystemDisk(), path.parent).parts == 1, "what did not come whole is cut off"


def test_into_the_history_of_a_node_that_does_not_run(tmp_path: Path) -> None:
    early = T0 - DAY

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            historian.accept(batch(T0, {0: 9.0}))
            await historian.durable()
            with pytest.raises(OperationError, match="in use by process"):
                StoppedHistory(SystemDisk(), tmp_path)
        with StoppedHistory(SystemDisk(), tmp_path) as history:
            assert history.tags()[LEVEL].unit == "m"
            parts = [stream(long(LEVEL, early, [1.0, 2.0]))]
            with pytest.raises(NotFoundError, match="never had a sample"):
                history.bring(StageNote("k", "x", "", ("a/b",), "console"), parts, T0)
            killed = StageNote("j", "x", "a" * 64, (LEVEL,), "console")
            Stage.create(SystemDisk(), tmp_path, killed).append(0, parts[0])
            done = history.bring(StageNote("k", "x", "a" * 64, (LEVEL,), "console"), parts, T0)
            assert (done.rows, done.new) == (2, 2)
        assert not list((tmp_path / "imports").glob("*"))
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            found = await every(historian, LEVEL)
            assert [r[:2] for r in found][:4] == [
                (early, 1.0),
                (early + SECOND, 2.0),
                (early + 2 * SECOND, None),
                (T0, 9.0),
            ]
        whole(tmp_path)

    run_jumping(story)


def test_also_there_it_takes_no_room_that_is_kept_for_audit_and_alarms(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            historian.accept(batch(T0, {0: 9.0}))
            await historian.durable()

    run_jumping(story)
    disk = SmallDisk(tmp_path, KEPT + 20_000)
    part = stream(long(LEVEL, T0 - DAY, np.random.default_rng(1).normal(size=100).tolist()))
    with StoppedHistory(disk, tmp_path, KEPT) as history:
        for room, parts in ((12_000, [part] * 9), (6_000, [part])):
            disk.room -= disk.free(tmp_path) - KEPT - room
            note = StageNote("k", "x", "", (LEVEL,), "console")
            with pytest.raises(OSError, match="the disk is full"):
                history.bring(note, parts, T0)
            assert not list((tmp_path / "imports").glob("*"))
        disk.room += 100_000
        assert history.bring(note, [part], T0).new == 100


def test_a_cancelled_import_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def never(folder: Path, order: Any, **_: Any) -> Any:
        if order.absorption is None:
            return await at_once(folder, order)
        (folder / "cold").mkdir(exist_ok=True)
        (folder / "cold" / "2025-12-31T00.double.000001.parquet").write_bytes(b"half")
        begun.set()
        await asyncio.Event().wait()
        return None

    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, compactor=never, compact_bytes=1 << 40) as historian:
            acts = Acts()
            imports = StagedImports(historian, acts, clock=clock)
            key = (await imports.stage(ImportSource("x", "", (LEVEL,)), ENGINEER)).key
            await imports.put(key, 0, stream(long(LEVEL, T0 - DAY, [1.0])), ENGINEER)
            await imports.merge(key, ENGINEER)
            await begun.wait()
            await imports.cancel(key, ENGINEER)
            assert (await imports.state(key, ENGINEER)).stage is ImportStage.CANCELLED
            assert await every(historian, LEVEL) == []
            assert [a[3] for a in acts.seen] == ["begun", "cancelled"]
            assert not list((tmp_path / "imports").glob("*"))
            assert not list((tmp_path / "cold").glob("*.parquet"))
            historian.accept(batch(T0, {0: 9.0}))
            await historian.durable()
            assert [v for _, v, _ in await every(historian, LEVEL)] == [9.0]

    run_jumping(story)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (long("a/b/c", T0, [1.0]), "'a/b/c' is not a tag of this import"),
        ({"t": times(T0, 2), LEVEL: pa.array(["x", "y"])}, "values of 'north/plc1/level' are string, expected numbers"),
        (long(TOTAL, T0, [1.5]), "values of 'north/plc1/total' are double, expected int64"),
        ({LEVEL: pa.array([1.0])}, "expected t and others"),
        ({"t": pa.array([None, 1], pa.int64()), LEVEL: pa.array([1.0, 2.0])}, "none of them null"),
        ({"t": pa.array([0.5]), LEVEL: pa.array([1.0])}, "times are double"),
    ],
)
def test_what_cannot_be_taken_says_why_and_changes_nothing(tmp_path: Path, part: dict[str, Any], words: str) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            state = await brought(historian, long(LEVEL, T0 - DAY, [1.0]), part, tags=(LEVEL, TOTAL))
            assert state.stage is ImportStage.FAILED
            assert words in state.error
            assert "part 1 of the import 'old.parquet'" in state.error
            assert not state.kept, "it would fail again"
            assert await every(historian, LEVEL) == []

    run_jumping(story)


def test_parts_do_not_take_the_room_that_is_kept_for_audit_and_alarms(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        disk = SmallDisk(tmp_path, KEPT + 5000)
        async with running(tmp_path, mixed(), clock, disk=disk, keep_free=KEPT, **OPTIONS) as historian:
            imports = StagedImports(historian, Acts(), clock=clock)
            key = (await imports.stage(ImportSource("x", "", (LEVEL,)), ENGINEER)).key
            part = stream(long(LEVEL, T0 - DAY, [1.0] * 50))
            assert await imports.put(key, 0, part, ENGINEER) == 1
            disk.room -= 4000
            with pytest.raises(OperationError, match="the disk is full"):
                await imports.put(key, 1, part, ENGINEER)
            disk.room += 4000
            assert disk.free(tmp_path) > KEPT
            await imports.cancel(key, ENGINEER)
            assert disk.free(tmp_path) > KEPT + 3000

    run_jumping(story)


def test_who_may_not_is_refused(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with running(tmp_path, mixed(), clock, **OPTIONS) as historian:
            imports = StagedImports(historian, Acts(), clock=clock)
            with pytest.raises(DeniedError, match="may not import"):
                await imports.stage(ImportSource("x", "", (LEVEL,)), VIEWER)
            with pytest.raises(NotFoundError, match="no import"):
                await imports.put("x", 0, b"", ENGINEER)

    run_jumping(story)
