"""A short run of `./dev bench clients`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_clients.py"


def test_a_short_run_serves_everybody() -> None:
    done = subprocess.run([sys.executable, str(BENCH), "--short"], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["ratios"]["served"] == 1.0
    assert result["figures"]["connected"] == 60
    assert result["figures"]["reads_per_s"] > 0
    assert result["figures"]["updates_per_s"] > 0
