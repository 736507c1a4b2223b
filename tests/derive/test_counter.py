"""Counters: rollovers counted through, resets told from them, totals exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.derive.counter import UNSEEN, AfterReset, CounterRule, Counters


def counters(modulus: int = 65536, max_step: int = 32768, after: AfterReset = AfterReset.ZERO, n: int = 1) -> Counters:
    return Counters([CounterRule(f"a/c{i}", f"a/c{i}_total", modulus, max_step, after) for i in range(n)])


def counted(found: Counters, *readings: int) -> list[bool]:
    return [bool(found.count(np.array([r]), np.array([True]))[0]) for r in readings]


def test_the_first_reading_counts_as_nothing() -> None:
    found = counters()
    assert counted(found, 500) == [False]
    assert (found.reading.tolist(), found.total.tolist()) == ([500], [0])


@pytest.mark.parametrize(
    ("modulus", "readings", "total"),
    [
        (65536, (65530, 4), 10),
        (10000, (9990, 9999, 3, 50), 60),
        (1 << 32, ((1 << 32) - 1, 0), 1),
        (0, (1 << 53, (1 << 53) + 1), 1),
    ],
)
def test_a_rollover_is_counted_through(modulus: int, readings: tuple[int, ...], total: int) -> None:
    found = counters(modulus, modulus // 2 or 1 << 62)
    assert not any(counted(found, *readings))
    assert found.total.tolist() == [total]


@pytest.mark.parametrize(("after", "total"), [(AfterReset.ZERO, 107), (AfterReset.ANYWHERE, 105)])
def test_a_reset_is_told_and_counted_as_declared(after: AfterReset, total: int) -> None:
    found = counters(max_step=1000, after=after)
    assert counted(found, 30000, 30100, 2, 7) == [False, False, True, False]
    assert found.total.tolist() == [total]


def test_a_jump_beyond_the_step_is_a_reset_too() -> None:
    found = counters(max_step=1000, after=AfterReset.ANYWHERE)
    assert counted(found, 10, 5000, 5001) == [False, True, False]
    assert found.total.tolist() == [1]


def test_64_bits_never_start_again() -> None:
    found = counters(0, 1 << 62)
    assert counted(found, 100, 99) == [False, True]
    assert found.total.tolist() == [99]


def test_what_is_not_trusted_changes_nothing() -> None:
    found = counters(n=3)
    found.count(np.array([10, 20, -1]), np.array([True, False, True]))
    assert found.reading.tolist() == [10, UNSEEN, UNSEEN]
    found.count(np.array([0, 25, 5]), np.array([False, True, True]))
    found.count(np.array([15, 27, 6]), np.array([True, True, True]))
    assert found.total.tolist() == [5, 2, 1]


def test_totals_begin_again_beyond_63_bits() -> None:
    found = counters()
    found.total[:] = np.iinfo(np.int64).max
    with np.errstate(all="raise"):
        counted(found, 0, 5)
    assert found.total.tolist() == [4]


@given(
    st.sampled_from([256, 10_000, 65536, 1 << 32]),
    st.data(),
    st.lists(st.floats(0, 1), min_size=1, max_size=40),
)
def test_the_total_is_that_of_a_counter_without_end(modulus: int, data: st.DataObject, shares: list[float]) -> None:
    step = data.draw(st.integers(1, modulus - 1))
    true = start = data.draw(st.integers(0, modulus - 1))
    found = counters(modulus, step)
    counted(found, true % modulus)
    for share in shares:
        true += int(share * step)
        assert counted(found, true % modulus) == [False]
        assert found.total.tolist() == [true - start]
