"""A site of one's own, far from the demo's: its night, what is due there, its headers, and what is told of it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click.testing
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sereno
from sereno.client import PlantOutline
from sereno.device.instruments import sky
from sereno.model import DeviceError, OperationError
from sereno.sim.instruments.observatory import SimObservatory
from sereno.testing import DeviceTest, JumpingClock, jumping, run_jumping
from sereno_observatory.commands.site import site as site_command
from sereno_observatory.demo import SITE, SITE_ALPACA
from sereno_observatory.images.headers import cards_of
from sereno_observatory.majordome import Majordome
from sereno_observatory.majordome.nights import crossings, night_at
from sereno_observatory.majordome.sun import sun_altitude
from sereno_observatory.simulators import place_of
from sereno_observatory.siteview import site_view
from tests.observatory.observer.bench import BOOK, OBSERVER, observing
from tests.observatory.sequences.asked import TOML

NIGHT = int(datetime(2026, 1, 1, 4, tzinfo=UTC).timestamp()) * 10**9
SOUTH = (
    ("latitude = 31.0439", "latitude = -30.0"),
    ("longitude = -115.4637", "longitude = -70.0"),
    ("elevation = 2800.0", "elevation = 2200.0"),
    ('name = "Observatorio Astronómico Nacional"', 'name = "Cerro Ejemplo"'),
    ("America/Tijuana", "America/Santiago"),
)
M31, MAGELLAN, M81 = "00:42:44.3 +41:16:09", "05:23:34.5 -69:45:22", "09:55:33.2 +69:03:55"


def site_of(folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of the demo's site, changed."""
    made = folder / "site"
    shutil.copytree(SITE, made)
    for old, new in changes:
        found = [file for file in made.glob("*.toml") if old in file.read_text("utf-8")]
        assert found, f"nothing says {old}"
        for file in found:
            file.write_text(file.read_text("utf-8").replace(old, new), encoding="utf-8")
    return made


def settings(outline: PlantOutline, device: str, *names: str) -> dict[str, Any]:
    found = next(one.settings for one in outline.devices if one.path == device)
    return {name: found[name] for name in names}


def test_in_the_south_the_book_chooses_and_images_say_what_is_seen_there(tmp_path: Path) -> None:
    outline = sereno.outline(site_of(tmp_path, *SOUTH))
    place = ("latitude", "longitude", "horizon", "lowest_altitude")
    here, book = settings(outline, OBSERVER, *place, "elevation", "site_name"), settings(outline, BOOK, *place)

    async def night(clock: JumpingClock) -> None:
        async with observing(clock, tmp_path / "data", book=book, **here) as bench:
            north = await bench.add(TOML.replace(M31, M81).replace("priority = 5", "priority = 9"))
            south = await bench.add(TOML.replace(M31, MAGELLAN))
            await clock.sleep(6.0)
            assert (north, await bench.told("due", BOOK)) == (1, south)
            await bench.call(OBSERVER, "execute", south)
            await bench.until("activity", "IDLE")
            facts = bench.shelf.facts[0]
            cards = {key: value for key, value, _ in cards_of(facts, facts.shot.t_start)}
            assert (cards["SITELAT"], cards["SITELONG"], cards["SITEELEV"]) == (-30.0, -70.0, 2200.0)
            assert cards["OBSERVAT"] == "Cerro Ejemplo"
            middle = facts.shot.t_start / 1e9 + 10.0
            alpha, delta = sky.of_date(cards["RA"] / 15.0, cards["DEC"], middle)
            altitude, azimuth = sky.horizontal(sky.sidereal_time(middle, -70.0) - alpha, delta, -30.0)
            assert (cards["ALTITUDE"], cards["AZIMUTH"]) == pytest.approx((altitude, azimuth), abs=0.05)
            assert altitude > 45.0

    run_jumping(night, clock=JumpingClock(epoch_ns=NIGHT))


