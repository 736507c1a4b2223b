"""Short runs of `./dev rig attack`, and every defect that it must find."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from attacking.defects import DEFECTS
from rig_attack import CLASSES, NEED_BROWSER

RIG = Path(__file__).parents[2] / "benchmarks" / "rig_attack.py"
WITHOUT = sorted(set(CLASSES) - set(NEED_BROWSER))


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, str(RIG), "--short", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", WITHOUT)
def test_nothing_comes_through(name: str) -> None:
    code, result = run(f"--class={name}")
    assert (code, result["figures"]["hits"], result["not_run"]) == (0, 0, [])
    assert result["figures"]["attempts"] > 6


@pytest.mark.browser
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", NEED_BROWSER)
def test_nothing_comes_through_in_a_browser(name: str, require_browser: Path) -> None:
    code, result = run(f"--class={name}")
    assert (code, result["figures"]["hits"]) == (0, 0)
    assert result["figures"]["attempts"] > 15


def test_every_class_has_a_defect_that_it_must_find() -> None:
    assert {found_by for found_by, _ in DEFECTS.values()} == set(CLASSES)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("defect", sorted(name for name, (by, _) in DEFECTS.items() if by not in NEED_BROWSER))
def test_a_planted_defect_is_caught(defect: str) -> None:
    code, result = run(f"--plant-defect={defect}")
    assert (code, result["caught"]) == (1, True)


@pytest.mark.browser
@pytest.mark.timeout(120)
@pytest.mark.parametrize("defect", sorted(name for name, (by, _) in DEFECTS.items() if by in NEED_BROWSER))
def test_a_planted_defect_is_caught_in_a_browser(defect: str, require_browser: Path) -> None:
    code, result = run(f"--plant-defect={defect}")
    assert (code, result["caught"]) == (1, True)
