from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.udp.tally import WINDOW, Tally


def heard(tally: Tally, *numbers: int, signed: bool = False) -> list[bool]:
    return [tally.take(n, 0.0, signed=signed) for n in numbers]


def figures(tally: Tally) -> tuple[int, int, int, int]:
    return tally.received, tally.lost, tally.late, tally.duplicates


def test_in_order_nothing_is_missing() -> None:
    tally = Tally()
    assert all(heard(tally, 7, 8, 9))
    assert figures(tally) == (3, 0, 0, 0)


def test_a_gap_is_lost_until_it_comes_late() -> None:
    tally = Tally()
    assert heard(tally, 7, 10) == [True, True]
    assert figures(tally) == (2, 2, 0, 0)
    assert heard(tally, 8) == [False]
    assert figures(tally) == (2, 1, 1, 0)


def test_what_came_already_is_a_duplicate() -> None:
    tally = Tally()
    assert heard(tally, 7, 7, 8, 7) == [True, False, True, False]
    assert figures(tally) == (2, 0, 0, 2)


def test_a_sensor_that_begins_anew_has_lost_nothing() -> None:
    for numbers in ((70_000, 0, 1), (500, 3, 4), (3, 10**9, 10**9 + 1)):
        tally = Tally()
        assert all(heard(tally, *numbers))
        assert figures(tally) == (3, 0, 0, 0)


def test_signed_numbers_never_go_back() -> None:
    tally = Tally()
    assert heard(tally, 70_000, 0, 500, 70_001, signed=True) == [True, False, False, True]
    assert figures(tally) == (2, 0, 0, 2)


@given(st.lists(st.sampled_from(["pass", "lose", "twice", "swap"]), max_size=60), st.integers(1, 10**6))
def test_the_counts_are_exact(fates: list[str], first: int) -> None:
    """Over a network that loses, doubles and swaps neighbours: what was sent = received + late + lost."""
    sent: list[int] = []
    for number, fate in enumerate(fates, first + 1):
        sent += {"pass": [number], "lose": [], "twice": [number, number], "swap": [number]}[fate]
        if fate == "swap" and len(sent) > 1:
            sent[-1], sent[-2] = sent[-2], sent[-1]
    sent = [first, *sent]
    tally = Tally()
    for number in sent:
        tally.take(number, 0.0)
    highest = max(sent)
    assert tally.received + tally.late == len(set(sent))
    assert tally.received + tally.late + tally.lost == highest - sent[0] + 1
    assert tally.duplicates == len(sent) - len(set(sent))


def test_without_numbers_gaps_are_told_by_the_rate() -> None:
    tally = Tally(period=0.1)
    for now in (0.0, 0.1, 0.2, 0.5, 0.6):
        assert tally.take(None, now)
    assert figures(tally) == (5, 2, 0, 0)


def test_without_numbers_one_that_follows_close_was_late() -> None:
    tally = Tally(period=0.1)
    for now in (0.0, 0.1, 0.29, 0.30, 0.4):
        tally.take(None, now)
    assert figures(tally) == (5, 0, 1, 0)


def test_without_numbers_an_outage_is_no_loss() -> None:
    tally = Tally(period=0.1)
    tally.take(None, 0.0)
    tally.take(None, 60.0)
    assert figures(tally) == (2, 0, 0, 0)


def test_jitter_is_no_loss() -> None:
    tally, chance = Tally(period=0.1), random.Random(3)
    for n in range(1000):
        tally.take(None, n * 0.1 + chance.uniform(-0.02, 0.02))
    assert figures(tally) == (1000, 0, 0, 0)


def test_without_a_rate_nothing_is_guessed() -> None:
    tally = Tally()
    for now in (0.0, 5.0, 5.1):
        tally.take(None, now)
    assert figures(tally) == (3, 0, 0, 0)


def test_the_window_is_as_wide_as_it_says() -> None:
    tally = Tally()
    heard(tally, 1, WINDOW + 1)
    tally.take(2, 0.0)
    assert tally.late == 1
