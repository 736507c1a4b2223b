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
DEFECTS += ["approved-by-the-same-person", "executed-after-the-selection"]


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run([sys.executable, str(RIG), "--json", *arguments], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.timeout(90)
def test_nothing_goes_twice_or_late_or_beyond_its_limits() -> None:
    code, result = run("--count", "130")
    figures = result["figures"]
    assert (code, result["broken"]) == (0, [])
    assert figures["commands"] == 130
    assert figures["kills"] == 1
    assert figures["ended_done"] > 3
    assert figures["ended_unknown"] > 0
    assert figures["replies_lost"] > 0
    assert figures["waited_for_people"] > 5
    assert figures["acts_taken"] > 3
    assert figures["acts_refused"] > 3


@pytest.mark.timeout(180)
@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_caught(defect: str) -> None:
    """Real sockets and kills decide which commands meet the defect: some short runs are as good as a long one."""
    for seed in ("1", "2", "3"):
        code, result = run("--count", "110", "--seed", seed, "--plant-defect", defect)
        if result["caught"]:
            assert code == 1
            return
    pytest.fail(f"never caught: {result['figures']}")
