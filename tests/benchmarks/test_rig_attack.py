"""Short runs of `./dev rig attack`, and every defect that it must find."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rig_attack
from attacking.defects import DEFECTS
from rig_attack import CLASSES, NEED_BROWSER

SCRIPT = "fixation"
"""The class that is run by the script, as people do."""
WITHOUT = sorted(set(CLASSES) - {SCRIPT, *NEED_BROWSER})
Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Call it with arguments for the exit code and the JSON object of the last line."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        code = rig_attack.main(["--short", *arguments])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


@pytest.mark.parametrize("name", WITHOUT)
def test_nothing_comes_through(name: str, run: Run) -> None:
    code, result = run(f"--class={name}")
    assert (code, result["figures"]["hits"], result["not_run"]) == (0, 0, [])
    assert result["figures"]["attempts"] > 6


@pytest.mark.browser
@pytest.mark.parametrize("name", NEED_BROWSER)
def test_nothing_comes_through_in_a_browser(name: str, run: Run, require_browser: Path) -> None:
    code, result = run(f"--class={name}")
    assert (code, result["figures"]["hits"]) == (0, 0)
    assert result["figures"]["attempts"] > 15


def test_every_class_has_a_defect_that_it_must_find() -> None:
    assert {found_by for found_by, _ in DEFECTS.values()} == set(CLASSES)


@pytest.mark.parametrize("defect", sorted(name for name, (by, _) in DEFECTS.items() if by not in NEED_BROWSER))
def test_a_planted_defect_is_caught(defect: str, run: Run, require_package: Callable[[str, str], Any]) -> None:
    if defect == "asks-anybody":  # of a provider
        require_package("joserfc", "joserfc")
    code, result = run(f"--plant-defect={defect}")
    assert (code, result["caught"]) == (1, True)


@pytest.mark.browser
@pytest.mark.parametrize("defect", sorted(name for name, (by, _) in DEFECTS.items() if by in NEED_BROWSER))
def test_a_planted_defect_is_caught_in_a_browser(defect: str, run: Run, require_browser: Path) -> None:
    code, result = run(f"--plant-defect={defect}")
    assert (code, result["caught"]) == (1, True)


def test_nothing_comes_through_by_the_script() -> None:
    command = [sys.executable, rig_attack.__file__, "--short", f"--class={SCRIPT}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["name"], result["figures"]["hits"], result["not_run"]) == ("attack", 0, [])
    assert result["figures"]["attempts"] > 6
