"""What the first version stored opens in this one, and stays the same when it is compacted.

`version1/` was written by the first form of the historian: two starts, every type of tag, a late sample, a bad one.
`version1_cold/` is the same with its oldest segment compacted, by the first form of the compaction.
`version1_rollups/` has roll-ups, and a day of which samples have gone; how it was made says made_rollups.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno.historian.cold.verifying import verify
from sereno.historian.disk import SystemDisk
from tests.historian.made_rollups import DAY, FLOW, LEVEL, PLANT, RECIPE, TOTAL, N, flow, hashes, level, total
from tests.historian.rig import SECOND, T0, Reader, compacted, mixed, rows

STORED = Path(__file__).parent / "version1"
COLD = STORED.with_name("version1_cold")
ROLLED = STORED.with_name("version1_rollups")
GONE = (7 * SECOND + 1, None, 0x8000)
BIG = 2**60


def answers(folder: Path) -> dict[str, list[tuple[int, Any, int]]]:
    reader = Reader(folder)
    assert not reader.opened.faults
    return {spec.name: [(t - T0, v, q) for t, v, q in rows(reader.series(spec))] for spec in mixed().specs}


def check(found: dict[str, list[tuple[int, Any, int]]]) -> None:
    thirds = [(i * SECOND, 99.0 if i == 2 else i / 3, 0) for i in range(8)]
    thirds[5] = (5 * SECOND, None, 0x8000)
    assert found["level"] == [*thirds, GONE, (60 * SECOND, 1.25, 0)]
    assert [r for r in found["flow"] if r[1] is not None] == [(0, 5.0, 0), (60 * SECOND, 6.0, 0)]
    assert found["total"] == [*((i * SECOND, BIG + i, 0x4000) for i in range(8)), GONE]
    assert [r for r in found["serial"] if r[1] is not None] == [(i * SECOND, 2**64 - 1 - i, 0) for i in (0, 2, 4, 6)]
    texts = [(0, "step 0"), (3 * SECOND, "step 1"), (6 * SECOND, "step 2"), (7 * SECOND, None), (60 * SECOND, "after")]
    assert [(t, v) for t, v, _ in found["recipe"]] == texts
    forecast = [(t, v) for t, v, _ in found["forecast"] if v is not None]
    assert [t for t, _ in forecast] == [0, 3 * SECOND, 6 * SECOND]
    for i, (_, array) in enumerate(forecast):
        np.testing.assert_array_equal(array, [i, np.nan])


@pytest.mark.parametrize("stored", [STORED, COLD])
def test_it_opens_and_compacts(tmp_path: Path, stored: Path) -> None:
    folder = tmp_path / "history"
    shutil.copytree(stored, folder)
    assert not [one for one in verify(SystemDisk(), folder) if one.faults]
    check(answers(folder))
    done = compacted(folder)
    assert not done.faults
    for path in (folder / "log").iterdir():
        path.unlink()
    check(answers(folder))


def test_a_store_with_roll_ups_is_the_one_that_was_made() -> None:
    assert hashes(ROLLED) == (ROLLED / "SHA256SUMS").read_text()


@pytest.mark.parametrize("again", [False, True])
def test_a_store_with_roll_ups_opens_and_compacts(tmp_path: Path, again: bool) -> None:
    folder = tmp_path / "history"
    shutil.copytree(ROLLED, folder)
    assert not [one for one in verify(SystemDisk(), folder) if one.faults]
    if again:
        done = compacted(folder)
        assert not done.faults
        assert done.manifest.thinned == ((T0, 1),)
        for path in (folder / "log").iterdir():
            path.unlink()
    check_samples(Reader(folder))
    check_buckets(Reader(folder))


def known(reader: Reader, handle: int) -> list[tuple[int, Any]]:
    return [(t - T0, v) for t, v, _ in rows(reader.series(PLANT.specs[handle])) if v is not None]


def check_samples(reader: Reader) -> None:
    scans = [day * DAY + i * 10 * SECOND for day in range(2) for i in range(N)]
    scans += [2 * DAY + i * 10 * SECOND for i in range(10)]
    places = [*range(N), *range(N), *range(10)]
    assert known(reader, FLOW) == [(t, flow(i)) for t, i in zip(scans, places, strict=True)]
    assert known(reader, TOTAL) == [(t, total(i)) for t, i in zip(scans, places, strict=True)]
    texts = [(t, f"step {i // 360}") for t, i in zip(scans, places, strict=True) if i % 360 == 0]
    assert [one for one in known(reader, RECIPE) if one in texts] == texts
    left = [(t, level(i)) for t, i in zip(scans, places, strict=True) if t >= (N - 1) * 10 * SECOND]
    assert known(reader, LEVEL) == [(5 * SECOND, 100.0), *left]


def check_buckets(reader: Reader) -> None:
    """An hour each, of two days; on the first one of the levels only roll-ups are left, and what came late."""
    for handle, value in ((LEVEL, level), (FLOW, flow)):
        found = reader.buckets(PLANT.specs[handle], T0, T0 + 2 * DAY, 48)
        assert found.count is not None
        assert found.low is not None
        assert found.high is not None
        for day in range(2):
            for hour in range(3):
                mine = [value(i) for i in range(hour * 360, hour * 360 + 360)]
                mine += [100.0] if (handle, day, hour) == (LEVEL, 0, 0) else []
                at = day * 24 + hour
                assert int(found.count[at]) == len(mine)
                assert found.value[at] == pytest.approx(np.mean(mine))
                assert (found.low[at], found.high[at]) == (pytest.approx(min(mine)), pytest.approx(max(mine)))
