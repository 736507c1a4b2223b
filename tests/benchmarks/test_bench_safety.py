"""`./dev bench safety` runs, and prints what it promises."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_safety.py"


def test_a_short_run() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH), "--rounds", "1", "--short"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["name"] == "safety"
    figures = result["figures"]
    assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["max_ms"]
    assert 0 < figures["exposing_p50_ms"] <= figures["exposing_max_ms"]
    assert all(figures[f"{agent}_hung_p50_ms"] > 0 for agent in ("environment", "majordome"))
    assert figures["hung_s"] > 0
    assert result["ratios"]["floor"] > 0
