"""A short run of what `./dev bench path` measures: a real node between devices and clients of known times."""

from __future__ import annotations

from bench_path import measure


def test_what_devices_answer_comes_out_at_the_clients() -> None:
    found = measure(devices=2, clients=3, period=0.05, seconds=0.5, warm_up=0.2)
    assert found["events_per_s"] > 0
    assert 0 < found["p50_ms"] <= found["p99_ms"] <= found["max_ms"]
