"""The night as people see it: which one is played, and a short one from dusk to dawn with the node's real pages."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import orjson
import pytest

from sereno.app.datafolder import DataFolder
from sereno.app.paced.played import note_played, played_until
from sereno.app.paced.run import PlayOptions, run_play
from sereno.model import OperationError
from sereno_observatory.demo import OBSERVATORY
from sereno_observatory.majordome.sun import sun_altitude
from sereno_observatory.night.play import AFTER, BEFORE, NIGHT, ScriptedNight
from sereno_observatory.night.promises import PROMISES
from sereno_observatory.night.script import EVENING, KINDS, LATITUDE, LONGITUDE

BELOW = -35.5
SHORT = ScriptedNight(below=BELOW, evening=EVENING)
LONG = pytest.mark.skipif(not os.environ.get("LONG_RIGS"), reason="takes long: LONG_RIGS=1 runs it")
HOUR = 3600 * 10**9
NOON = 1_795_896_000 * 10**9
"""20:00 UTC in November: noon at the site."""


@pytest.mark.parametrize("hours", [0, 3, 8, 15])
def test_tonight_is_the_night_that_is_or_the_one_that_comes(hours: int) -> None:
    begin, end = NIGHT.times(NOON + hours * HOUR, 0)
    assert NOON < begin < NOON + 8 * HOUR
    assert NOON + 12 * HOUR < end < NOON + 24 * HOUR
    assert sun_altitude(begin + round(BEFORE * 1e9), LATITUDE, LONGITUDE) == pytest.approx(-12.0, abs=0.01)
    assert sun_altitude(end - round(AFTER * 1e9), LATITUDE, LONGITUDE) == pytest.approx(-11.5, abs=0.01)


def test_after_the_dawn_it_is_the_next_one() -> None:
    begin, end = NIGHT.times(NOON, 0)
    assert NIGHT.times(end + HOUR, 0)[0] == pytest.approx(begin + 24 * HOUR, abs=HOUR / 10)


def test_a_folder_never_goes_back_in_time() -> None:
    first = NIGHT.times(NOON, 0)
    second = NIGHT.times(NOON, first[1])
    third = NIGHT.times(NOON, second[1] + 1)
    assert first[1] < second[0] < second[1] < third[0]


def test_a_folder_knows_until_when_it_was_played(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    assert played_until(folder) == 0
    note_played(folder, 17)
    assert played_until(folder) == 17
    folder.played.write_text("{")
    with pytest.raises(OperationError, match=r"played\.json"):
        played_until(folder)
    folder.played.unlink()
    folder.note.write_text("{}")
    with pytest.raises(OperationError, match="real time"):
        played_until(folder)


def site_with_short_nights(folder: Path) -> Path:
    """The demo's site, where it is night with the sun below 35.5 degrees: half an hour at midsummer."""
    home = folder / "site"
    shutil.copytree(OBSERVATORY.plant.parent, home)
    site = home / "site.toml"
    text = site.read_text("utf-8")
    assert "night_below = -12.0" in text
    site.write_text(text.replace("night_below = -12.0", f"night_below = {BELOW}"), "utf-8")
    return home / "plant.toml"


@LONG
@pytest.mark.timeout(900)
def test_a_short_night_is_played_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = OBSERVATORY._replace(plant=site_with_short_nights(tmp_path))
    options = PlayOptions(data=tmp_path / "data", port=0, speed=0.0, seed=1, as_json=True)
    assert run_play(demo, SHORT, options) == 0
    ready, *lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ready["url"].startswith("http://127.0.0.1:")
    summary = lines.pop()
    assert summary["broken"] == {}
    told = [(line["who"], line["what"]) for line in lines]
    figures = summary["summary"]
    assert figures["promises_kept"] == f"{len(PROMISES)} of {len(PROMISES)}"
    assert figures["happenings"] == len([what for who, what in told if who == "it happens"]) == len(KINDS)
    assert figures["images"] == len(list((tmp_path / "data/nights").glob("*/*.fits"))) > 10
    assert "EXECUTED" in figures["sequences"]
    assert "EXECUTED" in figures["program"]
    assert ("it happens", "the visible camera does not answer") in told
    assert ("an astronomer", f"asks for {len(KINDS)} fields in this night") in told
    assert figures["dome_opened"] == told.count(("the dome", "open")) >= 6
    assert ("majordome/night", "True") in told
    assert any(who.startswith("guard ") for who, _ in told)
    assert any(who == "alarm rain" for who, _ in told)
    assert any(re.match(r"routine_request_\d+\.xml accepted", what) for who, what in told if who == "a user")
    assert played_until(DataFolder(tmp_path / "data")) >= SHORT.times(0, 0)[1]
    assert lines[0]["t"] > "2026-06-20T23"
