"""Damage in what is cold never stops a compaction: what cannot be read becomes a gap, the file stays aside."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sereno.historian.cold.manifest import ColdFile, load_manifest, sweep
from sereno.historian.cold.reading import ColdReader
from sereno.historian.cold.statefile import load_state
from sereno.historian.disk import SystemDisk
from sereno.model import TagSpec, ValueType
from tests.historian.rig import SECOND, T0, Log, Plant, Reader, batch, compacted, rows

N = 5000
PLANT = Plant(
    *(TagSpec(path=f"north/plc1/tag{i}") for i in range(4)),
    TagSpec(path="north/plc1/idle"),
    TagSpec(path="north/plc1/count", type=ValueType.INT64),
)
IDLE, COUNT = 4, 5


def stored(folder: Path) -> ColdFile:
    """Four tags each second, one that was said once, one of whole numbers; the file of the doubles."""
    log = Log(folder, PLANT, segment_bytes=1 << 30)
    scans = [batch(T0 - SECOND, {IDLE: 1.5, COUNT: 5.0})]
    scans += [batch(T0 + i * SECOND, {**dict.fromkeys(range(4), i + 0.5), COUNT: float(i)}) for i in range(N)]
    log.commit(T0 + N * SECOND, *scans)
    log.close()
    compacted(folder)
    day = T0 // (86_400 * SECOND) * 86_400 * SECOND
    return next(f for f in load_manifest(SystemDisk(), folder).files if f.kind == "double" and f.start == day)


def more(folder: Path, i: int = N + 100) -> None:
    """A later scan, so that the day is compacted again."""
    log = Log(folder, PLANT, now=T0 + i * SECOND)
    log.commit(T0 + i * SECOND, batch(T0 + i * SECOND, {0: 7.0, COUNT: 7.0}))
    log.close()


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def known(folder: Path, handle: int) -> dict[int, float]:
    return {t: v for t, v, _ in rows(Reader(folder).series(PLANT.specs[handle])) if v is not None}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_damaged_row_group_costs_its_rows_and_nothing_else(tmp_path: Path, number: int) -> None:
    file = stored(tmp_path)
    groups = ColdReader(SystemDisk(), tmp_path).index(file).groups
    before = {handle: known(tmp_path, handle) for handle in range(6)}
    flip(tmp_path / "cold" / file.name, int(groups["offset"][number]) + 100)
    damaged = {handle: rows(Reader(tmp_path).series(PLANT.specs[handle])) for handle in range(4)}
    more(tmp_path)
    done = compacted(tmp_path)
    assert done.aside == (file.name,)
    assert f"{groups['rows'][number]} samples cannot be read" in str(done.faults[0])
    reader = Reader(tmp_path)
    for handle in range(4):
        found = {t: v for t, v, _ in rows(reader.series(PLANT.specs[handle])) if v is not None}
        shown = {t: v for t, v, _ in damaged[handle] if v is not None}
        extra = {T0 + (N + 100) * SECOND: 7.0} if handle == 0 else {}
        last = {T0 + (N - 1) * SECOND: N - 0.5}
        assert found in ({**shown, **extra}, {**shown, **extra, **last})
        lost = before[handle].keys() - found.keys()
        gone = [t for t, v, _ in rows(reader.series(PLANT.specs[handle])) if v is None]
        assert not lost or any(t <= min(lost) for t in gone)
    assert not reader.damage
    assert known(tmp_path, IDLE) == before[IDLE]
    assert known(tmp_path, COUNT) == {**before[COUNT], T0 + (N + 100) * SECOND: 7}


def test_a_file_that_cannot_be_read_at_all_is_a_gap_and_the_rest_goes_on(tmp_path: Path) -> None:
    file = stored(tmp_path)
    flip(tmp_path / "cold" / file.name, file.index_at + 1)
    more(tmp_path)
    done = compacted(tmp_path)
    assert f"all {file.rows} samples" in str(done.faults[0])
    found = rows(Reader(tmp_path).series(PLANT.specs[1]))
    assert [(v, t) for t, v, _ in found][:2] == [(None, file.t_min), (N - 0.5, T0 + (N - 1) * SECOND)]
    assert known(tmp_path, IDLE) == {T0 - SECOND: 1.5}
    assert len(known(tmp_path, COUNT)) == N + 2


def test_the_damaged_file_stays_until_someone_takes_it_away(tmp_path: Path) -> None:
    file = stored(tmp_path)
    flip(tmp_path / "cold" / file.name, 200)
    more(tmp_path)
    compacted(tmp_path)
    more(tmp_path, N + 200)
    done = compacted(tmp_path)
    assert not done.faults
    manifest = load_manifest(SystemDisk(), tmp_path)
    sweep(SystemDisk(), tmp_path, manifest)
    assert [f.name for f in manifest.aside] == [file.name]
    assert (tmp_path / "cold" / file.name).exists()


def test_a_file_that_is_missing_is_a_gap(tmp_path: Path) -> None:
    file = stored(tmp_path)
    (tmp_path / "cold" / file.name).unlink()
    more(tmp_path)
    done = compacted(tmp_path)
    assert done.faults
    assert not done.aside
    assert len(known(tmp_path, COUNT)) == N + 2


def test_what_is_in_force_is_found_again_in_the_samples(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    stored(whole)
    more(whole)
    shutil.copytree(whole, broken)
    manifest = load_manifest(SystemDisk(), broken)
    assert manifest.state is not None
    flip(broken / "cold" / manifest.state.name, 100)
    assert not compacted(whole).faults
    assert "Made again" in str(compacted(broken).faults[0])
    states = [load_state(SystemDisk(), f, load_manifest(SystemDisk(), f)).rows for f in (whole, broken)]
    for column in ("tag", "t", "bits", "quality"):
        assert getattr(states[0], column).tolist() == getattr(states[1], column).tolist()
    assert len(states[0]) == 6
