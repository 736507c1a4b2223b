"""The scripted night: its log line by line, the same bit for bit from the same seed, and every planted defect found.

What takes long is for `LONG_RIGS=1 ./dev test tests/benchmarks/test_rig_night.py`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

import rig_night
from night.defects import DEFECTS
from night.trial import SHORT, WHOLE, play
from sereno.store.audit import AuditRecord
from sereno_observatory.night.harvest import Harvest, Observed
from sereno_observatory.night.program import program
from sereno_observatory.night.promises import PROMISES, Facts, broken
from sereno_observatory.night.script import CAMERA, KINDS, Happening, night_of, script

pytestmark = pytest.mark.timeout(400)
long = pytest.mark.skipif(not os.environ.get("LONG_RIGS"), reason="takes long: LONG_RIGS=1 runs it")
OBSERVED = sorted(name for name, defect in DEFECTS.items() if defect.kind == CAMERA)


def test_the_log_of_a_whole_night_line_by_line(require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("astropy", "astropy")  # without it the images have the camera's own headers
    played = play(1)
    differs = rig_night.difference(played.lines, rig_night.STORED.read_text("utf-8").splitlines())
    assert not differs, f"{differs}; if it is meant: ./dev rig night --short --log {rig_night.STORED.name} and look"
    assert played.broken == {}


@long
def test_the_same_seed_is_the_same_night_bit_for_bit() -> None:
    one, other = play(4), play(4)
    assert one.broken == {}
    assert (one.lines, one.digest) == (other.lines, other.digest)


@long
def test_another_seed_is_another_night_and_keeps_every_promise() -> None:
    one, other = play(2), play(3)
    assert (one.broken, other.broken) == ({}, {})
    assert one.digest != other.digest
    assert one.lines != other.lines


@long
@pytest.mark.parametrize("defect", OBSERVED)
def test_a_planted_defect_of_the_observing_is_found(defect: str) -> None:
    assert DEFECTS[defect].breaks in play(1, defect=defect, kinds=(DEFECTS[defect].kind,)).broken


@pytest.mark.parametrize("defect", sorted(set(DEFECTS) - set(OBSERVED)))
def test_a_planted_defect_is_found(defect: str) -> None:
    kinds = (DEFECTS[defect].kind,)
    assert DEFECTS[defect].breaks in play(1, defect=defect, kinds=kinds, observing=False).broken


def a_night(**more: Any) -> Facts:
    """A night in which the dome was open from dusk to dawn, a sequence waited, and nothing happened."""
    night = night_of(SHORT)
    wanted = program(night, 1, len(KINDS))[:1]
    moves = [(night.dusk + 5.0, "opening"), (night.dusk + 11.0, "open"), (night.dawn, "closing")]
    told = Observed(1, wanted[0].name, "EXECUTED", 2, ("a.fits", "b.fits"), ((round(night.dusk * 1e9), "TOBEPLANNED"),))
    harvest = replace(Harvest([told]), **more)
    return Facts(night, [], moves, program=wanted, harvest=harvest, end=("IDLE", "closed"))


def an_exposure(facts: Facts, after: float) -> AuditRecord:
    """An exposure of the sky that was begun so many seconds after dusk."""
    t = round((facts.night.dusk + after) * 1e9)
    return AuditRecord(
        t=t, actor="observer", action="call expose", target="site/vis", new=[9.0, "light"], command="1",
        seq=1, key="", hash="",
    )  # fmt: skip


def test_a_sequence_without_an_end_is_found() -> None:
    for status, found in (("EXECUTING", True), ("EXPIRED", False), ("EXECUTED", False), ("FAILED", False)):
        facts = a_night()
        facts.harvest.sequences[0] = replace(facts.harvest.sequences[0], status=status)
        assert ("sequence_ends" in broken(facts)) is found
        facts.end, facts.executing = None, 1
        assert "sequence_ends" not in broken(facts)


def test_a_night_in_which_nothing_is_exposed_is_found() -> None:
    facts = a_night()
    assert all(words.endswith("(in the whole night)") for words in broken(facts)["observing_stops"])
    facts.commands.append(an_exposure(facts, 40.0))
    assert "observing_stops" not in broken(facts)
    facts.harvest.sequences[0] = replace(facts.harvest.sequences[0], status="EXPIRED")
    assert "observing_stops" in broken(facts)  # none was executed to its end


def test_a_sequence_that_fails_where_all_cameras_answer_is_found() -> None:
    facts = a_night()
    failed = replace(facts.harvest.sequences[0], statuses=((round(facts.night.dusk * 1e9) + 10**11, "FAILED"),))
    facts.harvest.sequences[0] = failed
    assert "fails_for_nothing" in broken(facts)
    facts.happenings = [Happening(CAMERA, 90.0, 120.0, "the visible camera does not answer")]
    assert "fails_for_nothing" not in broken(facts)


def test_a_sequence_that_lost_a_camera_fails_when_its_other_one_has_ended() -> None:
    facts = a_night()
    facts.happenings = [Happening(CAMERA, 90.0, 120.0, "the visible camera does not answer")]
    dusk = round(facts.night.dusk * 1e9)
    for begun, found in ((100, False), (300, True)):
        told = ((dusk, "TOBEPLANNED"), (dusk + begun * 10**9, "EXECUTING"), (dusk + 500 * 10**9, "FAILED"))
        facts.harvest.sequences[0] = replace(facts.harvest.sequences[0], statuses=told)
        assert ("fails_for_nothing" in broken(facts)) is found


@pytest.mark.parametrize("more", [{"missing": ["a.fits"]}, {"unrecorded": ["c.fits"]}])
def test_an_image_that_is_no_file_or_on_no_record_is_found(more: dict[str, list[str]]) -> None:
    assert "image_lost" not in broken(a_night())
    assert "image_lost" in broken(a_night(**more))


def test_an_image_that_is_on_record_twice_or_not_at_all_is_found() -> None:
    for files in (("a.fits", "a.fits"), ("a.fits",), ("a.fits", "b.fits", "c.fits")):
        facts = a_night()
        facts.harvest.sequences[0] = replace(facts.harvest.sequences[0], files=files)
        assert "image_lost" in broken(facts)


def test_an_exposure_in_a_closed_dome_is_found() -> None:
    facts = a_night()
    facts.commands.append(an_exposure(facts, 40.0))
    assert "exposed_in_the_dome" not in broken(facts)
    facts.commands.append(an_exposure(facts, facts.night.dawn - facts.night.dusk + 30.0))
    assert "exposed_in_the_dome" in broken(facts)


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
    assert rig_night.main(["--short", "--show", "--seed", "5", "--only", "rain", "--unobserved"]) == 0
    out = capsys.readouterr().out
    assert all(meaning in out for meaning in PROMISES.values())
    assert "guard close_on_rain" in out
    assert json.loads(out.splitlines()[-1])["broken"] == {}
    assert rig_night.main(["--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(DEFECTS)
