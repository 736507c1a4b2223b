"""A short run of `./dev bench fleet`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_fleet.py"


@pytest.mark.skipif(sys.platform != "linux", reason="the members are at many addresses of the loopback network")
def test_a_short_run_asks_everybody(require_package: Callable[[str, str], Any]) -> None:
    require_package("requests", "requests")
    done = subprocess.run([sys.executable, str(BENCH), "--short"], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["figures"]["answered"] == result["figures"]["thread_pool_answered"] == 28
    assert result["ratios"]["thread_pool"] > 0
