"""A short run of `./dev bench device` over the contenders that need nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_device.py"


def test_a_short_run_gives_its_figures() -> None:
    command = [sys.executable, str(BENCH), "--short", "--only", "ours,floor"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    figures = result["figures"]
    assert figures["skipped"] == {}
    assert figures["ours_last_right"] == 1.0
    assert result["ratios"].keys() == {"floor_sequential"}
    for name in ("sequential_per_s", "bulk_values_per_s", "array_values_per_s", "events_per_s", "rss_mb", "start_s"):
        assert figures[f"ours_{name}"] > 0
        assert figures[f"floor_{name}"] > 0
