"""`./dev bench alarms` runs, and prints what it promises."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_alarms.py"


def test_short_run() -> None:
    arguments = ["--seconds", "0.001", "--tags", "20", "100"]
    done = subprocess.run([sys.executable, str(BENCH), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["name"] == "alarms"
    assert result["figures"]["evaluated_per_s"] > 0
    assert result["ratios"]["objects"] > 0
