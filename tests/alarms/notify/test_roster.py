from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.alarms.notify.roster import Roster, RosterChange, Shift, next_of, ns_of

MADRID = "Europe/Madrid"
EARLY = Shift(people=("olga",), start=time(6), end=time(14))
LATE = Shift(people=("pablo",), start=time(14), end=time(22))
NIGHT = Shift(people=("nadia",), start=time(22), end=time(6))
THREE = Roster(name="operators", timezone=MADRID, shifts=(EARLY, LATE, NIGHT))


def at(text: str, zone: str = MADRID, fold: int = 0) -> int:
    return ns_of(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold))


def utc(t: int) -> str:
    return f"{datetime.fromtimestamp(t // 10**9, UTC):%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("moment", "who"),
    [
        ("2026-03-04T06:00", "olga"),
        ("2026-03-04T13:59:59", "olga"),
        ("2026-03-04T14:00", "pablo"),
        ("2026-03-04T22:00", "nadia"),
        ("2026-03-04T05:59:59", "nadia"),
    ],
)
def test_shifts_by_the_local_clock(moment: str, who: str) -> None:
    assert THREE.on_duty(at(moment)) == (who,)


def test_the_night_in_which_the_clocks_are_set_is_one_shift() -> None:
    """Spring: 22:00 to 06:00 lasts seven hours. Autumn: nine, with the hour that comes twice."""
    spring = list(THREE.plan(at("2026-03-28T12:00"), at("2026-03-29T12:00")))
    assert [(utc(start), utc(end), people[0]) for start, end, people in spring] == [
        ("03-28T11:00", "03-28T13:00", "olga"),
        ("03-28T13:00", "03-28T21:00", "pablo"),
        ("03-28T21:00", "03-29T04:00", "nadia"),
        ("03-29T04:00", "03-29T10:00", "olga"),
    ]
    autumn = list(THREE.plan(at("2026-10-24T21:00"), at("2026-10-25T07:00")))
    assert [(utc(start), utc(end), people[0]) for start, end, people in autumn] == [
        ("10-24T19:00", "10-24T20:00", "pablo"),
        ("10-24T20:00", "10-25T05:00", "nadia"),
        ("10-25T05:00", "10-25T06:00", "olga"),
    ]


def test_a_shift_that_begins_in_the_hour_that_is_left_out_or_comes_twice() -> None:
    roster = Roster(
        name="r",
        timezone=MADRID,
        shifts=(
            Shift(people=("a",), start=time(2, 30), end=time(14)),
            Shift(people=("b",), start=time(14), end=time(2, 30)),
        ),
    )
    spring = [(utc(s), p) for s, _, p in roster.plan(at("2026-03-28T20:00"), at("2026-03-29T10:00"))]
    assert spring == [("03-28T19:00", ("b",)), ("03-29T01:00", ("a",))], "02:30 is not there: 03:00 is past it"
    autumn = [(utc(s), p) for s, _, p in roster.plan(at("2026-10-25T01:00"), at("2026-10-25T10:00"))]
    assert autumn == [
        ("10-24T23:00", ("b",)),
        ("10-25T00:30", ("a",)),
        ("10-25T01:00", ("b",)),
        ("10-25T01:30", ("a",)),
    ], "what the clock on the wall says is what counts, twice"


def test_weekdays_turns_dates_and_holidays() -> None:
    weekly = Shift(people=("a", "b", "c"), turn=7, since=date(2026, 1, 5), weekdays=frozenset(range(5)))
    christmas = Shift(people=("santa",), first=date(2026, 12, 25), last=date(2026, 12, 25))
    roster = Roster(name="r", timezone="UTC", shifts=(weekly, christmas), holidays=frozenset([date(2026, 12, 25)]))
    duty = {
        day: roster.on_duty(at(f"2026-{day}T12:00", "UTC"))
        for day in ("01-05", "01-11", "01-12", "01-23", "12-24", "12-25")
    }
    assert duty == {
        "01-05": ("a",), "01-11": (), "01-12": ("b",), "01-23": ("c",), "12-24": ("c",), "12-25": ("santa",),
    }  # fmt: skip
    assert roster.on_duty(at("2025-12-29T12:00", "UTC")) == ("c",), "before the day of the first turn it goes backwards"


def test_a_swap_takes_its_time_only() -> None:
    change = RosterChange(
        id=1, roster="operators", start=at("2026-03-04T10:00"), end=at("2026-03-04T12:00"), leaves="olga", takes="eva"
    )
    assert THREE.on_duty(at("2026-03-04T11:00"), [change]) == ("eva",)
    assert THREE.on_duty(at("2026-03-04T12:00"), [change]) == ("olga",)
    parts = [people for _, _, people in THREE.plan(at("2026-03-04T06:00"), at("2026-03-04T14:00"), [change])]
    assert parts == [("olga",), ("eva",), ("olga",)]


def test_the_next_time_of_day_over_a_change_of_clocks() -> None:
    assert utc(next_of([7 * 60], MADRID, at("2026-03-28T08:00"))) == "03-29T05:00"
    assert utc(next_of([7 * 60, 19 * 60], MADRID, at("2026-03-28T08:00"))) == "03-28T18:00"
    t = at("2026-03-28T07:00")
    assert next_of([7 * 60], MADRID, t) > t


@given(st.integers(at("2026-01-01T00:00"), at("2027-12-31T00:00")), st.integers(1, 10 * 86400))
def test_a_plan_says_what_on_duty_says(start: int, seconds: int) -> None:
    start -= start % 10**9
    end = start + seconds * 10**9
    parts = list(THREE.plan(start, end))
    assert parts[0][0] == start
    assert parts[-1][1] == end
    assert all(one[1] == other[0] for one, other in pairwise(parts))
    for since, until, people in parts:
        for t in (since, (since + until) // 2, until - 1):
            assert THREE.on_duty(t) == people
