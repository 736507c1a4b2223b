"""Whatever is asked, the answer is the same before and after a compaction."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sereno.client import Series
from sereno.historian.cold.manifest import Manifest
from sereno.model import TagSpec, ValueType
from tests.historian.rig import SECOND, T0, Log, Plant, Reader, batch, compacted, mixed, rows

HOUR = 3600 * SECOND
DAY = 24 * HOUR


def plant() -> Plant:
    """Those of `mixed` and one with a declared resolution (handle 6), one of whole numbers (handle 7)."""
    more = (TagSpec(path="north/plc1/weight", decimals=2), TagSpec(path="north/plc1/step", type=ValueType.INT16))
    return Plant(*mixed().specs, *more)


def written(folder: Path, seed: int, *, starts: int = 2, commits: int = 60) -> Plant:
    """A history of several starts with gaps, late and repeated samples, bad qualities and every type of tag."""
    chance = random.Random(seed)
    declared = plant()
    t = T0
    for start in range(starts):
        log = Log(folder, declared, segment_bytes=6000, now=t)
        for _ in range(commits):
            t += chance.choice((SECOND, 7 * SECOND + 3_000_000, 2 * HOUR, 1))
            late = t - chance.choice((0, 0, 0, SECOND, 3 * HOUR, 2 * DAY))
            log.commit(t, *scans(chance, t, late), lost=None if chance.random() < 0.95 else {0: t})
        log.close(index=start == 0)
        t += DAY // 3
    return declared


def scans(chance: random.Random, t: int, late: int):
    quality = [chance.choice((0, 0, 0, 0x4000, 0x8000)) for _ in range(3)]
    values = {0: chance.choice((chance.random(), float("nan"), 5.0)), 1: 2.0, 6: chance.randrange(1000) / 100}
    yield batch(late, values, quality=quality, t_hub=t, changed=[True, chance.random() < 0.1, True])
    yield batch(t, {2: 2.0**60, 3: 2.0**64}, exact={2: 2**60 + chance.randrange(9), 3: -1 - chance.randrange(9)})
    objects = {4: chance.choice(("a", "b", "ä")), 5: np.array([chance.choice((1.0, np.nan)), 2.0])}
    yield batch(t + 1, {7: float(chance.randrange(5))}, objects=objects)


def answers(reader: Reader, declared: Plant, seed: int = 0) -> list[object]:
    chance = random.Random(seed)
    found: list[object] = []
    for t in sorted(T0 + chance.randrange(-DAY, 9 * DAY) for _ in range(8)):
        at_once = [shown(series, t) for series in reader.at(declared.specs, t)]
        found.append((t, str(at_once)))
        one_by_one = [shown(reader.series(spec, t, t + 1), t) for spec in declared.specs]
        assert at_once == one_by_one or str(at_once) == str(one_by_one)
    for spec in declared.specs:
        ranges = [(0, 1 << 62)] + [sorted(T0 + chance.randrange(-DAY, 9 * DAY) for _ in range(2)) for _ in range(6)]
        for start, end in ranges:
            series = reader.series(spec, start, end + 1)
            samples = shown(series, start)
            known = series.covered_until if samples and samples[-1][1] is not None else 0
            found.append((spec.path, start, end, str(samples), known))
    return found


def shown(series: Series, start: int) -> list[tuple[int, Any, int]]:
    """The samples; of several without a value in a row one: how many there are between is of no meaning."""
    found = [(max(t, start), v.tolist() if isinstance(v, np.ndarray) else v, q) for t, v, q in rows(series)]
    return [
        r for before, r in zip([(0, 0, 0), *found], found, strict=False) if before[1] is not None or r[1] is not None
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_compaction_changes_no_answer(tmp_path: Path, seed: int) -> None:
    declared = written(tmp_path, seed)
    before = answers(Reader(tmp_path, Manifest()), declared)
    numbers = sorted(int(p.stem) for p in (tmp_path / "log").glob("*.log"))
    assert len(numbers) > 4
    for last in (numbers[0], numbers[len(numbers) // 2], numbers[-1]):
        done = compacted(tmp_path, last=last)
        assert not done.faults
        assert answers(Reader(tmp_path), declared) == before


@settings(max_examples=4)
@given(seed=st.integers(0, 1 << 30), cut=st.integers(1, 6))
@example(seed=105, cut=4)
@example(seed=119, cut=6)
@example(seed=1006, cut=5)
def test_compaction_changes_no_answer_of_any_history(seed: int, cut: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        declared = written(folder, seed, commits=25, starts=3)
        before = answers(Reader(folder, Manifest()), declared, seed)
        for last in (cut, None):
            compacted(folder, last=last)
            assert answers(Reader(folder), declared, seed) == before
