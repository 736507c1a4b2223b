"""Buckets of the calendar against the clocks on the wall."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.client import Calendar, Every, edges_of

HOUR = 3600 * 10**9
SHIFTS = ("06:00", "14:00", "22:00")


def ns(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9


def hours(start: str, end: str, every: str, zone: str = "Europe/Madrid") -> list[float]:
    (edges,) = edges_of(ns(start, zone), ns(end, zone), Every.parse(every), Calendar(zone, SHIFTS))
    return (np.diff(edges) / HOUR).tolist()


def test_days_have_23_and_25_hours_when_the_clocks_change() -> None:
    assert hours("2026-03-28", "2026-03-31", "1d") == [24, 23, 24]
    assert hours("2026-10-24", "2026-10-27", "1d") == [24, 25, 24]
    assert hours("2026-10-24", "2026-10-27", "1h") == [1.0] * 73
    assert hours("2026-10-25", "2026-10-26", "6h") == [7, 6, 6, 6]
    assert hours("2026-03-29", "2026-03-30", "shift") == [5, 8, 8, 2]
    assert hours("2026-10-24T22:00", "2026-10-25T22:00", "shift") == [9, 8, 8]


def test_a_midnight_that_the_clocks_skip_is_when_they_skip_it() -> None:
    assert hours("2018-11-03", "2018-11-05", "1d", "America/Sao_Paulo") == [24, 23]


def test_weeks_begin_on_monday_and_months_are_as_long_as_they_are() -> None:
    assert hours("2026-11-02", "2026-11-16", "1w") == [168, 168]
    assert hours("2026-01-01", "2026-05-01", "1mo", "UTC") == [31 * 24, 28 * 24, 31 * 24, 30 * 24]
    assert hours("2026-01-01", "2027-01-01", "3mo", "UTC") == [90 * 24, 91 * 24, 92 * 24, 92 * 24]
    assert hours("2024-01-01", "2026-01-01", "1y", "UTC") == [366 * 24, 365 * 24]


def test_the_first_and_the_last_bucket_are_cut_to_the_range() -> None:
    assert hours("2026-01-01T05:00", "2026-01-02T03:00", "1d") == [19, 3]


@given(
    start=st.integers(0, 2 * 10**9),
    length=st.integers(1, 40 * 86400),
    every=st.sampled_from(["15min", "1h", "2h", "12h", "1d", "3d", "1w", "1mo", "shift"]),
    zone=st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
)
def test_buckets_cover_the_range_once_and_begin_where_the_calendar_says(
    start: int, length: int, every: str, zone: str
) -> None:
    first, last = start * 10**9, (start + length) * 10**9
    pieces = list(edges_of(first, last, Every.parse(every), Calendar(zone, SHIFTS), 50))
    assert all(len(piece) <= 51 for piece in pieces)
    assert all(a[-1] == b[0] for a, b in pairwise(pieces))
    edges = np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])
    assert (edges[0], edges[-1]) == (first, last)
    assert (np.diff(edges) > 0).all()
    for edge in edges[1:-1].tolist():
        moment = datetime.fromtimestamp(edge // 10**9, UTC).astimezone(ZoneInfo(zone))
        if every == "shift":
            assert f"{moment:%H:%M}" in SHIFTS
        elif every in ("1d", "3d", "1w", "1mo"):
            assert moment.hour in (0, 1)
        if every == "1mo":
            assert moment.day == 1
        if every == "1w":
            assert moment.weekday() == 0


@pytest.mark.parametrize("text", ["", "7h", "0d", "5mo", "2shift", "1x", "-1h"])
def test_lengths_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|not put together"):
        Every.parse(text)


def test_a_site_without_shifts_says_so() -> None:
    with pytest.raises(ValueError, match="declares no shifts"):
        next(edges_of(0, HOUR, Every.parse("shift"), Calendar()))


@pytest.mark.parametrize(("every", "length"), [("90min", 1.5), ("144min", 2.4), ("5400s", 1.5), ("2h", 2.0)])
def test_lengths_of_broken_hours_are_as_asked(every: str, length: float) -> None:
    assert set(hours("2026-03-02", "2026-03-03", every, "UTC")) == {length}
