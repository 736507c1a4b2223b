"""Cold files are for everyone: pandas, polars and DuckDB read them by the page; and no damage shows as a value."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sereno.historian.cold import rollup
from sereno.historian.cold.kinds import places
from sereno.historian.cold.manifest import load_manifest
from sereno.historian.cold.reading import ColdReader, DamagedError
from sereno.historian.cold.rows import concatenated, in_tag_order, no_rows
from sereno.historian.disk import SystemDisk
from sereno.model import OperationError, Quality, TagSpec, ValueType
from tests.historian.rig import SECOND, T0, Log, Plant, Reader, batch, compacted, rows

MINUTE = 60 * SECOND
Require = Callable[[str, str], ModuleType]
PLANT = Plant(
    TagSpec(path="north/plc1/level"),
    TagSpec(path="north/plc1/weight", decimals=2),
    TagSpec(path="north/plc1/recipe", type=ValueType.STRING),
    TagSpec(path="north/plc1/forecast", shape=(3,)),
)


def stored(folder: Path, n: int = 300) -> dict[int, list[tuple[int, float]]]:
    """Two tags of numbers each second, one of text, one of arrays; what was written of the numbers, by id."""
    chance = random.Random(7)
    log = Log(folder, PLANT)
    written: dict[int, list[tuple[int, float]]] = {int(PLANT.specs[i].id): [] for i in (0, 1)}
    scans = []
    for i in range(n):
        t = T0 + i * SECOND
        values = {0: chance.random(), 1: chance.randrange(100_000) / 100}
        objects = {2: f"step {i // 50}", 3: np.array([i // 50, 1.5, np.nan])}
        scans.append(batch(t, values, objects=objects))
        for handle, value in values.items():
            written[int(PLANT.specs[handle].id)].append((t, value))
    log.commit(T0, *scans)
    log.close()
    compacted(folder)
    return written


def paths(folder: Path, *kinds: str) -> dict[str, Path]:
    found = {f.kind: folder / "cold" / f.name for f in load_manifest(SystemDisk(), folder).files}
    assert set(kinds) <= set(found)
    return {kind: found[kind] for kind in kinds}


def test_pandas_reads_it(tmp_path: Path, require_package: Require) -> None:
    pandas = require_package("pandas", "pandas")
    written = stored(tmp_path)
    for kind, path in paths(tmp_path, "double", "decimal2").items():
        frame = pandas.read_parquet(path)
        assert list(frame.columns) == ["tag", "t", "value", "quality"]
        times = frame["t"].astype("datetime64[ns, UTC]").astype("int64")
        found = list(zip(times.tolist(), frame["value"].astype(float).tolist(), strict=True))
        assert found == written[int(frame["tag"][0])], kind
    objects = pandas.read_parquet(paths(tmp_path, "object")["object"])
    assert [text for text in objects["text"] if isinstance(text, str)] == [f"step {i}" for i in range(6)]
    assert [n.tolist()[:2] for n in objects["numbers"] if n is not None] == [[float(i), 1.5] for i in range(6)]


def test_polars_reads_it(tmp_path: Path, require_package: Require) -> None:
    polars = require_package("polars", "polars")
    written = stored(tmp_path)
    for path in paths(tmp_path, "double", "decimal2").values():
        frame = polars.read_parquet(path)
        values = frame["value"].cast(polars.Float64).to_list()
        times = frame["t"].dt.epoch("ns").to_list()
        assert list(zip(times, values, strict=True)) == written[frame["tag"][0]]
    assert polars.read_parquet(paths(tmp_path, "object")["object"]).height == 12


def test_duckdb_reads_it(tmp_path: Path) -> None:
    import duckdb

    written = stored(tmp_path)
    names = [str(p) for p in paths(tmp_path, "double", "decimal2").values()]
    with duckdb.connect() as connection:
        found = connection.execute(
            "select tag, epoch_ns(t), value::double from read_parquet(?, union_by_name = true) order by 1, 2", [names]
        ).fetchall()
        minutes = connection.execute(
            'select "count", "sum", "min", "max", "first", "last" from read_parquet(?) order by tag, t',
            [str(paths(tmp_path, "1m")["1m"])],
        ).fetchall()
    assert found == [(tag, t, value) for tag, samples in sorted(written.items()) for t, value in samples]
    expected = [[v for _, v in s[i : i + 60]] for _, s in sorted(written.items()) for i in range(0, 300, 60)]
    assert [(n, low, high, a, b) for n, _, low, high, a, b in minutes] == [
        (60, min(v), max(v), v[0], v[-1]) for v in expected
    ]
    assert [s for _, s, *_ in minutes] == pytest.approx([sum(v) for v in expected])


def test_times_keep_their_unit_and_decimals_are_exact_or_not_used(tmp_path: Path) -> None:
    log = Log(tmp_path, PLANT)
    log.commit(T0, batch(T0 + 1_000_000, {0: 1.0, 1: 0.1}))
    log.commit(T0, batch(T0 + 86_400 * SECOND + 1, {0: 1.0, 1: 0.1 + 0.2}))
    log.commit(T0, batch(T0 + 2 * 86_400 * SECOND + 1000, {0: -0.0, 1: -0.0}))
    log.close()
    compacted(tmp_path)
    files = load_manifest(SystemDisk(), tmp_path).files
    assert [(f.kind, f.unit) for f in files if f.kind in ("double", "decimal2")] == [
        ("decimal2", "ms"),
        ("double", "ms"),
        ("double", "ns"),
        ("double", "us"),
    ]
    assert places("decimal2") == 2
    series = Reader(tmp_path).series(PLANT.specs[1])
    assert series.value.tolist() == [0.1, 0.1 + 0.2, -0.0]
    assert np.signbit(series.value[2])


def test_no_flipped_byte_of_a_cold_file_shows_as_a_value(tmp_path: Path) -> None:
    stored(tmp_path, 40)
    chance = random.Random(3)
    good = {s.path: rows(Reader(tmp_path).series(s)) for s in PLANT.specs}
    for path in sorted((tmp_path / "cold").iterdir()):
        whole = path.read_bytes()
        for at in chance.sample(range(len(whole)), min(60, len(whole))):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :])
            try:
                reader = Reader(tmp_path)
            except (OperationError, DamagedError):
                continue
            for spec in PLANT.specs[:2]:
                found = rows(reader.series(spec))
                wrong = [r for r in found if r not in good[spec.path] and r[2] < int(Quality.BAD)]
                assert not wrong, (path.name, at)
                assert found == good[spec.path] or reader.damage
        path.write_bytes(whole)


def test_damage_is_a_gap_and_costs_its_row_group_only(tmp_path: Path) -> None:
    plant = Plant(*(TagSpec(path=f"north/plc1/tag{i}") for i in range(4)))
    log = Log(tmp_path, plant, segment_bytes=1 << 30)
    scans = [batch(T0 + i * SECOND, dict.fromkeys(range(4), float(i))) for i in range(6000)]
    log.commit(T0, *scans)
    log.close()
    compacted(tmp_path)
    file = next(f for f in load_manifest(SystemDisk(), tmp_path).files if f.kind == "double")
    groups = ColdReader(SystemDisk(), tmp_path).index(file).groups
    assert len(groups) == 3
    path = tmp_path / "cold" / file.name
    whole = bytearray(path.read_bytes())
    whole[int(groups["offset"][1]) + 100] ^= 1
    path.write_bytes(whole)
    reader = Reader(tmp_path)
    kept = 0
    for spec in plant.specs:
        found = rows(reader.series(spec, T0, T0 + 10**6 * SECOND))
        kept += sum(r[1] is not None for r in found)
        assert len([r for r in found if r[1] is None]) <= 1
    assert kept == 24_000 - int(groups["rows"][1])
    assert reader.damage


@pytest.mark.parametrize(("kind", "width"), [("1m", MINUTE), ("1h", 60 * MINUTE), ("1d", 1440 * MINUTE)])
def test_a_roll_up_is_what_numpy_says(kind: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "_PIECE", 100)
    chance = np.random.default_rng(5)
    t = np.sort(chance.choice(40 * 7200 * 1000, 9000, replace=False)) * 1_000_000 + T0
    values = chance.normal(size=9000)
    quality = chance.choice(np.array([0, 0x4000, 0x8000], np.uint16), 9000, p=[0.8, 0.1, 0.1])
    values[::17] = np.nan
    got = rollup.rollups(np.full(9000, 5), t, values, quality, every=True)[kind]
    assert got["t"].tolist() == sorted({int(x) // width * width for x in t.tolist()})
    for i, start in enumerate(got["t"].tolist()):
        mine = np.flatnonzero((t >= start) & (t < start + width))
        good = np.isfinite(values[mine]) & (quality[mine] < 0x8000)
        usable = values[mine][good]
        assert got["count"][i] == len(usable)
        assert got["bad"][i] == len(mine) - len(usable)
        assert got["worst"][i] == quality[mine].max()
        assert (got["t_first"][i], got["t_last"][i]) == (t[mine[0]], t[mine[-1]])
        held = np.diff(t[mine]) * 1e-9
        assert got["sum"][i] == pytest.approx(usable.sum())
        assert got["good_s"][i] == pytest.approx(held[good[:-1]].sum())
        assert got["integral"][i] == pytest.approx((held * np.where(good, values[mine], 0)[:-1]).sum())
        ends = [values[mine[j]] if good[j] else np.nan for j in (0, -1)]
        np.testing.assert_array_equal([got["first"][i], got["last"][i]], ends)
        if len(usable):
            assert (got["min"][i], got["max"][i]) == (usable.min(), usable.max())


def test_slow_tags_have_no_roll_ups() -> None:
    tag = np.repeat([1, 2], [3, 10])
    t = np.concatenate([np.arange(3) * 60, np.arange(10)]) * SECOND
    got: dict[str, Any] = rollup.rollups(tag, t, np.ones(13), np.zeros(13, np.uint16))
    assert {kind: columns["tag"].tolist() for kind, columns in got.items()} == {"1m": [2], "1h": [], "1d": []}


def test_a_file_that_cannot_be_read_hides_no_sample_of_another_file(tmp_path: Path) -> None:
    midnight = T0 // (86_400 * SECOND) * 86_400 * SECOND
    log = Log(tmp_path, PLANT, now=midnight)
    log.commit(midnight, *[batch(midnight + i * SECOND, {0: i / 3, 1: i / 100}) for i in range(20)])
    log.close()
    compacted(tmp_path)
    file = next(f for f in load_manifest(SystemDisk(), tmp_path).files if f.kind == "double")
    path = tmp_path / "cold" / file.name
    data = bytearray(path.read_bytes())
    data[file.index_at] ^= 1
    path.write_bytes(data)
    series = Reader(tmp_path).series(PLANT.specs[1], midnight)
    assert series.value.tolist() == [i / 100 for i in range(20)]


@pytest.mark.parametrize("shape", ["sorted", "runs", "overlapping", "by time", "shuffled", "many tags"])
def test_rows_come_into_order_whatever_order_they_are_in(shape: str) -> None:
    """Of each (tag, time) the one with the highest place, whichever way of sorting is taken."""
    chance = np.random.default_rng(3)
    tags = {"many tags": 3000}.get(shape, 40)
    n = 30_000
    found = no_rows(n)
    found.tag[:] = np.sort(chance.integers(-(1 << 62), 1 << 62, tags))[np.arange(n) * tags // n]
    found.t[:] = np.arange(n) * 7 % (1 << 40) + T0
    found.place[:] = np.arange(n) // 100
    found.bits[:] = np.arange(n)
    if shape == "runs":
        found = concatenated([found.take(slice(a, a + 500)) for a in chance.permutation(np.arange(0, n, 500)).tolist()])
    elif shape == "overlapping":
        again = found.take(slice(0, n, 3))
        again.place, again.bits = again.place + 1000, again.bits + n
        found = concatenated([found, again])
    elif shape != "sorted":
        found.t[:] = chance.integers(0, 500, n) + T0 if shape != "by time" else np.sort(chance.integers(0, 500, n)) + T0
        found = found.take(chance.permutation(n) if shape == "shuffled" else np.argsort(found.t, kind="stable"))
        found.place[:] = chance.integers(0, 50, n)
    expected: dict[tuple[int, int], tuple[int, int]] = {}
    for tag, t, place, bits in zip(*(c.tolist() for c in (found.tag, found.t, found.place, found.bits)), strict=True):
        if place >= expected.get((tag, t), (-1, 0))[0]:
            expected[tag, t] = (place, bits)
    got = in_tag_order(found)
    assert list(zip(got.tag.tolist(), got.t.tolist(), strict=True)) == sorted(expected)
    assert got.bits.tolist() == [expected[key][1] for key in sorted(expected)]
