from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sereno.client import Update
from sereno.gateways.native.thresholds import Thresholds

NONE = np.empty(0, np.int32)


def update_of(rows: dict[int, float], quality: int = 0, *, snapshot: bool = False, **more: Any) -> Update:
    n = len(rows)
    columns = (np.array(list(rows), np.int32), np.array(list(rows.values())), np.zeros(n, np.int64))
    return Update(0, 0, snapshot, *columns, np.full(n, quality, np.uint16), NONE, np.empty(0, np.int64), **more)


def passed(thresholds: Thresholds, rows: dict[int, float], quality: int = 0) -> dict[int, float]:
    found = thresholds.passed(update_of(rows, quality))
    return {} if found is None else dict(zip(found.index.tolist(), found.values.tolist(), strict=True))


def test_only_what_is_beyond_the_absolute_change_goes_out() -> None:
    thresholds = Thresholds(2, 1.0, 0.0)
    thresholds.passed(update_of({0: 10.0, 1: 20.0}, snapshot=True))
    assert passed(thresholds, {0: 10.5, 1: 22.0}) == {1: 22.0}
    assert passed(thresholds, {0: 11.0}) == {}
    assert passed(thresholds, {0: 11.1}) == {0: 11.1}


def test_relative_changes_are_of_what_was_sent_last() -> None:
    thresholds = Thresholds(1, 0.0, 0.1)
    thresholds.passed(update_of({0: 100.0}, snapshot=True))
    assert passed(thresholds, {0: 109.0}) == {}
    assert passed(thresholds, {0: 111.0}) == {0: 111.0}
    assert passed(thresholds, {0: 121.0}) == {}


def test_quality_and_the_loss_of_a_value_always_go_out() -> None:
    thresholds = Thresholds(1, 5.0, 0.0)
    thresholds.passed(update_of({0: 1.0}, snapshot=True))
    assert passed(thresholds, {0: 1.0}, quality=0x8000) == {0: 1.0}
    assert list(passed(thresholds, {0: math.nan}, quality=0x8000)) == [0]
    assert passed(thresholds, {0: 1.0}, quality=0x8000) == {0: 1.0}


def test_exact_values_follow_their_rows() -> None:
    thresholds = Thresholds(3, 0.5, 0.0)
    columns = (np.arange(3, dtype=np.int32), np.array([1.0, 2.0, 3.0]), np.zeros(3, np.int64), np.zeros(3, np.uint16))
    exact = (np.array([1, 2], np.int32), np.array([2, 3], np.int64))
    thresholds.passed(Update(0, 0, True, *columns, *exact))
    columns = (columns[0], np.array([1.0, 9.0, 3.0]), *columns[2:])
    found = thresholds.passed(Update(1, 0, False, *columns, exact[0], np.array([9, 3], np.int64)))
    assert found is not None
    assert (found.index.tolist(), found.exact_rows.tolist(), found.exact_values.tolist()) == ([1], [0], [9])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0, 100), st.floats(0, 1))
def test_what_a_reader_has_is_never_further_off_than_asked(
    values: list[float], absolute: float, relative: float
) -> None:
    thresholds = Thresholds(1, absolute, relative)
    thresholds.passed(update_of({0: 0.0}, snapshot=True))
    shown = 0.0
    for value in values:
        shown = passed(thresholds, {0: value}).get(0, shown)
        assert abs(value - shown) <= max(absolute, relative * abs(shown))
