from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sereno.device.authoring.kinds import Kind, kind_of
from sereno.model import ValueType


class Color(Enum):
    RED = 1
    BLUE = "blau"


VALUES: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False),
    str: st.text(max_size=20),
    Color: st.sampled_from(Color),
    list[float]: st.lists(st.floats(allow_nan=False), max_size=5),
    list[int]: st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
    list[bool]: st.lists(st.booleans(), max_size=5),
    list[str]: st.lists(st.text(max_size=5), max_size=5),
    list[Color]: st.lists(st.sampled_from(Color), max_size=5),
    list[list[int]]: st.integers(1, 3).flatmap(
        lambda width: st.lists(st.lists(st.integers(-9, 9), min_size=width, max_size=width), max_size=3)
    ),
}


@given(st.sampled_from(list(VALUES)).flatmap(lambda hint: st.tuples(st.just(hint), VALUES[hint])))
def test_a_value_comes_back_as_it_was(case: tuple[Any, Any]) -> None:
    hint, value = case
    kind = kind_of(hint)
    back = kind.opened(kind.coded(value))
    assert back == value
    assert type(back) is type(value)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=3, max_size=3))
def test_arrays_are_copied_and_cannot_be_changed(values: list[int]) -> None:
    kind = kind_of(NDArray[np.int32], shape=(3,))
    given = np.array(values, np.int64)
    coded = kind.coded(given)
    given[:] = 0
    assert coded.dtype == np.int32
    assert coded.tolist() == values
    with pytest.raises(ValueError, match="read-only"):
        coded[0] = 1
    assert kind.opened(tuple(values)).tolist() == values  # as commands bring it


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (float, "1"),
        (float, True),
        (float, None),
        (int, 1.5),
        (int, True),
        (int, 2**63),
        (bool, 1),
        (str, 1),
        (Color, "green"),
        (Color, 1),
        (list[float], 1.0),
        (list[float], "12"),
        (list[float], [1.0, "x"]),
        (list[int], np.array([1.5])),
        (list[list[int]], [[1], [2, 3]]),
        (list[list[int]], [1, 2]),
    ],
)
def test_what_does_not_fit_is_refused(hint: Any, value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        kind_of(hint).coded(value)


def test_a_fixed_shape_is_held() -> None:
    kind = kind_of(NDArray[np.float64], shape=(2, 2))
    with pytest.raises(ValueError, match=r"shape \(4,\)"):
        kind.coded([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(TypeError, match="dimension"):
        kind_of(list[float], shape=(2, 2))


def test_integers_may_be_narrowed() -> None:
    assert kind_of(int, type_="uint8") == Kind(ValueType.UINT8)
    with pytest.raises(ValueError, match="256 does not fit uint8, 0 to 255"):
        kind_of(int, type_="uint8").coded(256)
    with pytest.raises(TypeError, match="none of"):
        kind_of(int, type_="byte")
    with pytest.raises(TypeError, match="declared as float64"):
        kind_of(float, type_="int8")


@pytest.mark.parametrize("hint", [bytes, dict[str, int], list, list[list[list[int]]], tuple[int, int], int | None, "x"])
def test_other_hints_are_no_values(hint: Any) -> None:
    with pytest.raises(TypeError):
        kind_of(hint)
