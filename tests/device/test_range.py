from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.device._range import RangeCheck
from sereno.model import Quality, TagSpec, ValueType

NAN = float("nan")
CODES = st.sampled_from([int(q) for q in Quality])


def spec(i: int, low: float | None = None, high: float | None = None, kind: ValueType = ValueType.FLOAT64) -> TagSpec:
    return TagSpec(path=f"a/d/t{i}", type=kind, low=low, high=high)


def apply(specs: list[TagSpec], values: list[float], quality: int | list[int] = 0) -> list[int]:
    given_ = quality if isinstance(quality, int) else np.array(quality, np.uint16)
    found = RangeCheck(specs).apply(np.array(values, np.float64), given_)
    return [found] * len(values) if isinstance(found, int) else found.tolist()


def test_out_of_range_is_uncertain_and_nan_is_bad() -> None:
    specs = [spec(0, 0, 10), spec(1, 0, 10), spec(2, 0, 10), spec(3), spec(4, low=5), spec(5, high=5)]
    assert apply(specs, [10, 10.1, NAN, NAN, 4, 6]) == [
        Quality.GOOD,
        Quality.OUT_OF_RANGE,
        Quality.NOT_A_NUMBER,
        Quality.NOT_A_NUMBER,
        Quality.OUT_OF_RANGE,
        Quality.OUT_OF_RANGE,
    ]


def test_nan_is_found_without_any_range() -> None:
    assert apply([spec(0), spec(1)], [1, NAN]) == [Quality.GOOD, Quality.NOT_A_NUMBER]


def test_what_the_driver_said_is_only_lowered() -> None:
    specs = [spec(i, 0, 10) for i in range(4)]
    given_ = [Quality.SENSOR_FAILURE, Quality.LAST_USABLE, Quality.REFUSED_BY_DEVICE, Quality.LAST_USABLE]
    assert apply(specs, [99, 99, NAN, NAN], [int(q) for q in given_]) == [
        Quality.SENSOR_FAILURE,
        Quality.LAST_USABLE,
        Quality.REFUSED_BY_DEVICE,
        Quality.NOT_A_NUMBER,
    ]


def test_a_clean_scan_passes_its_quality_through() -> None:
    column = np.zeros(2, np.uint16)
    check = RangeCheck([spec(0, 0, 1), spec(1)])
    assert check.apply(np.array([0.0, np.inf]), column) is column
    assert check.apply(np.array([0.0, 7.0]), 0) == 0
    integers = RangeCheck([spec(0, kind=ValueType.INT16)])
    assert integers.apply(np.array([NAN]), int(Quality.REFUSED_BY_DEVICE)) == Quality.REFUSED_BY_DEVICE
    assert RangeCheck([]).apply(np.empty(0), 0) == 0


def test_a_read_only_column_of_the_driver_is_not_touched() -> None:
    column = np.zeros(1, np.uint16)
    column.setflags(write=False)
    assert apply([spec(0, 0, 1)], [2]) == [Quality.OUT_OF_RANGE]
    found = RangeCheck([spec(0, 0, 1)]).apply(np.array([2.0]), column)
    assert not isinstance(found, int)
    assert found.tolist() == [Quality.OUT_OF_RANGE]
    assert column.tolist() == [0]


@pytest.mark.parametrize("whole", [True, False])
@given(
    rows=st.lists(
        st.tuples(st.none() | st.floats(-5, 0), st.none() | st.floats(0, 5), st.floats(allow_nan=True), CODES),
        min_size=1,
        max_size=20,
    )
)
def test_the_same_as_row_by_row(whole: bool, rows: list[tuple[float | None, float | None, float, int]]) -> None:
    specs = [spec(i, low, high) for i, (low, high, _, _) in enumerate(rows)]
    codes = [rows[0][3]] * len(rows) if whole else [row[3] for row in rows]
    expected = []
    for (low, high, value, _), code in zip(rows, codes, strict=True):
        outside = (low is not None and value < low) or (high is not None and value > high)
        if value != value:
            expected.append(code if code >= Quality.BAD else int(Quality.NOT_A_NUMBER))
        else:
            expected.append(int(Quality.OUT_OF_RANGE) if outside and code < Quality.UNCERTAIN else code)
    found = apply(specs, [row[2] for row in rows], codes[0] if whole else codes)
    assert found == expected
