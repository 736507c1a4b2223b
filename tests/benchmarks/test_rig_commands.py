"""A short run of `./dev rig commands`, and every defect that it must find."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RIG = Path(__file__).parents[2] / "benchmarks" / "rig_commands.py"
DEFECTS = ["replay-executes-again", "expiry-ignored", "limits-ignored", "unknown-repeated"]


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run([sys.executable, str(RIG), "--json", *arguments], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_nothing_goes_twice_or_late_or_beyond_its_limits() -> None:
    code, result = run("--count", "130")
    figures = result["figures"]
    assert (code, result["broken"]) == (0, [])
    assert figures["commands"] == 130
    assert figures["kills"] == 1
    assert figures["ended_done"] > 20
    assert figures["ended_unknown"] > 0
    assert figures["replies_lost"] > 0


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_caught(defect: str) -> None:
    code, result = run("--count", "110", "--plant-defect", defect)
    assert result["caught"], result["figures"]
    assert code == 1