def test_in_the_south_the_majordome_has_its_own_night_and_horizon(tmp_path: Path) -> None:
    outline = sereno.outline(site_of(tmp_path, *SOUTH, ("horizon = [15.0]", "horizon = [15.0, 40.0, 20.0, 15.0]")))
    given_ = settings(outline, "observatory/majordome", "latitude", "longitude", "horizon", "lowest_altitude")

    async def night(clock: JumpingClock) -> None:
        async with DeviceTest(Majordome, clock=clock, **given_) as majordome:
            await clock.sleep(6.0)
            assert await majordome.read("night") is True
            assert await majordome.read("sun_altitude") == pytest.approx(sun_altitude(NIGHT, -30.0, -70.0), abs=0.1)
            sidereal = sky.sidereal_time(clock.wall_ns() / 1e9, -70.0)
            assert await majordome.read("sidereal_time") == pytest.approx(sidereal, abs=0.01)
            assert await majordome.read("site_latitude") == -30.0
            begins, ends = [await majordome.read(f"night_{name}") for name in ("begins", "ends")]
            assert begins < f"{datetime.fromtimestamp(NIGHT / 1e9, UTC):%Y-%m-%dT%H:%MZ}" < ends
            clock.step_wall(30 * 86400.0)
            await clock.sleep(6.0)
            assert await majordome.read("night_begins") > ends
            clock.step_wall(-30 * 86400.0)
            await clock.sleep(6.0)
            assert [await majordome.read(f"night_{name}") for name in ("begins", "ends")] == [begins, ends]
            for moment in (begins, ends):
                t_ns = int(datetime.fromisoformat(moment).timestamp()) * 10**9
                assert sun_altitude(t_ns, -30.0, -70.0) == pytest.approx(-12.0, abs=0.3)
            assert list(await majordome.read("site_horizon")) == [15.0, 40.0, 20.0, 15.0]
            await majordome.write("mode", "MANUAL")
            with pytest.raises(DeviceError, match=r"it stands -\d+ deg high; the horizon there is \d+"):
                await majordome.call("slew", 9.9259, 69.065)

    run_jumping(night, clock=JumpingClock(epoch_ns=NIGHT))


@jumping
async def test_what_stands_below_the_horizon_is_left_for_later(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path, horizon=[89.0]) as bench:
        number = await bench.add()
        await bench.call(OBSERVER, "execute", number)
        await bench.until("activity", "IDLE")
        await clock.sleep(1.0)
        entry = await bench.entry(number)
        assert (entry["status"], entry["images"]) == ("PLANNED", [])
        assert "the target is too low" in entry["why"]


def test_the_demos_site_is_told_and_nothing_is_odd() -> None:
    view = site_view(sereno.outline(SITE), NIGHT)
    assert view["odd"] == []
    assert view["location"] == {"latitude": 31.0439, "longitude": -115.4637, "elevation": 2800.0}
    assert (view["horizon"], view["limits"]["wind_limit"]) == ([15.0], 15.0)
    assert [level["name"] for level in view["levels"]] == ["staff", "observers", "simulated users", "guests"]
    assert view["tonight"]["night_begins"]["local"].startswith("2025-12-31 17:")
    assert {one["kind"] for one in view["instruments"]} >= {"telescope", "camera", "filterwheel", "focuser", "dome"}


def test_what_can_hardly_be_meant_is_told(tmp_path: Path) -> None:
    outline = sereno.outline(site_of(tmp_path, *SOUTH[:3], ('name = "close_on_wind"', 'name = "closes_on_wind"')))
    assert [one for one in site_view(outline, NIGHT)["odd"] if "time zone" not in one] == []
    assert "time zone" in site_view(replace(outline, timezone="Europe/Paris"), NIGHT)["odd"][0]
    nowhere = replace(outline, site={"latitude": 0.0, "longitude": 0.0}, guards={}, timezone="UTC")
    odd = site_view(nowhere, NIGHT)["odd"]
    assert "latitude and longitude are 0: that is in the Atlantic" in odd
    assert "the majordome has latitude = -30 of its own, the site 0" in odd
    assert "no guard writes site/plc/dome_close" in odd
    bare = replace(outline, devices=())
    assert {"there is no majordome", "nothing opens a dome", "there is no telescope"} <= set(
        site_view(bare, NIGHT)["odd"]
    )


def test_what_an_agent_is_told_of_and_is_not_there_is_told(tmp_path: Path) -> None:
    outline = sereno.outline(site_of(tmp_path, ('cameras = ["site/vis"', 'cameras = ["site/viss"')))
    assert site_view(outline, NIGHT)["odd"] == [
        "cameras of the observer names site/viss, which is no device and no tag; did you mean site/vis?"
    ]


