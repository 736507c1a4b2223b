"""`./dev bench scan`, `jitter` and `silent` run, and print what they promise."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def result(name: str, *arguments: str) -> dict[str, Any]:
    """The JSON object of the last line."""
    command = [sys.executable, str(BENCHMARKS / f"bench_{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["name"] == name
    return found


def test_scan() -> None:
    short = ("--seconds", "0.1", "--warm", "0.1", "--connections", "2", "--blocks", "2", "--mixed", "2")
    found = result("scan", *short, "--only", "pymodbus", "depth8", "c_depth8")
    assert set(found["ratios"]) == {"pymodbus_pipelined"}
    assert all(value > 0 for value in found["ratios"].values())
    assert found["figures"]["mixed_values_per_s"] > 0
    assert found["figures"]["depth8_registers_per_s"] > 0
    assert found["figures"]["cpu_depth8_to_pymodbus"] > 0


def test_jitter() -> None:
    found = result("jitter", "--seconds", "0.3", "--rounds", "1", "--blocks", "1")
    assert set(found["ratios"]) == {f"p99_{period}_{what}" for period in ("10ms", "100ms") for what in ("idle", "load")}
    figures = found["figures"]
    for name in ("idle_10ms", "floor_idle_10ms", "load_100ms", "floor_load_100ms"):
        assert figures[f"{name}_p50_ms"] <= figures[f"{name}_p99_ms"] <= figures[f"{name}_max_ms"]


def test_silent() -> None:
    found = result("silent", "--seconds", "1.2", "--rounds", "1", "--devices", "4")
    figures = found["figures"]
    assert figures["cycle_p99_ratio_low"] == found["ratios"]["cycle_p99"] == figures["cycle_p99_ratio_high"]
    assert figures["timeouts_of_the_silent"] >= 1
    assert figures["overruns_of_others"] >= 0
