"""`./dev bench import` runs, compares what it brought, and prints what it promises."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

BENCH = Path(__file__).parents[2] / "benchmarks" / "bench_import.py"
KINDS = ("parquet_wide", "csv_long")
"""Each kind of file and each shape once."""


def test_short_run(require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("duckdb", "duckdb")
    arguments = ["--tags", "5", "--seconds", "4000", "--csv-seconds", "500", "--alone", "0.1", "--only", *KINDS]
    done = subprocess.run([sys.executable, str(BENCH), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["name"] == "import"
    for kind in KINDS:
        assert result["figures"][f"{kind}_per_s"] > 0
        assert result["ratios"][f"{kind}_pyarrow"] > 0
