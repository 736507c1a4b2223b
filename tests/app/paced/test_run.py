"""A play from its beginning to its end: the demo's site with real pages, and something that happens there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from sereno.app.cli import run_cli
from sereno.app.paced.play import Outcome, Stage
from sereno.app.paced.run import PlayOptions, run_play
from sereno.client import done
from sereno_observatory.demo import OBSERVATORY
from sereno_observatory.night import NIGHT

BEGIN = 1_795_896_000 * 10**9
SAYS = {"device_name": "WXT520", "value_name": "RainRate", "value": 12.0}


@dataclass
class Rain:
    """It begins to rain at noon, and the play ends when people have been told."""

    devices: Mapping[str, str] = field(default_factory=lambda: NIGHT.devices)
    periods: Mapping[str, float] = field(default_factory=lambda: NIGHT.periods)
    title: str = "a shower"
    promise: Mapping[str, list[str]] = field(default_factory=dict)
    pages: list[int] = field(default_factory=list)

    def times(self, now: int, after: int) -> tuple[int, int]:
        return max(BEGIN, after + 1), max(BEGIN, after + 1) + 60 * 10**9

    async def run(self, stage: Stage) -> Outcome:
        moves: list[tuple[str, bool]] = []
        stage.simulators.watch_shutter(lambda word, by_itself: moves.append((word, by_itself)))
        async with httpx.AsyncClient(timeout=60) as people:  # over a real socket, while the clock runs flat out
            self.pages.append((await people.get(stage.url + "/sign-in")).status_code)
        while (await stage.client.get("site/telescope/state")).value is None:
            await stage.clock.sleep(1.0)
        stage.simulators.force("plc", SAYS)
        stage.say(stage.clock.wall_ns(), "it happens", "it rains")
        while not [one for one in await stage.client.alarms() if one.spec.id == "rain" and one.state != "normal"]:
            await stage.clock.sleep(1.0)
        done(await stage.client.write("site/plc/dome_light", "on"))
        records = [one async for one in stage.commands(0) if one.command]
        return Outcome({"commands": len({one.command for one in records}), "moves": len(moves)}, self.promise)


def play(folder: Path, rain: Rain) -> int:
    return run_play(OBSERVATORY, rain, PlayOptions(data=folder, port=0, speed=0.0, seed=1, as_json=True))


def printed(capsys: pytest.CaptureFixture[str]) -> list[Any]:
    return [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_it_is_played_with_pages_and_a_folder_goes_on_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rain = Rain()
    assert play(tmp_path, rain) == 0
    ready, story, summary = printed(capsys)
    assert ready["user"] == "admin"
    assert rain.pages == [200]
    assert story["who"] == "it happens"
    assert story["t"].startswith("2026-11-28T12:0")
    assert summary["broken"] == {}
    assert summary["summary"]["commands"] >= 1
    later = Rain(promise={"nobody gets wet": ["somebody did"]})
    assert play(tmp_path, later) == 1
    _, again, broken = printed(capsys)
    assert again["t"] > story["t"]
    assert broken["broken"] == {"nobody gets wet": ["somebody did"]}


def test_what_cannot_be_played_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, why in (
        (["plant", "--night"], "has none"),
        (["sensor", "--night"], "has none"),
        (["observatory", "--night", "--speed", "0.5"], "as fast as it goes"),
        (["observatory", "--night", "--speed", "-1"], "not in the range"),
        (["observatory", "--seed", "3"], "--night too"),
    ):
        assert run_cli(["demo", *words]) == 2, words
        assert why in capsys.readouterr().err
    (tmp_path / "installation.json").write_text("{}")
    assert run_cli(["demo", "observatory", "--night", "--data", str(tmp_path)]) == 1
    assert "give another --data" in capsys.readouterr().err
