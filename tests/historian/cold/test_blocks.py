"""What is kept of decoded row groups, and how much."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sereno.historian.cold import reading
from sereno.historian.cold.blocks import BlockCache
from tests.historian.rig import SECOND, T0, Log, Reader, batch, compacted, floats

KB = np.zeros(128, np.int64)


def test_the_latest_used_stay_within_the_bound() -> None:
    cache = BlockCache(max_bytes=3000)
    cache.put("a", 0, {"t": KB})
    cache.put("a", 1, {"t": KB})
    assert cache.get("a", 0)["t"] is KB
    cache.put("b", 0, {"t": KB})
    assert cache.get("a", 1) == {}
    assert cache.get("a", 0)
    assert cache.bytes == 2048


def test_more_columns_of_a_row_group_take_the_place_of_fewer() -> None:
    cache = BlockCache(max_bytes=3000)
    cache.put("a", 0, {"t": KB})
    cache.put("a", 0, {"t": KB, "value": KB})
    assert cache.bytes == 2048
    assert set(cache.get("a", 0)) == {"t", "value"}


def test_one_that_is_larger_than_the_bound_is_kept_alone() -> None:
    cache = BlockCache(max_bytes=100)
    cache.put("a", 0, {"t": KB})
    cache.put("a", 1, {"t": KB})
    assert cache.get("a", 0) == {}
    assert cache.get("a", 1)


def test_a_question_that_is_repeated_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(tmp_path, floats(2))
    log.commit(T0, *[batch(T0 + i * SECOND, {0: i / 3, 1: i / 7}) for i in range(50)])
    log.close()
    compacted(tmp_path)
    reader = Reader(tmp_path)
    first = reader.series(floats(2).specs[0], T0, T0 + 20 * SECOND)
    monkeypatch.setattr(reading, "_decoded", None)
    again = reader.series(floats(2).specs[0], T0, T0 + 20 * SECOND)
    assert again.value.tolist() == first.value.tolist()
