"""A short run of `./dev rig alarm-flood`, and every defect that it must find."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import rig_alarm_flood
from alarm_flood.defects import DEFECTS

SHORT = ["--json", "--alarms", "200", "--seconds", "0.8", "--chatter", "3"]
Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Call it with arguments for the exit code and the JSON object of the last line."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = rig_alarm_flood.main([*SHORT, *arguments])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def test_nothing_is_lost_and_the_first_out_is_first() -> None:
    """By the script, as people run it."""
    command = [sys.executable, rig_alarm_flood.__file__, *SHORT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    figures = result["figures"]
    assert (result["name"], result["broken"]) == ("alarm-flood", [])
    assert figures["raised"] >= 160
    assert figures["acknowledged"] > 0
    assert figures["messages"] < figures["journal_rows"], "chatter comes to a page in groups"


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_a_planted_defect_is_caught(defect: str, run: Run) -> None:
    code, result = run("--plant-defect", defect)
    assert result["caught"], result["figures"]
    assert code == 1
