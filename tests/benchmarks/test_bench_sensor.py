"""A short run of `./dev bench sensor`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_sensor.py"


def test_a_short_run_hears_and_answers_everybody(require_program: Callable[[str, str], Path]) -> None:
    require_program("gcc", "gcc")
    done = subprocess.run([sys.executable, str(BENCH), "--short"], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["figures"]["readers"] == 50
    assert result["figures"]["lost"] == result["figures"]["crowded_out"] == 0
    assert result["figures"]["sent"] > 0
    assert result["figures"]["answers_per_s"] > 0
    assert {"select_loop", "threads", "c"} == result["ratios"].keys()
