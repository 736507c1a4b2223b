from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sereno.client import Series
from sereno.historian.segment import HEADER_SIZE, SegmentHeader, encode_header
from sereno.model import OperationError
from tests.historian.rig import SECOND, T0, Log, Reader, batch, floats, mixed, rows

PLANT = mixed()
SPECS = PLANT.specs[:5]
COMMITS = 4
END = T0 + (COMMITS + 3) * SECOND
Truth = dict[str, list[tuple[int, Any, int]]]


def write_log(folder: Path, **how: Any) -> Truth:
    """Six commits a second apart: a changing float, a float that never changes, integers, a string now and then."""
    log = Log(folder, PLANT)
    truth: Truth = {spec.path: [] for spec in SPECS}
    for i in range(COMMITS):
        t = T0 + i * SECOND
        scan = batch(
            t,
            {0: i + 0.5, 1: 7.0, 2: 2.0**60, 3: 5.0},
            exact={2: 2**60 + i, 3: i},
            objects={4: "abc"[i // 2]},
            changed=[True, i == 0, True, i % 3 == 0],
        )
        log.commit(t + SECOND // 10, scan)
        values = [i + 0.5, 7.0, 2**60 + i, i, "abc"[i // 2]]
        stored = [True, i == 0, True, i % 3 == 0, i % 2 == 0]
        for spec, value, kept in zip(SPECS, values, stored, strict=True):
            if kept:
                truth[spec.path].append((t, value, 0))
    log.close(**how)
    return truth


def as_of(found: list[tuple[int, Any, int]], t: int) -> tuple[Any, int] | None:
    before = [r for r in found if r[0] <= t]
    return before[-1][1:] if before else None


def assert_nothing_wrong(series: Series, truth: list[tuple[int, Any, int]]) -> int:
    """No value that never was, none in force when it was not, none where it is not known. Returns samples lost."""
    found = rows(series)
    good = [r for r in found if r[2] < 0x8000]
    assert set(good) <= set(truth)
    for t in range(T0, END, SECOND // 2):
        seen = as_of(found, t)
        if t > series.covered_until or seen is None or seen[1] >= 0x8000:
            continue
        assert seen == as_of(truth, t), f"at {t - T0} ns of {series.tag}"
    return len(truth) - len(good)


def log_file(folder: Path) -> Path:
    return folder / "log" / "000000000001.log"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    folder = tmp_path_factory.mktemp("written")
    return folder, write_log(folder)


def test_the_undamaged_log_says_everything(written: tuple[Path, Truth]) -> None:
    folder, truth = written
    reader = Reader(folder)
    assert reader.opened.faults == []
    for spec in SPECS:
        series = reader.series(spec)
        assert rows(series) == truth[spec.path]
        assert series.covered_until == T0 + (COMMITS - 1) * SECOND
    assert assert_nothing_wrong(reader.series(SPECS[0]), truth[SPECS[0].path]) == 0


def damaged_copies(folder: Path, copy: Path, damage: Callable[[bytes, int], bytes], part: int, *, index: bool) -> Any:
    """One reader per fourth position of the log, each over a copy damaged there."""
    whole = log_file(folder).read_bytes()
    (copy / "log").mkdir(parents=True, exist_ok=True)
    for at in range(part, len(whole), 4):
        log_file(copy).with_suffix(".idx").unlink(missing_ok=True)
        log_file(copy).write_bytes(damage(whole, at))
        if index:
            shutil.copy(log_file(folder).with_suffix(".idx"), copy / "log")
        yield at, Reader(copy)


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("index", [False, True])
def test_every_flipped_byte_is_noticed_and_costs_one_commit(
    written: tuple[Path, Truth], tmp_path: Path, index: bool, part: int
) -> None:
    folder, truth = written

    def flip(data: bytes, at: int) -> bytes:
        return data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]

    for at, reader in damaged_copies(folder, tmp_path / "copy", flip, part, index=index):
        lost = [assert_nothing_wrong(reader.series(spec), truth[spec.path]) for spec in SPECS]
        assert max(lost) <= 1
        told = reader.opened.faults or reader.damage
        assert told or not any(lost)
        if not index:
            assert len(reader.opened.faults) == 1
            assert "000000000001.log byte" in str(reader.opened.faults[0])
        elif at >= HEADER_SIZE and any(lost):
            assert reader.damage[0][0] == "000000000001.log"
            assert reader.damage[0][1] <= at


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("index", [False, True])
def test_every_truncation_leaves_the_whole_commits_before_it(
    written: tuple[Path, Truth], tmp_path: Path, index: bool, part: int
) -> None:
    folder, truth = written
    before = 0
    for _, reader in damaged_copies(folder, tmp_path / "copy", lambda data, at: data[:at], part, index=index):
        for spec in SPECS:
            assert_nothing_wrong(reader.series(spec), truth[spec.path])
        kept = len([r for r in rows(reader.series(SPECS[0])) if r[2] == 0])
        assert kept >= before
        before = kept
        if reader.opened.segments:
            left, end = log_file(tmp_path / "copy").stat().st_size, reader.opened.segments[0].outline.end
            assert left == end or (index and left < end == HEADER_SIZE)
    assert before == COMMITS


def test_every_flipped_byte_of_the_index_is_noticed_and_it_is_rebuilt(
    written: tuple[Path, Truth], tmp_path: Path
) -> None:
    folder, truth = written
    whole = log_file(folder).with_suffix(".idx").read_bytes()
    copy = tmp_path / "copy"
    for at in range(0, len(whole), 3):
        shutil.rmtree(copy, ignore_errors=True)
        (copy / "log").mkdir(parents=True)
        shutil.copy(log_file(folder), copy / "log")
        log_file(copy).with_suffix(".idx").write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        reader = Reader(copy)
        assert rows(reader.series(SPECS[at % 5])) == truth[SPECS[at % 5].path]
        assert log_file(copy).with_suffix(".idx").read_bytes() == whole


def test_an_index_lost_while_running_is_made_again_from_the_log(written: tuple[Path, Truth], tmp_path: Path) -> None:
    folder, truth = written
    shutil.copytree(folder, tmp_path / "copy")
    reader = Reader(tmp_path / "copy")
    log_file(tmp_path / "copy").with_suffix(".idx").unlink()
    assert rows(reader.series(SPECS[0])) == truth[SPECS[0].path]


def test_a_log_lost_while_running_is_a_gap_and_told(tmp_path: Path) -> None:
    log = Log(tmp_path, floats(1), segment_bytes=64)
    for i in range(3):
        log.commit(T0 + i * SECOND, batch(T0 + i * SECOND, {0: float(i)}))
    log.close()
    reader = Reader(tmp_path)
    (tmp_path / "log" / "000000000002.log").unlink()
    (tmp_path / "log" / "000000000002.idx").unlink()
    found = rows(reader.series(floats(1).specs[0]))
    assert [r[1] for r in found] == [0.0, None, 2.0]
    assert reader.damage[0] == ("000000000002.log", 0)


def test_a_process_that_died_leaves_no_index_and_loses_nothing(tmp_path: Path) -> None:
    truth = write_log(tmp_path, seal=False)
    assert not list((tmp_path / "log").glob("*.idx"))
    reader = Reader(tmp_path)
    assert reader.opened.faults == []
    assert [rows(reader.series(spec)) for spec in SPECS] == [truth[spec.path] for spec in SPECS]
    assert len(list((tmp_path / "log").glob("*.idx"))) == 1


def test_empty_and_header_only_segments_are_removed(tmp_path: Path) -> None:
    truth = write_log(tmp_path)
    log = tmp_path / "log"
    (log / "000000000002.log").write_bytes(b"")
    (log / "000000000003.log").write_bytes(encode_header(SegmentHeader(3, 2, T0)))
    (log / "notes.txt").write_text("not ours")
    reader = Reader(tmp_path)
    assert (reader.opened.faults, reader.opened.next_number, reader.opened.epoch) == ([], 4, 2)
    assert rows(reader.series(SPECS[0])) == truth[SPECS[0].path]
    assert sorted(p.name for p in log.iterdir()) == ["000000000001.idx", "000000000001.log", "notes.txt"]


def test_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    import struct
    import zlib

    write_log(tmp_path)
    raw = bytearray(encode_header(SegmentHeader(2, 2, T0)))
    raw[8:10] = (9).to_bytes(2, "little")
    raw[60:] = struct.pack("<I", zlib.crc32(bytes(raw[:60])))
    path = tmp_path / "log" / "000000000002.log"
    path.write_bytes(bytes(raw))
    with pytest.raises(OperationError, match="log version 9"):
        Reader(tmp_path)
    assert path.read_bytes() == bytes(raw)


def test_damage_in_the_middle_ends_what_was_in_force_until_the_next_segment_says_it_again(tmp_path: Path) -> None:
    plant = floats(2)
    log = Log(tmp_path, plant, segment_bytes=700)
    for i in range(12):
        t = T0 + i * SECOND
        log.commit(t, batch(t, {0: float(i), 1: 5.0}, changed=[True, i == 0]))
    log.close(index=False)
    first = tmp_path / "log" / "000000000001.log"
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    first.write_bytes(bytes(data))
    reader = Reader(tmp_path)
    assert len(reader.opened.segments) > 1
    constant = plant.specs[1]
    second = reader.opened.segments[1].outline.header.created
    middle = rows(reader.series(constant, T0, second - 1))
    assert [r[1] for r in middle] == [5.0, None]
    assert rows(reader.series(constant, second + 1, END)) == [(T0, 5.0, 0)]


def test_a_late_sample_in_a_later_segment_is_not_taken_for_the_one_in_force(tmp_path: Path) -> None:
    log = Log(tmp_path, floats(1), segment_bytes=700)
    for i in range(10):
        t = T0 + i * SECOND
        log.commit(t, batch(t, {0: float(i)}))
    log.commit(T0 + 20 * SECOND, batch(T0 + 3 * SECOND + 1, {0: 33.0}))
    log.close()
    reader = Reader(tmp_path)
    assert len(reader.opened.segments) == 2
    assert reader.opened.segments[1].outline.header.created > T0 + 5 * SECOND
    found = rows(reader.series(floats(1).specs[0], T0 + 5 * SECOND + 1, T0 + 7 * SECOND))
    assert [r[1] for r in found] == [5.0, 6.0]
