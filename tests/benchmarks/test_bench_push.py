"""A short run of what `./dev bench push` measures: both servers, both ways out, a client that takes nothing."""

from __future__ import annotations

import pytest

from bench_push import measure, storm


@pytest.mark.parametrize(
    ("contender", "kind"), [("served", "sse"), ("served", "ws"), ("floor", "sse"), ("floor", "ws")]
)
def test_every_client_gets_frames_and_their_delay_is_known(contender: str, kind: str) -> None:
    found = measure(contender, kind, clients=3, rate=20.0, stalled=1, seconds=0.3, settle=0.1)
    assert found["delivered"] > 0
    assert 0 < found["p50_ms"] <= found["p99_ms"] <= found["max_ms"]
    assert found["cpu"] > 0


def test_a_crowd_that_comes_at_once_is_served_and_the_others_go_on() -> None:
    found = storm("served", "sse", clients=20, seconds=0.5)
    assert found["storm_s"] > 0
    assert 0 < found["storm_p99_ms"] <= found["storm_max_ms"]
