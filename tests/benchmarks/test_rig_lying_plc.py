"""The rig keeps its promises against the driver as it is, and finds every defect that is planted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rig_lying_plc
from lying_plc.defects import DEFECTS
from lying_plc.trial import PROMISES
from sereno.sim.lying_lies import names

ROOT = Path(__file__).parents[2]
SEEDS = {"deadline-moved-by-any-reply": "2"}
"""A seed that finds a rare defect within the transactions of the test."""


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the JSON object of the last line."""
    code = rig_lying_plc.main([*arguments, "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    return code, json.loads(line)


def test_in_memory_every_lie_is_told_and_every_promise_kept(capsys: pytest.CaptureFixture[str]) -> None:
    code, result = run(capsys, "--transactions", "10000", "--seed", "4")
    figures = result["figures"]
    assert (code, result["broken"]) == (0, {})
    assert figures["transactions"] >= 10_000
    assert all(figures["lies"][name] for name in names())
    assert figures["values_checked"] > 100_000
    assert figures["undetectable"] > 0
    assert figures["drops"] > 100
    assert {promise: figures[promise] for promise in PROMISES} == dict.fromkeys(PROMISES, 0)


def test_the_same_seed_is_the_same_run(capsys: pytest.CaptureFixture[str]) -> None:
    def told(seed: str) -> dict[str, Any]:
        figures = run(capsys, "--transactions", "1500", "--seed", seed)[1]["figures"]
        return {k: v for k, v in figures.items() if k not in ("seconds", "per_second", "rss_growth_mb")}

    assert told("7") == told("7")
    assert told("7") != told("8")


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_a_planted_defect_is_caught(defect: str, capsys: pytest.CaptureFixture[str]) -> None:
    seed = SEEDS.get(defect, "1")
    code, result = run(capsys, "--transactions", "12000", "--seed", seed, "--plant-defect", defect)
    assert result["caught"], result["broken"]
    assert code == 1
    assert DEFECTS[defect][0] in result["broken"]


def test_planted_defects_break_every_promise() -> None:
    assert {promise for promise, _ in DEFECTS.values()} == set(PROMISES)


def test_a_defect_that_is_not_caught_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DEFECTS, "harmless", ("wrong_good", lambda _: None))
    code, result = run(capsys, "--transactions", "300", "--plant-defect", "harmless")
    assert (code, result["caught"]) == (3, False)


def test_on_sockets(capsys: pytest.CaptureFixture[str]) -> None:
    lies = ("wrong_id", "repeated", "reset", "flood", "garbage_after", "bit_flip", "cut_close", "dribbled")
    chosen = [part for lie in lies for part in ("--lie", lie)]
    code, result = run(capsys, "--transactions", "1000", "--sockets", *chosen)
    assert (code, result["broken"]) == (0, {})
    assert result["figures"]["mode"] == "sockets"
    assert set(lies) >= {name for name, count in result["figures"]["lies"].items() if count}


def test_for_people_it_says_what_was_promised_and_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert rig_lying_plc.main(["--transactions", "3000", "--plant-defect", "refusal-forgotten", "--seed", "1"]) == 1
    out = capsys.readouterr().out
    assert all(meaning in out for meaning in PROMISES.values())
    assert "wrong_good: rig/" in out
    assert "The planted defect 'refusal-forgotten' was caught." in out


def test_every_lie_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert rig_lying_plc.main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == names()


def test_it_runs_as_a_script() -> None:
    command = [sys.executable, "benchmarks/rig_lying_plc.py", "--transactions", "200"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["name"] == "lying-plc"
