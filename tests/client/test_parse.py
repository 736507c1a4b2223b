"""What _json writes, _parse reads: the two ends of the HTTP API."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from sereno.client import Reading, Series, reading_json, series_json, spec_json
from sereno.client._parse import parse_reading, parse_series, parse_spec
from sereno.model import Access, Limits, Setpoint, TagSpec, ValueType

T = 1_763_600_000_123_456_000
NAN = float("nan")
SPECS = [
    TagSpec(path="a/b/c"),
    TagSpec(
        path="a/b/c",
        type=ValueType.ENUM,
        unit="m",
        description="d",
        access=Access.READ_WRITE,
        labels=("x", "y"),
        decimals=3,
        low=-1.0,
        high=2.0,
        deadband=0.5,
        limits=Limits(lolo=1.0, hihi=2.0, priority=2, response="r"),
        setpoint=Setpoint(low=0.0, readback="a/b/d", tolerance=0.1, timeout=7.0, interlock="x > 1"),
    ),
    TagSpec(path="a/b/c", shape=(2, 3), type=ValueType.INT16),
]


def wire(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.parametrize("spec", SPECS)
def test_declarations_go_round(spec: TagSpec) -> None:
    assert parse_spec(wire(spec_json(spec))) == spec
    assert parse_spec(wire({**spec_json(spec), "added_later": 1})) == spec


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        (TagSpec(path="a/b/c"), 1.5),
        (TagSpec(path="a/b/c"), None),
        (TagSpec(path="a/b/c", type=ValueType.UINT64), 2**64 - 1),
        (TagSpec(path="a/b/c", type=ValueType.STRING), "é"),
        (TagSpec(path="a/b/c", type=ValueType.STRING, shape=(2,)), ["a", "b"]),
        (TagSpec(path="a/b/c", shape=(2,)), np.array([1.0, NAN])),
        (TagSpec(path="a/b/c", type=ValueType.UINT8, shape=(2,)), np.array([1, 255], np.uint8)),
        (TagSpec(path="a/b/c", type=ValueType.BOOL, shape=(2,)), np.array([True, False])),
        (TagSpec(path="a/b/c", type=ValueType.ENUM, labels=("x", "y"), shape=(2,)), np.array(["x", "y"])),
    ],
)
def test_readings_go_round(spec: TagSpec, value: Any) -> None:
    reading = Reading(spec, value, 0x4000, "why", T, 2.5)
    again = parse_reading(wire(reading_json(reading)), spec)
    np.testing.assert_equal(again.value, value)
    assert getattr(again.value, "dtype", None) == getattr(value, "dtype", None)
    assert (again.quality, again.reason, again.t_source, again.age) == (0x4000, "why", T, 2.5)
    never = Reading(spec, None, 0x8032, "waiting", 0, float("inf"))
    assert parse_reading(wire(reading_json(never)), spec).age == float("inf")


SERIES = [
    (ValueType.FLOAT64, {"value": np.array([1.5, NAN])}),
    (ValueType.INT64, {"value": np.array([2.0**60, NAN]), "exact": np.array([2**60 + 1, 0])}),
    (ValueType.UINT64, {"value": np.array([2.0**64, NAN]), "exact": np.array([2**64 - 1, 0], np.uint64)}),
    (ValueType.STRING, {"value": np.array([NAN, NAN]), "objects": ("é", None)}),
    (
        ValueType.FLOAT64,
        {
            "value": np.array([1.5, NAN]),
            "low": np.array([1.0, NAN]),
            "high": np.array([2.0, NAN]),
            "count": np.array([4, 0]),
        },
    ),
]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("kind", "columns"), SERIES)
def test_series_go_round(kind: ValueType, columns: dict[str, Any], known: bool) -> None:
    series = Series(
        "a/b/c", "m", np.array([T, T + 1]), quality=np.array([0, 0x8000], np.uint16), covered_until=T, **columns
    )
    again = parse_series(wire(series_json(series)), TagSpec(path="a/b/c", type=kind) if known else None)
    for name in ("t", "value", "quality", "low", "high", "count", "exact"):
        expected, found = getattr(series, name), getattr(again, name)
        assert (expected is None) == (found is None), name
        if expected is not None:
            assert expected.dtype == found.dtype, name
            np.testing.assert_array_equal(expected, found, name)
    assert (again.objects, again.unit, again.covered_until) == (series.objects, "m", T)


def test_a_bad_integer_has_no_value() -> None:
    columns = {"value": np.array([NAN]), "exact": np.array([7]), "quality": np.array([0x8000], np.uint16)}
    assert series_json(Series("a/b/c", "", np.array([T]), **columns))["value"] == [None]
