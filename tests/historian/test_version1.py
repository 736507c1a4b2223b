"""What the first version stored opens in this one, and stays the same when it is compacted.

`version1/` was written by the first form of the historian: two starts, every type of tag, a late sample, a bad one.
`version1_cold/` is the same with its oldest segment compacted, by the first form of the compaction.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno.historian.cold.verifying import verify
from sereno.historian.disk import SystemDisk
from tests.historian.rig import SECOND, T0, Reader, compacted, mixed, rows

STORED = Path(__file__).parent / "version1"
COLD = STORED.with_name("version1_cold")
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
