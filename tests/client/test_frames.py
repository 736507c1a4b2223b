"""Series as tables of others."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np

from sereno.client import Series

T0 = 1_767_225_600_000_000_123


def series(**more: object) -> Series:
    t = np.array([T0, T0 + 1], np.int64)
    return Series("a/b", "m", t, np.array([1.5, np.nan]), np.array([0, 0x8000], np.uint16), **more)  # type: ignore[arg-type]


def test_arrow_keeps_nanoseconds_integers_and_what_is_not_known() -> None:
    table = series().to_arrow()
    assert table.column_names == ["t", "value", "quality"]
    assert table["t"].cast("int64").to_pylist() == [T0, T0 + 1]
    assert table["value"].to_pylist() == [1.5, None]
    exact = series(exact=np.array([2**60 + 1, 0])).to_arrow()
    assert exact["value"].to_pylist() == [2**60 + 1, None]
    objects = series(objects=(np.array([[1.0, 2.0]]), None)).to_arrow()
    assert objects["value"].to_pylist() == [[1.0, 2.0], None]
    buckets = series(low=np.array([1.0, np.nan]), high=np.array([2.0, np.nan]), count=np.array([3, 0])).to_arrow()
    assert buckets["low"].to_pylist() == [1.0, None]
    assert buckets["count"].to_pylist() == [3, 0]


def test_pandas_and_polars(require_package: Callable[[str, str], ModuleType]) -> None:
    require_package("pandas", "pandas")
    require_package("polars", "polars")
    frame = series().to_pandas()
    assert frame["value"].tolist()[0] == 1.5
    assert str(frame["t"].dtype) == "datetime64[ns, UTC]"
    assert series().to_polars()["value"].to_list() == [1.5, None]
