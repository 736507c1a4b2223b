"""A short run of what `./dev bench apply` measures: a real node is given other plant files while it scans."""

from __future__ import annotations

from bench_apply import measure


def test_a_running_node_is_changed_by_the_terminal() -> None:
    found = measure(devices=3, period=0.1, idle=0.5)
    assert found["device_back_s"] > 0
    assert {"limits_s", "device_s", "missed_idle_percent", "limits_missed_percent"} <= found.keys()
