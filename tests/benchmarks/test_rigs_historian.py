"""The historian's rigs find nothing, and find each planted defect; its benchmark runs and compares every answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script: str, *arguments: str) -> dict[str, Any]:
    """The result; the exit code is 0 if a planted defect was found, or if there is none and nothing was."""
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_power_cuts_lose_nothing_durable() -> None:
    figures = run("rig_powercut.py", "--cycles", "12", "--batches", "40", "--through", "injected")["figures"]
    assert figures["cycles"] == 12
    assert figures["lost"] == figures["doubled"] == figures["altered"] == figures["refused"] == 0


@pytest.mark.timeout(300)
def test_power_cuts_are_of_a_file_system_where_one_can_be_mounted() -> None:
    done = run("rig_powercut.py", "--cycles", "6", "--batches", "24")
    assert done["through"] == "fuse" or done["through"].startswith("injected: ")


@pytest.mark.parametrize("defect", ["no-fsync", "no-folder-fsync", "ack-before-sync", "delete-first"])
def test_power_cuts_find_each_planted_defect(defect: str) -> None:
    arguments = ("--cycles", "25", "--batches", "40", "--through", "injected")
    assert run("rig_powercut.py", *arguments, "--defect", defect)["found"]


def test_kills_lose_nothing_durable() -> None:
    figures = run("rig_kill.py", "--cycles", "1", "--points", "2", "--imports", "0")["figures"]
    assert figures["acknowledged"] > 0
    assert figures["lost"] == figures["doubled"] == figures["altered"] == 0


def test_kills_find_a_planted_defect_of_imports() -> None:
    """Killed twice before, it was whole or went on: else fewer kills had found it."""
    found = run("rig_kill.py", "--imports", "1", "--defect", "import-clears-first")
    assert (found["found"], found["figures"]["imports_killed"]) == (True, 3)


def test_a_bad_disk_shows_no_wrong_value() -> None:
    figures = run("rig_disk.py", "--stride", "797", "--fault-stride", "47")["figures"]
    assert figures["looked"] > 10
    assert figures["altered"] == figures["doubled"] == figures["lost"] == figures["lost_beyond_the_block"] == 0


def test_believing_every_checksum_is_found() -> None:
    assert run("rig_disk.py", "--stride", "171", "--fault-stride", "1000", "--defect", "unchecked")["found"]


def test_the_benchmark_runs_and_every_answer_is_numpys() -> None:
    arguments = (
        "--samples",
        "4000",
        "--tags",
        "40",
        "--sqlite",
        "2000",
        "--repeat",
        "1",
        "--batch",
        "500",
        "--live",
        "0.1",
    )
    result = run("bench_historian.py", *arguments)
    assert {
        "append_per_s",
        "compact_per_s",
        "bytes_per_sample",
        "raw_ms",
        "downsample_ms",
        "tags20_ms",
        "asof_ms",
    } <= set(result["figures"])
    assert {"append_duckdb", "append_sqlite", "raw_duckdb", "downsample_duckdb"} <= set(result["ratios"])