@given(st.floats(-89, 89), st.floats(-180, 180), st.integers(0, 800), st.sampled_from((-0.833, -12.0, -18.0)))
def test_the_sun_crosses_where_it_is_said_to(latitude: float, longitude: float, day: int, below: float) -> None:
    noon = NIGHT + (day * 86_400 + 28_800) * 10**9 - round(longitude * 240e9)

    def sun(t: int) -> float:
        return sun_altitude(t, latitude, longitude)

    found = crossings(sun, noon, below)
    for t in (found.sinks, found.rises):
        assert t is None or (noon <= t <= noon + 86_400 * 10**9 and abs(sun(t) - below) < 0.6)
    if found.sinks is not None and found.rises is not None:
        assert sun((found.sinks + found.rises) // 2) <= below < sun(noon)


def test_the_command_tells_it_in_words_and_in_json(tmp_path: Path) -> None:
    run = click.testing.CliRunner()
    told = run.invoke(site_command, [str(SITE), "--at", "2026-01-01T04:00:00Z"], standalone_mode=False)
    assert told.return_value == 0
    assert "where        31.0439 N 115.4637 W, 2800 m" in told.output
    assert "level        guests: everybody else; priority 0 at most; 1800 s a night" in told.output
    far = site_of(tmp_path, *SOUTH[:3], ("America/Tijuana", "Asia/Tokyo"))
    told = run.invoke(site_command, [str(far), "--json"], standalone_mode=False)
    assert told.return_value == 1
    assert "Asia/Tokyo" in json.loads(told.output)["odd"][0]


@pytest.mark.parametrize(
    ("at", "begins"),
    [
        ("2026-01-01T13:30:00Z", "2025-12-31"),  # the sun is not up yet
        ("2026-01-01T17:00:00Z", "2026-01-01"),  # nine in the morning
        ("2026-01-01T23:00:00Z", "2026-01-01"),
        ("2026-06-21", "2026-06-21"),
    ],
)
def test_the_night_of_a_morning_is_the_next_and_of_a_day_its_evening(at: str, begins: str) -> None:
    told = click.testing.CliRunner().invoke(site_command, [str(SITE), "--json", "--at", at], standalone_mode=False)
    assert json.loads(told.output)["tonight"]["night_begins"]["local"].startswith(begins)


def test_a_dome_that_is_an_instrument_is_looked_at_too(tmp_path: Path) -> None:
    outline = sereno.outline(SITE_ALPACA)
    assert site_view(outline, NIGHT)["odd"] == []
    assert site_view(replace(outline, guards={}), NIGHT)["odd"] == ["no guard closes site/dome"]
    bare = [replace(one, interlocks={}) for one in outline.devices]
    odd = site_view(replace(outline, devices=tuple(bare)), NIGHT)["odd"]
    assert odd == ["the command open of site/dome has no interlock"]


def test_two_levels_of_one_name_are_told(tmp_path: Path) -> None:
    twice = site_of(tmp_path, ('name = "observers"', 'name = "guests"'))
    assert site_view(sereno.outline(twice), NIGHT)["odd"] == ["two levels are named 'guests'"]


def test_what_is_no_time_is_said_in_a_line() -> None:
    told = click.testing.CliRunner().invoke(site_command, [str(SITE), "--at", "tomorrow"])
    assert (told.exit_code, "'tomorrow' is no time, expected ISO 8601" in told.output) == (2, True)


def test_a_number_in_quotes_is_told_as_the_number_that_it_was_taken_for(tmp_path: Path) -> None:
    quoted = ("latitude = 31.0439", 'latitude = "31.0439"'), ("humidity_limit = 90.0", 'humidity_limit = "90.0"')
    view = site_view(sereno.outline(site_of(tmp_path, *quoted)), NIGHT)
    assert (view["location"]["latitude"], view["limits"]["humidity_limit"], view["odd"]) == (31.0439, 90.0, [])


def test_simulators_stand_where_the_site_is(tmp_path: Path) -> None:
    words = place_of(site_of(tmp_path, *SOUTH))
    assert words == ["--place", "-30.0,-70.0,2200.0"]
    telescope = SimObservatory(JumpingClock(epoch_ns=NIGHT), place=(-30.0, -70.0, 2200.0)).telescope
    assert telescope.position()[1] == -90.0
    assert telescope.sidereal == pytest.approx(sky.sidereal_time(NIGHT / 1e9, -70.0))
    (tmp_path / "plant.toml").write_text('[[device]]\nname = "a"\ndriver = "derived"\n')
    with pytest.raises(OperationError, match=r"has no \[site\] with latitude and longitude"):
        place_of(tmp_path)


def test_the_night_that_is_or_comes_next() -> None:
    night = night_at(NIGHT, -30.0, -70.0, -12.0)
    assert night.sinks is not None
    assert night.rises is not None
    assert night.sinks < NIGHT < night.rises
    assert night_at(night.sinks - 3600 * 10**9, -30.0, -70.0, -12.0) == night
    after = night_at(night.rises + 60 * 10**9, -30.0, -70.0, -12.0)
    assert after.sinks is not None
    assert after.sinks - night.sinks == pytest.approx(86_400e9, abs=300e9)
    summer = 1_782_000_000 * 10**9
    assert night_at(summer, 70.0, 20.0, -12.0).sinks is None
