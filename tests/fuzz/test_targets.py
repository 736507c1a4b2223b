"""Every parser is fed what was found before, and a few new inputs; every planted defect is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import rig_fuzz
from fuzzing.defects import DEFECTS, planted
from fuzzing.engines import by_atheris, by_hypothesis, replay
from fuzzing.targets import CORPUS, Taker, families, find

TARGETS = {target.name: target for target in find("all")}
EXAMPLES = 40
KEPT = 200
"""So many inputs of a target are worth keeping, not more."""


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_what_was_found_before_raises_nothing(name: str) -> None:
    assert replay(TARGETS[name]).error == ""


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_new_inputs_raise_nothing(name: str) -> None:
    outcome = by_hypothesis(TARGETS[name], examples=EXAMPLES)
    assert outcome.error == ""
    assert outcome.executions >= EXAMPLES / 2


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_a_target_is_told_in_a_line_and_takes_its_seeds(name: str) -> None:
    target = TARGETS[name]
    assert target.doc.endswith(".") or ":" in target.doc
    assert target.seeds
    assert all(len(seed) <= target.longest for seed in target.seeds)


def test_what_is_kept_belongs_to_a_target_and_stays_small() -> None:
    folders = [path for path in CORPUS.iterdir() if path.is_dir()]
    assert {folder.name for folder in folders} <= set(TARGETS)
    for folder in folders:
        kept = list(folder.iterdir())
        assert len(kept) <= KEPT
        assert sum(path.stat().st_size for path in kept) < 100_000


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_a_planted_defect_is_found(defect: str) -> None:
    target = TARGETS[DEFECTS[defect][0]]
    with planted(defect):
        outcome = replay(target)
        if not outcome.error:
            outcome = by_hypothesis(target, examples=3000, seed=1)
    assert outcome.error, f"{outcome.executions} inputs, none of which {target.name} minds"
    assert outcome.input is not None


def test_atheris_finds_one_too(require_package: object) -> None:
    require_package("atheris", "atheris")  # type: ignore[operator]
    outcome = by_atheris(TARGETS["modbus-reply"], seconds=90, defect="length-believed")
    assert "IndexError" in outcome.error
    assert outcome.input is not None


def test_the_rig_tells_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    code = rig_fuzz.main(["text-duration", "--engine", "hypothesis", "--seconds", "0", "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    figures = json.loads(line)["figures"]
    assert (code, figures["targets"], figures["uncaught"]) == (0, 1, 0)
    assert figures["executions"] > 0


def test_the_rig_fails_when_something_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["text-time", "--engine", "hypothesis", "--seconds", "120", "--json", "--plant-defect", "any-amount"]
    assert rig_fuzz.main(arguments) == rig_fuzz.FOUND
    assert "OverflowError" in json.loads(capsys.readouterr().out)["found"]["text-time"]


def test_unknown_targets_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert rig_fuzz.main(["nonsense"]) == rig_fuzz.USAGE
    assert "modbus" in capsys.readouterr().err


def test_families_are_the_files() -> None:
    assert {name.partition("-")[0] for name in TARGETS} == set(families())


def test_taker_never_ends() -> None:
    taker = Taker(b"\x02ab\xff")
    assert taker.piece() == b"ab"
    assert taker.number(10) == 5
    assert not taker
    assert (taker.number(300), taker.take(3), taker.rest()) == (0, b"", b"")


def test_corpus_lies_with_the_tests() -> None:
    assert Path(__file__).parent / "corpus" == CORPUS


def test_targets_have_a_defect_each() -> None:
    assert {target for target, _ in DEFECTS.values()} == set(TARGETS)
