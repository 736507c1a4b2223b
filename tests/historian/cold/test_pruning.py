"""Samples go by command or by age: what is left says so, and trends go on out of roll-ups."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from sereno.historian.cold.kinds import ROLLUPS
from sereno.historian.cold.manifest import load_manifest, save_manifest
from sereno.historian.cold.pruning import Pruning, Removal, prune
from sereno.historian.disk import SystemDisk
from sereno.model import TagSpec, ValueType
from tests.historian.rig import SECOND, T0, Log, Plant, Reader, batch, compacted, rows

DAY = 86_400 * SECOND
FIRST = T0 // DAY * DAY
PLANT = Plant(
    TagSpec(path="north/plc1/level"),
    TagSpec(path="north/plc1/slow"),
    TagSpec(path="north/plc1/recipe", type=ValueType.STRING),
)
LEVEL, SLOW, RECIPE = range(3)
N = 600


def stored(folder: Path) -> dict[int, dict[int, object]]:
    """Two days from midnight, one tag every five minutes, one three times a day, one of text; by handle."""
    chance = random.Random(3)
    log = Log(folder, PLANT, segment_bytes=1 << 30, now=FIRST)
    written: dict[int, dict[int, object]] = {handle: {} for handle in range(3)}
    scans = []
    for i in range(N):
        t = FIRST + i * 2 * DAY // N
        values = {LEVEL: chance.random(), **({SLOW: float(i)} if i % 100 == 0 else {})}
        objects = {RECIPE: f"step {i // 150}"} if i % 150 == 0 else {}
        scans.append(batch(t, values, objects=objects))
        for handle, value in [*values.items(), *objects.items()]:
            written[handle][t] = value
    log.commit(FIRST + 2 * DAY, *scans)
    log.close()
    compacted(folder)
    return written


def known(folder: Path, handle: int) -> dict[int, object]:
    return {t: v for t, v, _ in rows(Reader(folder).series(PLANT.specs[handle], FIRST - 1)) if v is not None}


def pruned(folder: Path, *removals: Removal, thinned: tuple[tuple[int, int], ...] = ()) -> int:
    disk = SystemDisk()
    done = prune(disk, folder, load_manifest(disk, folder), Pruning(removals, thinned))
    assert not done.faults
    save_manifest(disk, folder, done.manifest)
    return done.rows


def id_of(handle: int) -> int:
    return int(PLANT.specs[handle].id)


@pytest.mark.parametrize("handle", [LEVEL, SLOW, RECIPE])
def test_what_is_deleted_is_gone_and_seems_not_to_have_held(tmp_path: Path, handle: int) -> None:
    written = stored(tmp_path)
    start, end = FIRST + DAY // 3, FIRST + DAY + DAY // 2
    n = pruned(tmp_path, Removal((id_of(handle),), start, end, mark=True))
    gone = [t for t in written[handle] if start <= t < end]
    assert n == len(gone)
    for other in range(3):
        left = {t: v for t, v in written[other].items() if other != handle or t not in gone}
        assert known(tmp_path, other) == left
    shown = [t for t, v, _ in rows(Reader(tmp_path).series(PLANT.specs[handle], FIRST - 1)) if v is None]
    assert gone[0] in shown


def test_no_byte_of_a_deleted_text_stays(tmp_path: Path) -> None:
    stored(tmp_path)
    pruned(tmp_path, Removal((id_of(RECIPE),), FIRST, FIRST + 3 * DAY, mark=True))
    manifest = load_manifest(SystemDisk(), tmp_path)
    assert not [f for f in manifest.files if b"step 1" in (tmp_path / "cold" / f.name).read_bytes()]
    assert manifest.state is not None
    assert b"step 3" not in (tmp_path / "cold" / manifest.state.name).read_bytes()


def test_the_last_sample_deleted_is_in_force_no_more(tmp_path: Path) -> None:
    written = stored(tmp_path)
    last = max(written[LEVEL])
    pruned(tmp_path, Removal((id_of(LEVEL),), last, last + 1, mark=True))
    (series, *_) = Reader(tmp_path).at(PLANT.specs, last + SECOND)
    assert np.isnan(series.value[-1])


def test_roll_ups_do_not_tell_what_was_deleted(tmp_path: Path) -> None:
    written = stored(tmp_path)
    start, end = FIRST + DAY // 4, FIRST + DAY // 2
    pruned(tmp_path, Removal((id_of(LEVEL),), start, end, mark=True))
    series = Reader(tmp_path).buckets(PLANT.specs[LEVEL], FIRST, FIRST + DAY, 4)
    assert series.count is not None
    assert series.count.tolist() == [75, 0, 75, 75]
    left = [v for t, v in written[LEVEL].items() if end <= t < FIRST + 3 * DAY // 4]
    assert series.value[2] == pytest.approx(np.mean(left))


def test_old_samples_go_and_their_roll_ups_answer(tmp_path: Path) -> None:
    written = stored(tmp_path)
    before = {n: Reader(tmp_path).buckets(PLANT.specs[LEVEL], FIRST, FIRST + 2 * DAY, n) for n in (2, 24, 1000)}
    ids = (id_of(LEVEL), id_of(SLOW))
    pruned(tmp_path, Removal(ids, FIRST, FIRST + DAY, kinds=("1m",)), thinned=((FIRST, 1),))
    left = known(tmp_path, LEVEL)
    last = max(t for t in written[LEVEL] if t < FIRST + DAY)
    assert left == {t: v for t, v in written[LEVEL].items() if t >= last}
    for n, old in before.items():
        new = Reader(tmp_path).buckets(PLANT.specs[LEVEL], FIRST, FIRST + 2 * DAY, n)
        assert old.count is not None
        assert new.count is not None
        assert old.count.sum() == N
        assert new.count.sum() in (N, N + 1)
        if n == 2:
            assert new.value.tolist() == pytest.approx(old.value.tolist())
    assert known(tmp_path, RECIPE) == written[RECIPE]
    kinds = {f.kind for f in load_manifest(SystemDisk(), tmp_path).files if f.start == FIRST}
    assert kinds == {"double", "object", "1h", "1d"}


def test_a_late_sample_is_added_to_the_roll_ups_of_a_thinned_day(tmp_path: Path) -> None:
    stored(tmp_path)
    before = Reader(tmp_path).buckets(PLANT.specs[LEVEL], FIRST, FIRST + DAY, 2)
    pruned(tmp_path, Removal((id_of(LEVEL),), FIRST, FIRST + DAY, kinds=()), thinned=((FIRST, 1),))
    log = Log(tmp_path, PLANT, now=FIRST + 3 * DAY)
    log.commit(FIRST + 3 * DAY, batch(FIRST + 5 * SECOND, {SLOW: 7.0, LEVEL: 100.0}))
    log.close()
    compacted(tmp_path)
    after = Reader(tmp_path).buckets(PLANT.specs[LEVEL], FIRST, FIRST + DAY, 2)
    first, second = before.value.tolist()
    assert after.value.tolist() == pytest.approx([(first * N / 4 + 100.0) / (N / 4 + 1), second])
    assert known(tmp_path, SLOW)[FIRST + 5 * SECOND] == 7.0


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_more_samples_than_have_gone_from_a_day_undo_no_roll_up(tmp_path: Path, rounds: int) -> None:
    written = {t: float(str(v)) for t, v in stored(tmp_path)[LEVEL].items() if t < FIRST + DAY}
    pruned(tmp_path, Removal((id_of(LEVEL),), FIRST, FIRST + DAY, kinds=()), thinned=((FIRST, 1),))
    rest = max(written)
    late = {FIRST + 20 * 3600 * SECOND + i * SECOND + 1: 1000.0 + i for i in range(1000)}
    log = Log(tmp_path, PLANT, segment_bytes=1 << 30, now=FIRST + 3 * DAY)
    log.commit(FIRST + 3 * DAY, *(batch(t, {LEVEL: v}) for t, v in late.items()))
    log.close()
    compacted(tmp_path)
    for i in range(1, rounds):
        log = Log(tmp_path, PLANT, now=FIRST + (3 + i) * DAY)
        log.commit(FIRST + (3 + i) * DAY, batch(FIRST + i, {SLOW: 7.0}))
        log.close()
        compacted(tmp_path)
    assert known(tmp_path, LEVEL).keys() >= {*late, rest}
    every = {**written, **late}
    for n in (24, 1):
        series = Reader(tmp_path).buckets(PLANT.specs[LEVEL], FIRST, FIRST + DAY, n)
        mine = [[v for t, v in every.items() if (t - FIRST) * n // DAY == i] for i in range(n)]
        assert series.count is not None
        assert series.low is not None
        assert series.high is not None
        assert series.count.tolist() == [len(values) for values in mine]
        assert series.low.tolist() == pytest.approx([min(values) for values in mine])
        assert series.high.tolist() == pytest.approx([max(values) for values in mine])
        assert series.value.tolist() == pytest.approx([np.mean(values) for values in mine])


def test_in_the_end_everything_goes(tmp_path: Path) -> None:
    written = stored(tmp_path)
    ids = tuple(id_of(handle) for handle in range(3))
    pruned(tmp_path, Removal(ids, FIRST, FIRST + DAY, kinds=("1m",)), thinned=((FIRST, 1),))
    pruned(tmp_path, Removal(ids, FIRST, FIRST + DAY, tuple(ROLLUPS), last=False), thinned=((FIRST, 2),))
    manifest = load_manifest(SystemDisk(), tmp_path)
    assert manifest.thinned == ((FIRST, 2),)
    assert {f.start for f in manifest.files} == {FIRST + DAY}
    assert known(tmp_path, SLOW) == {t: v for t, v in written[SLOW].items() if t >= FIRST + DAY}
