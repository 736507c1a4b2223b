"""A short run of `./dev rig alarm-flood`, and every defect that it must find."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(120)  # two nodes are started, one after the other

RIG = Path(__file__).parents[2] / "benchmarks" / "rig_alarm_flood.py"
DEFECTS = ["any-order", "answers-before-durable", "restart-forgets", "rows-dropped"]
SHORT = ["--json", "--alarms", "200", "--seconds", "0.8", "--chatter", "3"]


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run([sys.executable, str(RIG), *SHORT, *arguments], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def test_nothing_is_lost_and_the_first_out_is_first() -> None:
    code, result = run()
    figures = result["figures"]
    assert (code, result["broken"]) == (0, [])
    assert figures["raised"] >= 160
    assert figures["acknowledged"] > 0
    assert figures["messages"] < figures["journal_rows"], "chatter comes to a page in groups"


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_planted_defect_is_caught(defect: str) -> None:
    code, result = run("--plant-defect", defect)
    assert result["caught"], result["figures"]
    assert code == 1
