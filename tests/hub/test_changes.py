from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sereno.hub.changes import exact_beyond, integers, mark_beyond, same_object

ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
DEADBAND = st.one_of(st.just(0.0), st.floats(0, 1e6))


def beyond(value: float, reported: float, deadband: float) -> bool:
    if math.isnan(value) or math.isnan(reported):
        return not (math.isnan(value) and math.isnan(reported))
    return value != reported and abs(value - reported) > deadband


def marked(values: list[float], reported: list[float], deadband: list[float]) -> list[bool]:
    out = np.zeros(len(values), np.bool_)
    with np.errstate(invalid="ignore", over="ignore"):
        mark_beyond(np.array(values), np.array(reported), np.array(deadband), np.empty(len(values)), out)
    return out.tolist()


@given(st.lists(st.tuples(ANY_FLOAT, ANY_FLOAT, DEADBAND), min_size=1, max_size=40))
def test_mark_beyond_is_the_scalar_rule(rows: list[tuple[float, float, float]]) -> None:
    values, reported, deadband = (list(column) for column in zip(*rows, strict=True))
    assert marked(values, reported, deadband) == [beyond(*row) for row in rows]


def test_mark_beyond_with_equal_odd_values() -> None:
    odd = [math.nan, math.inf, -math.inf, 0.0, 1.0]
    assert marked(odd, odd, [0.0] * 5) == [False] * 5
    assert marked(odd, [1.0, -math.inf, math.nan, -0.0, math.inf], [0.0] * 5) == [True, True, True, False, True]


INT64 = st.integers(-(2**63), 2**63 - 1)
UINT64 = st.integers(0, 2**64 - 1)


def exact_marks(rows: list[tuple[int, int, int]], dtype: type) -> list[bool]:
    new, old, deadband = (list(column) for column in zip(*rows, strict=True))
    moved = exact_beyond(
        np.array(new, dtype).view(np.int64),
        np.array(old, dtype).view(np.int64),
        np.array(new, np.float64),
        np.array(old, np.float64),
        np.array(deadband, np.float64),
    )
    return moved.tolist()


@given(st.lists(st.tuples(INT64, INT64, st.integers(0, 5000)), min_size=1, max_size=20))
def test_signed_integers_are_compared_exactly(rows: list[tuple[int, int, int]]) -> None:
    assert exact_marks(rows, np.int64) == [abs(a - b) > d for a, b, d in rows]


@given(st.lists(st.tuples(UINT64, UINT64, st.integers(0, 5000)), min_size=1, max_size=20))
def test_unsigned_integers_are_compared_exactly(rows: list[tuple[int, int, int]]) -> None:
    assert exact_marks(rows, np.uint64) == [abs(a - b) > d for a, b, d in rows]


def test_neighbours_that_a_float_cannot_tell_apart() -> None:
    rows = [(2**60, 2**60 + 1, 0), (2**60, 2**60 + 1, 1), (2**53 + 1, 2**53, 0)]
    assert float(2**60) == float(2**60 + 1)
    assert exact_marks(rows, np.int64) == [True, False, True]


def test_integers_missing_and_back() -> None:
    zero, nan, five = np.array([0]), np.array([math.nan]), np.array([5.0])
    with np.errstate(invalid="ignore"):
        assert exact_beyond(zero, zero, nan, five, zero.astype(float)).tolist() == [True]
        assert exact_beyond(zero, zero, nan, nan, zero.astype(float)).tolist() == [False]


def test_integers_of_floats() -> None:
    values = np.array([3.0, -4.0, 2.0**63, math.nan])
    unsigned = np.array([False, False, True, False])
    assert integers(values, unsigned).view(np.uint64).tolist() == [3, 2**64 - 4, 2**63, 0]


def test_same_object() -> None:
    assert same_object("a", "a")
    assert not same_object("a", b"a")
    assert not same_object(1, True)
    assert same_object(np.array([1.0, math.nan]), np.array([1.0, math.nan]))
    assert not same_object(np.array([1.0]), np.array([1], np.int64))
    assert not same_object(np.array([1.0]), 1.0)
    assert same_object(np.array(["a"]), np.array(["a"]))
