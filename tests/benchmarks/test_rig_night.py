"""The scripted night: its log line by line, the same bit for bit from the same seed, and every planted defect found.

What takes long is for `LONG_RIGS=1 ./dev test tests/benchmarks/test_rig_night.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import pairwise
from types import ModuleType

import pytest

import rig_night
from night.defects import DEFECTS
from night.promises import PROMISES, Facts, broken
from night.script import KINDS, night_of, script
from night.trial import SHORT, WHOLE, play

pytestmark = pytest.mark.timeout(400)
long = pytest.mark.skipif(not os.environ.get("LONG_RIGS"), reason="takes long: LONG_RIGS=1 runs it")


def test_the_log_of_a_whole_night_line_by_line() -> None:
    played = play(1)
    differs = rig_night.difference(played.lines, rig_night.STORED.read_text("utf-8").splitlines())
    assert not differs, f"{differs}; if it is meant: ./dev rig night --short --log {rig_night.STORED.name} and look"
    assert played.broken == {}


@long
def test_a_camera_that_stops_answering_during_a_sequence_line_by_line(
    require_package: Callable[[str, str], ModuleType],
) -> None:
    require_package("astropy", "astropy")
    played = play(1, kinds=("camera",))
    stored = rig_night.STORED_CAMERA
    differs = rig_night.difference(played.lines, stored.read_text("utf-8").splitlines())
    assert not differs, f"{differs}; if it is meant: ./dev rig night --short --only camera --log {stored.name} and look"
    assert played.broken == {}


@long
def test_the_same_seed_is_the_same_night_bit_for_bit() -> None:
    one, other = play(4, kinds=("lost",)), play(4, kinds=("lost",))
    assert one.broken == {}
    assert (one.lines, one.digest) == (other.lines, other.digest)


@long
def test_another_seed_is_another_night_and_keeps_every_promise() -> None:
    one, other = play(2, kinds=("wind",)), play(3, kinds=("wind",))
    assert (one.broken, other.broken) == ({}, {})
    assert one.digest != other.digest
    assert one.lines != other.lines


@pytest.mark.parametrize("defect", sorted(set(DEFECTS) - {"book-not-told"}))
def test_a_planted_defect_is_found(defect: str) -> None:
    assert DEFECTS[defect].breaks in play(1, defect=defect, kinds=(DEFECTS[defect].kind,)).broken


def test_a_sequence_without_an_end_is_found() -> None:
    night = night_of(SHORT)
    for status, found in (("EXECUTING", True), ("TOBEPLANNED", True), ("EXECUTED", False), ("FAILED", False)):
        assert ("sequence_ends" in broken(Facts(night, [], sequence=status))) is found


def test_a_change_of_one_line_is_told() -> None:
    assert rig_night.difference(["a", "b"], ["a", "c"]) == "line 2: 'b', expected 'c'"
    assert rig_night.difference(["a"], ["a", "c"]) == "1 lines, expected 2"


def test_every_night_has_one_of_each_kind_with_quiet_between() -> None:
    for night in (night_of(SHORT), night_of(WHOLE)):
        for seed in range(20):
            told = script(night, seed)
            assert sorted(one.kind for one in told) == sorted(KINDS)
            assert all(one.ends + 100.0 < other.begins for one, other in pairwise(told))
            assert told[0].begins > 100.0
            assert told[-1].ends + 100.0 < night.dawn - night.dusk


def test_the_command_tells_people_what_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert rig_night.main(["--short", "--show", "--seed", "5", "--only", "rain"]) == 0
    out = capsys.readouterr().out
    assert all(meaning in out for meaning in PROMISES.values())
    assert "guard close_on_rain" in out
    assert json.loads(out.splitlines()[-1])["broken"] == {}
    assert rig_night.main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(DEFECTS)
