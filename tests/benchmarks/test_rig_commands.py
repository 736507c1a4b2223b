"""A short run of `./dev rig commands`, and every defect that it must find."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import rig_commands
from commanding.defects import DEFECTS
from commanding.orders import opening

Run = Callable[..., tuple[int, dict[str, Any]]]
OPENING = str(len(opening()))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Call it with arguments for the exit code and the JSON object of the last line."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = rig_commands.main(["--json", *arguments])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def test_nothing_goes_twice_or_late_or_beyond_its_limits() -> None:
    """By the script, as people run it."""
    command = [sys.executable, rig_commands.__file__, "--count", "125"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    figures = result["figures"]
    assert result["broken"] == []
    assert figures["commands"] == 125
    assert figures["kills"] == 1
    assert figures["ended_done"] > 20
    assert figures["ended_unknown"] > 0
    assert figures["replies_lost"] > 0
    assert figures["waited_for_people"] > 5
    assert figures["acts_taken"] > 3
    assert figures["acts_refused"] > 3


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_a_planted_defect_is_caught(defect: str, run: Run) -> None:
    """By the opening, in which each trouble comes once and undisturbed."""
    code, result = run("--count", OPENING, "--plant-defect", defect)
    assert (code, result["caught"]) == (1, True)
