"""Calendars against a plain walk over minutes, and over both changes of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.agents.jobs.calendar import CalendarError, parse_calendar

MADRID = "Europe/Madrid"


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(MADRID)).timestamp()) * 10**9


def due(calendar: str, since: str, count: int, zone: str = MADRID) -> list[str]:
    """So many times from there on, UTC."""
    parsed, t, found = parse_calendar(calendar, zone), at(since), []
    for _ in range(count):
        t = parsed.after(t)
        found.append(f"{datetime.fromtimestamp(t / 1e9, UTC):%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("calendar", "since", "expected"),
    [
        ("0 6 * * mon-fri", "2026-11-27T07:00", ["30 05:00", "01 05:00"]),
        ("*/20 * * * *", "2026-11-27T07:21", ["27 06:40", "27 07:00"]),
        ("@monthly", "2026-11-27T07:21", ["30 23:00", "31 23:00"]),
        ("0 12 13 * fri", "2026-11-08T00:00", ["13 11:00", "20 11:00"]),
        ("0 12 13 * *", "2026-11-13T12:00", ["13 11:00", "13 11:00"]),
        ("0 0 29 2 *", "2026-11-13T12:00", ["28 23:00"]),
        ("0 0 * * 7", "2026-11-27T00:00", ["28 23:00"]),
        ("10-12/2,30 9 * jan,mar *", "2026-12-31T23:00", ["01 08:10", "01 08:12", "01 08:30"]),
    ],
)
def test_times(calendar: str, since: str, expected: list[str]) -> None:
    assert due(calendar, since, len(expected)) == expected


def test_a_time_that_the_clocks_jump_over_is_due_after_the_jump() -> None:
    assert due("30 2 * * *", "2026-03-28T12:00", 2) == ["29 01:00", "30 00:30"]


def test_a_time_that_comes_twice_is_due_once() -> None:
    assert due("30 2 * * *", "2026-10-24T12:00", 2) == ["25 00:30", "26 01:30"]


def test_every_hour_goes_by_hours_that_pass() -> None:
    assert due("30 * * * *", "2026-10-25T01:00", 4) == ["24 23:30", "25 00:30", "25 01:30", "25 02:30"]
    assert due("30 * * * *", "2026-03-29T01:00", 3) == ["29 00:30", "29 01:30", "29 02:30"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 6 * *", "4 fields, expected five"),
        ("61 6 * * *", "'61' is no minute, expected 0 to 59"),
        ("0 6 * * moon", "'moon' is no weekday, expected 0 to 7 or sun to sat"),
        ("0 6 * * 5-2", "empty"),
        ("*/0 6 * * *", "empty"),
        ("0 0 31 2 *", "never comes"),
        ("a;b 0 * * *", "is no minute"),
    ],
)
def test_what_is_no_calendar(text: str, words: str) -> None:
    with pytest.raises(CalendarError, match=words):
        parse_calendar(text, MADRID)


HOURS = st.sampled_from(["*", "*/5", "2", "1-3", "2,14", "0,23"])
DAYS = st.sampled_from(["*", "1", "25-31", "*/2"])
WEEKDAYS = st.sampled_from(["*", "sun", "mon-fri", "3"])


@given(st.sampled_from(["0", "30", "*/15", "59"]), HOURS, DAYS, WEEKDAYS, st.integers(0, 366 * 24 * 60))
def test_away_from_the_changes_it_is_what_a_walk_over_minutes_finds(
    minute: str, hour: str, day: str, weekday: str, start: int
) -> None:
    calendar = parse_calendar(f"{minute} {hour} {day} * {weekday}", "UTC")
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    found = datetime.fromtimestamp(calendar.after(round(now.timestamp()) * 10**9) / 1e9, UTC)
    step = now
    for _ in range(60 * 24 * 9):
        step += timedelta(minutes=1)
        if step.minute not in calendar.minutes or step.hour not in calendar.hours:
            continue
        by_day, by_weekday = step.day in calendar.days, step.isoweekday() % 7 in calendar.weekdays
        if (by_day or by_weekday) if calendar.either else (by_day and by_weekday):
            assert found == step
            return
    assert found > step


@given(st.sampled_from(["0 2 * * *", "30 2 * * *", "*/30 * * * *", "15 1-3 * * *"]), st.integers(0, 4 * 24 * 60))
def test_times_go_up_over_a_change_of_the_clocks(text: str, start: int) -> None:
    calendar = parse_calendar(text, MADRID)
    for day in ("2026-03-27T00:00", "2026-10-23T00:00"):
        seen = [at(day) + start * 60 * 10**9]
        for _ in range(12):
            seen += [calendar.after(seen[-1])]
        assert seen == sorted(set(seen))
        assert max(b - a for a, b in pairwise(seen)) <= 25.5 * 3600 * 10**9
