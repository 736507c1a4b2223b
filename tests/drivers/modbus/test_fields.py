"""What does not fit together in a tag is said; what fits becomes a field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sereno.drivers.modbus.address import Area
from sereno.drivers.modbus.fields import Scaling, byte_order, field_of, overlaps
from sereno.model import ValueType

Make = Callable[..., Any]


def test_byte_orders() -> None:
    assert byte_order(2, "big", "big") == (1, 0)
    assert byte_order(2, "little", "little") == (0, 1)
    assert byte_order(4, "big", "big") == (3, 2, 1, 0)
    assert byte_order(4, "little", "big") == (1, 0, 3, 2)
    assert byte_order(4, "big", "little") == (2, 3, 0, 1)
    assert byte_order(8, "little", "little") == (0, 1, 2, 3, 4, 5, 6, 7)


@pytest.mark.parametrize(
    ("kind", "address", "keys", "says"),
    [
        ("float32", "coil:3", {}, "one bit, expected type = 'bool'"),
        ("string", "coil:3", {"length": 2}, "cannot hold a string"),
        ("string", "holding:3.1", {"length": 2}, "cannot hold a string"),
        ("string", "holding:3", {}, "needs its length in bytes"),
        ("string", "holding:3", {"length": 4, "scale": 2}, "has no scale"),
        ("uint16", "holding:3", {"length": 4}, "length is for strings"),
        ("bool", "holding:3", {"scale": 2}, "a bool cannot be scaled"),
        ("enum", "holding:3", {"scale": 2, "labels": ("a",)}, "a enum cannot be scaled"),
        ("int64", "holding:3", {"scale": 2}, "use type = 'float64' and raw_type = 'int64'"),
        ("bool", "holding:3.1-2", {}, "has 2 bits, expected one bit for a bool"),
        ("float32", "holding:3.1", {}, "not float32"),
        ("uint32", "holding:3.1-4", {}, "up to 16 bits"),
        ("uint64", "holding:3.1-4", {}, "up to 16 bits"),
        ("uint8", "holding:3.0-8", {}, "9 bits do not fit into uint8"),
        ("int16", "holding:3", {"raw_type": "uint16"}, "raw_type uint16 does not fit into type int16"),
        ("int16", "holding:3", {"raw_type": "float32"}, "raw_type float32 does not fit"),
        ("bool", "holding:3", {"raw_type": "uint32"}, "name the bit as in 'holding:3.0'"),
        ("float64", "holding:3", {"raw": [0, 10]}, "maps to low and high"),
        ("float64", "holding:3", {"raw": [0, 10], "low": 1, "high": 1}, "maps to low and high"),
        ("uint32", "holding:65535", {}, "ends at 65536, beyond 65535"),
        ("uint16", "holding:65536", {}, "beyond 65535"),
        (
            "uint16",
            "holding:0",
            {"count": 126},
            "126 registers in one value, and one request to this device carries 125",
        ),
        ("bool", "coil:0", {"count": 2000}, ""),
        ("string", "holding:0", {"length": 250}, ""),
    ],
)
def test_what_does_not_fit(config: Make, tag: Make, kind: str, address: str, keys: dict[str, Any], says: str) -> None:
    if not says:
        assert field_of(config(), tag("t", kind, address, **keys))
        return
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared below
        field_of(config(), tag("t", kind, address, **keys))
    assert says in str(caught.value)


def test_limits_of_the_device_count(config: Make, tag: Make) -> None:
    with pytest.raises(ValueError, match="carries 3"):
        field_of(config(max_registers=3), tag("t", "float64", "holding:0"))
    with pytest.raises(ValueError, match="carries 8"):
        field_of(config(max_coils=8), tag("t", "bool", "coil:0", count=9))


def test_addresses_from_one(config: Make, tag: Make) -> None:
    device = config(zero_based=False)
    assert field_of(device, tag("t", "uint16", "holding:1")).area == Area("holding", 0, 1)
    assert field_of(device, tag("t", "uint16", "holding:65536")).area == Area("holding", 65535, 1)
    with pytest.raises(ValueError, match="expected 1 to 65536"):
        field_of(device, tag("t", "uint16", "holding:0"))


@pytest.mark.parametrize(
    ("kind", "keys", "raw", "count"),
    [
        ("enum", {"labels": ("a", "b")}, ValueType.UINT16, 1),
        ("enum", {"labels": ("a", "b"), "raw_type": "uint32"}, ValueType.UINT32, 2),
        ("float64", {"raw_type": "int16", "scale": 0.1}, ValueType.INT16, 1),
        ("int16", {"scale": 0.1}, ValueType.INT16, 1),
        ("int64", {"raw_type": "uint32"}, ValueType.UINT32, 2),
        ("float64", {}, ValueType.FLOAT64, 4),
        ("string", {"length": 5}, ValueType.STRING, 3),
        ("int32", {"count": 5}, ValueType.INT32, 10),
    ],
)
def test_what_the_registers_hold(
    config: Make, tag: Make, kind: str, keys: dict[str, Any], raw: ValueType, count: int
) -> None:
    field = field_of(config(), tag("t", kind, "holding:10", **keys))
    assert (field.raw, field.area) == (raw, Area("holding", 10, count))
    assert field.exact == (kind == "int64")


def test_a_scale_of_a_decimal_fraction_divides(config: Make, tag: Make) -> None:
    assert field_of(config(), tag("t", "float64", "holding:0", scale=0.1)).scaling == Scaling(1.0, 10.0, 0.0)
    assert field_of(config(), tag("t", "float64", "holding:0", scale=-0.01, offset=5)).scaling == Scaling(
        1.0, -100.0, 5.0
    )
    assert field_of(config(), tag("t", "float64", "holding:0", scale=0.3)).scaling == Scaling(0.3, 1.0, 0.0)
    assert field_of(config(), tag("t", "float64", "holding:0", scale=10)).scaling == Scaling(10.0, 1.0, 0.0)
    ranged = field_of(config(), tag("t", "float64", "holding:0", raw=[4, 20], low=0, high=100)).scaling
    assert ranged == Scaling(100.0, 16.0, -25.0)


def test_overlaps(config: Make, tag: Make) -> None:
    tags = [
        tag("a", "uint16", "holding:10"),
        tag("b", "float32", "holding:10"),
        tag("c", "uint16", "holding:12"),
        tag("d", "bool", "holding:12.3"),
        tag("e", "uint16", "input:10"),
        tag("f", "float64", "holding:20"),
        tag("g", "uint16", "holding:21"),
        tag("h", "uint16", "holding:23"),
        tag("i", "uint16", "holding:24"),
    ]
    assert overlaps([field_of(config(), t) for t in tags]) == [(0, 1), (5, 6), (5, 7)]
