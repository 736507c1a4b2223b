"""The rig keeps its promises against the driver as it is, and finds every defect that is planted."""

from __future__ import annotations

import json
from typing import Any

import pytest

import rig_fleet
from lying_fleet.defects import DEFECTS
from lying_fleet.lies import INVENTORY_LIES, LIES, OWN_OF_INVENTORY
from lying_fleet.trial import PROMISES


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the JSON object of the last line."""
    code = rig_fleet.main([*arguments, "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    return code, json.loads(line)


def test_every_lie_is_told_and_every_promise_kept(capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(capsys, "--sweeps", "250", "--seed", "3")
    figures = result["figures"]
    assert (code, result["broken"]) == (0, [])
    assert {promise: figures[promise] for promise in PROMISES} == dict.fromkeys(PROMISES, 0)
    assert figures["kinds_of_lies"] == len(LIES) + len(INVENTORY_LIES) + len(OWN_OF_INVENTORY)
    assert figures["good_totals"] > 300
    assert figures["mid_sweep_changes"] > 10
    assert min(figures["written"], figures["not_written"]) > 40


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_a_planted_defect_is_caught(defect: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(capsys, "--sweeps", "600", "--plant-defect", defect)
    assert (code, result["caught"]) == (1, True), result


def test_planted_defects_break_every_promise() -> None:
    assert {promise for promise, _ in DEFECTS.values()} == set(PROMISES)


def test_a_defect_that_is_not_caught_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEFECTS, "harmless", ("wrong_total", lambda _: None))
    code, result = run(capsys, "--sweeps", "5", "--plant-defect", "harmless")
    assert (code, result["caught"]) == (3, False)


def test_on_sockets(capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(capsys, "--sweeps", "8", "--sockets")
    assert (code, result["broken"]) == (0, [])
