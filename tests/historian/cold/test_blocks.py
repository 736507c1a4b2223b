"""What is kept of decoded row groups, and how much."""

from __future__ import annotations

import numpy as np

from sereno.historian.cold.blocks import BlockCache

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
