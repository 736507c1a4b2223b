"""When reports are due: each period once, whatever the clocks of the place do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.client import Calendar, Every, parse_time
from sereno.reports import schedule
from sereno.reports.schedule import Period, containing, due, due_at, following, key_of, last_ended, period_of
from sereno.reports.spec import ReportSpec

HOUR = 3600 * 10**9
ZONES = (
    "UTC",
    "Europe/Madrid",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Pacific/Apia",
    "Asia/Kolkata",
)
SHIFTS = ("06:00", "14:00", "22:00")
EVERY = ("1d", "1w", "1mo", "shift", "1h", "4h", "8h", "12h")


def spec(every: str = "1d", zone: str = "Europe/Madrid", **given: Any) -> ReportSpec:
    return ReportSpec(name="r", title="R", every=Every.parse(every), calendar=Calendar(zone, SHIFTS), **given)


def ns(text: str, zone: str = "Europe/Madrid") -> int:
    return parse_time(text, zone=ZoneInfo(zone))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-27", 24)])
def test_days_are_as_long_as_the_clock_on_the_wall_says(day: str, hours: int) -> None:
    found = period_of(spec(), day, ns("2026-12-01"))
    assert (found.end - found.start) / HOUR == hours
    assert key_of(spec(), found) == day
    at_six = replace(spec(), at=6 * 60)
    assert due_at(spec(), found) == found.end + 60 * 10**9
    assert datetime.fromtimestamp(due_at(at_six, found) / 1e9, ZoneInfo("Europe/Madrid")).hour == 6


def test_the_hour_that_comes_twice_has_two_names() -> None:
    hourly, now = spec("1h"), ns("2026-12-01")
    first = period_of(hourly, "2026-10-25T02:10+02:00", now)
    second = period_of(hourly, "2026-10-25T02:10+01:00", now)
    assert (key_of(hourly, first), key_of(hourly, second)) == ("2026-10-25T0200+0200", "2026-10-25T0200+0100")
    assert first.end == second.start
    assert period_of(hourly, key_of(hourly, second), now) == second


@pytest.mark.parametrize(
    ("every", "text", "key"),
    [
        ("1mo", "2026-02", "2026-02"),
        ("1w", "2026-W01", "2026-W01"),
        ("1w", "2026-01-01", "2026-W01"),
        ("shift", "2026-01-02T05:59", "2026-01-01T2200+0100"),
        ("1d", "last", "2026-11-30"),
        ("1d", "", "2026-11-30"),
        ("1d", "now", "2026-12-01"),
    ],
)
def test_what_people_ask_for(every: str, text: str, key: str) -> None:
    assert key_of(spec(every), period_of(spec(every), text, ns("2026-12-01T12:00"))) == key


@pytest.mark.parametrize("text", ["2026-13", "yesterday", "2026-W99", "2027-01-01", "0001-01-01", "9999-12-31"])
def test_what_is_no_period_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        period_of(spec(), text, ns("2026-12-01"))


def test_the_period_that_runs_ends_now() -> None:
    now = ns("2026-12-01T12:00")
    assert period_of(spec(), "2026-12-01", now).end == now


@settings(max_examples=40)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(EVERY),
    st.one_of(st.none(), st.integers(0, 1439)),
    st.integers(1_262_304_000, 1_800_000_000),
    st.lists(st.floats(0.001, 40 * 24), min_size=1, max_size=6),
)
def test_every_period_is_made_once_and_none_is_lost(
    zone: str, every: str, at: int | None, start: int, pauses: list[float]
) -> None:
    """The node looks after pauses of any length, over changes of the clocks: what it makes follows without gap."""
    made_once(spec(every, zone, at=at, catch_up=10_000), start, pauses)


def made_once(mine: ReportSpec, start: int, pauses: list[float]) -> None:
    begun = now = start * 10**9
    after, made = begun, []
    for pause in pauses:
        now += round(pause * HOUR)
        found = due(mine, after, now)
        assert not found.skipped
        assert all(due_at(mine, one) <= now for one in found.periods)
        made += found.periods
        after = found.periods[-1].end if found.periods else after
    assert due_at(mine, following(mine, after)) > now
    assert all(one.end == two.start for one, two in pairwise(made))
    assert not made or made[0].start <= begun < made[0].end
    assert len({key_of(mine, one) for one in made}) == len(made)
    assert all(one.end < due_at(mine, one) <= one.end + 25 * HOUR + HOUR for one in made)
    assert all(is_midnight(one, mine) for one in made if mine.every.unit == "d")


def is_midnight(period: Period, mine: ReportSpec) -> bool:
    """True if the day that ends was another one a second before: by the wall of the place, not by 24 hours."""
    zone = ZoneInfo(mine.calendar.timezone)
    last, first = (datetime.fromtimestamp((period.end + ns) // 10**9, zone).date() for ns in (-1, 0))
    return last < first


@pytest.mark.parametrize("defect", ["twenty-four hours", "twice", "lost"])
def test_a_scheduler_that_is_wrong_is_caught(monkeypatch: pytest.MonkeyPatch, defect: str) -> None:
    """Planted: days of 24 h from the first, a period that is made again, and one that is left out."""
    right = schedule._periods
    wrong: dict[str, Callable[[ReportSpec, int, int], list[Period]]] = {
        "twenty-four hours": lambda mine, first, last: days_of_24_hours(
            right(mine, EPOCH, EPOCH)[0].start, first, last
        ),
        "twice": lambda *asked: [Period(one.start - HOUR, one.end - i % 2) for i, one in enumerate(right(*asked))],
        "lost": lambda *asked: [one for one in right(*asked) if one.start // (24 * HOUR) % 3],
    }
    monkeypatch.setattr(schedule, "_periods", wrong[defect])
    with pytest.raises((AssertionError, StopIteration)):
        made_once(spec("1d", catch_up=10_000), ns("2026-03-20T12:00") // 10**9, [24.0] * 14)


EPOCH = ns("2026-01-10T12:00")


def days_of_24_hours(begin: int, first: int, last: int) -> list[Period]:
    day = 24 * HOUR
    numbers = range((first - begin) // day - 2, (last - begin) // day + 3)
    return [Period(begin + n * day, begin + (n + 1) * day) for n in numbers]


@given(st.sampled_from(ZONES), st.sampled_from(EVERY), st.integers(1_262_304_000, 1_800_000_000))
def test_periods_hold_their_moment_and_are_found_by_their_name(zone: str, every: str, at: int) -> None:
    mine, t = spec(every, zone), at * 10**9
    found, before = containing(mine, t), last_ended(mine, t)
    assert found.start <= t < found.end
    assert before.end == found.start
    assert period_of(mine, key_of(mine, found), found.end) == found


@given(st.integers(1, 5), st.integers(0, 60))
def test_after_a_long_stop_only_the_newest_are_made(most: int, days: int) -> None:
    start = ns("2026-10-01T12:00")
    found = due(spec(catch_up=most), start, start + days * 24 * HOUR)
    assert (len(found.periods), found.skipped) == (min(most, days), max(0, days - most))
