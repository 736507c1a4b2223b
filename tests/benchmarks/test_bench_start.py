"""A short run of what `./dev bench start` measures: one real start of the plant demo."""

from __future__ import annotations

from bench_start import measure


def test_the_first_good_value_and_the_memory_are_told() -> None:
    found = measure(runs=1, settle=0.0)
    figures = found["figures"]
    assert 0 < figures["ready_s"] <= figures["first_value_s"]
    assert 20 < figures["floor_mb"] < figures["rss_mb"]
    assert found["ratios"]["floor_start"] > 0
