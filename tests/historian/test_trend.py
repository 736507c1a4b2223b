"""Long trends out of roll-ups say what the samples say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sereno.client import Series
from sereno.historian.cold.manifest import Manifest
from sereno.historian.cold.reading import ColdReader
from sereno.historian.trend import bucket_edges
from tests.historian.rig import SECOND, T0, Log, Reader, batch, compacted, floats

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND


def test_long_buckets_have_whole_edges_and_short_ones_equal_widths() -> None:
    edges, whole = bucket_edges(T0 + 5, T0 + 30 * DAY, 1000)
    assert whole == MINUTE
    assert (edges[0], edges[-1]) == (T0 + 5, T0 + 30 * DAY)
    assert not (edges[1:-1] % MINUTE).any()
    assert abs(np.diff(edges) - 2592 * SECOND).max() <= MINUTE
    assert bucket_edges(T0, T0 + 365 * DAY, 1000)[1] == HOUR
    edges, whole = bucket_edges(T0, T0 + 1000, 3)
    assert (edges - T0).tolist() == [0, 333, 666, 1000]
    assert whole == 1


def same(a: Series, b: Series) -> None:
    assert a.low is not None
    assert b.low is not None
    assert a.t.tolist() == b.t.tolist()
    np.testing.assert_array_equal(a.count, b.count)
    np.testing.assert_array_equal(a.low, b.low)
    np.testing.assert_array_equal(a.high, b.high)
    np.testing.assert_array_equal(a.quality, b.quality)
    np.testing.assert_allclose(a.value, b.value, rtol=1e-12)
    assert a.covered_until == b.covered_until


@pytest.mark.parametrize("hot", [0, 3, 400])
def test_a_trend_over_cold_and_hot_is_that_of_the_samples(
    tmp_path: Path, hot: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five samples a minute over two days with an hour without any, a restart, a bad hour; the last `hot` are hot."""
    chance = np.random.default_rng(11)
    declared = floats(2)
    times = np.unique(chance.integers(0, 2 * DAY, 12_000) // 1_000_000 * 1_000_000) + T0
    times = times[(times < T0 + 7 * HOUR) | (times > T0 + 8 * HOUR + 30 * MINUTE)]
    quality = np.where(
        (times > T0 + DAY) & (times < T0 + DAY + HOUR), 0x8000, chance.choice([0, 0, 0x4000], len(times))
    )
    pieces = np.split(np.arange(len(times)), [4000, len(times) - hot] if hot else [4000])
    for piece in pieces:
        log = Log(tmp_path, declared, now=int(times[piece[0]]) - SECOND)
        scans = [
            batch(
                int(times[i]),
                {0: float(chance.normal()), 1: 3.0},
                quality=[int(quality[i])] * 2,
                changed=[True, i == 0],
            )
            for i in piece.tolist()
        ]
        log.commit(int(times[piece[-1]]), *scans)
        log.close()
    raw = Reader(tmp_path, Manifest())
    compacted(tmp_path, last=2)
    asked: list[str] = []
    read = ColdReader.rows_of
    monkeypatch.setattr(
        ColdReader, "rows_of", lambda self, file, *rest: (asked.append(file.kind), read(self, file, *rest))[1]
    )
    for start, end, points in (
        (T0, T0 + 2 * DAY, 50),
        (T0 + 17, T0 + 2 * DAY - 12 * SECOND, 100),
        (T0 - DAY, T0 + 3 * DAY, 37),
        (T0 + 6 * HOUR, T0 + 9 * HOUR, 12),
        (T0, T0 + HOUR, 60),
    ):
        for spec in declared.specs:
            same(Reader(tmp_path).buckets(spec, start, end, points), raw.buckets(spec, start, end, points))
    assert {"1m", "1h"} & set(asked)
