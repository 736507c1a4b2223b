"""Keys of devices and tags in the plant file."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from sereno.drivers.modbus.endpoint import TcpEndpoint
from sereno.drivers.modbus.tags import ModbusConfig, ModbusTagConfig
from sereno.model import ValueType

URL = "tcp://127.0.0.1:5020"


def test_defaults_of_a_device() -> None:
    config = ModbusConfig(url=URL)
    assert (config.unit, config.timeout, config.pipelining, config.gap) == (1, 1.0, 1, 10)
    assert (config.max_registers, config.max_coils, config.zero_based) == (125, 2000, True)
    assert (config.word_order, config.byte_order) == ("big", "big")
    assert config.endpoint == TcpEndpoint("127.0.0.1", 5020)


@pytest.mark.parametrize(("written", "seconds"), [("500ms", 0.5), ("2s", 2.0), ("1.5 s", 1.5), (3, 3.0), (0.25, 0.25)])
def test_durations(written: Any, seconds: float) -> None:
    assert ModbusConfig(url=URL, timeout=written).timeout == seconds


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({}, "url"),
        ({"url": "plc"}, "expected 'tcp://HOST:PORT'"),
        ({"url": URL, "unit": 256}, "less than or equal to 255"),
        ({"url": URL, "timeout": "fast"}, "is not a duration above 0"),
        ({"url": URL, "timeout": 0}, "is not a duration above 0"),
        ({"url": URL, "timeout": "0s"}, "is not a duration above 0"),
        ({"url": URL, "timeout": True}, "is not a duration above 0"),
        ({"url": URL, "max_registers": 126}, "less than or equal to 125"),
        ({"url": URL, "word_order": "middle"}, "'big' or 'little'"),
        ({"url": URL, "deep": 2}, "Extra inputs"),
        ({"url": "rtu:///dev/ttyS0", "unit": 0}, "expected 1 to 247"),
        ({"url": "rtu:///dev/ttyS0", "pipelining": 2}, "one request at a time"),
    ],
)
def test_bad_keys_of_a_device(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ModbusConfig(**keys)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"address": "holdng:1"}, "did you mean 'holding'?"),
        ({"address": 5}, "no Modbus address"),
        ({"address": "holding:1", "scale": 0}, "scale 0"),
        ({"address": "holding:1", "scale": 2, "raw": [0, 1]}, "both raw and scale"),
        ({"address": "holding:1", "raw": [1, 1]}, "is no range"),
        ({"address": "holding:1", "raw": [1]}, "raw"),
        ({"address": "holding:1", "length": 4, "count": 2}, "both length (a string) and count (an array)"),
        ({"address": "holding:1.2", "count": 2}, "an array of bits of one register"),
        ({"address": "holding:1", "raw_type": "string"}, "expected an integer or float type"),
        ({"address": "holding:1", "encoding": "utf-88"}, "unknown encoding"),
        ({"address": "holding:1", "bit": 3}, "Extra inputs"),
    ],
)
def test_bad_keys_of_a_tag(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ModbusTagConfig(**keys)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({"address": "coil:1"}, ValueType.BOOL),
        ({"address": "holding:1.4"}, ValueType.BOOL),
        ({"address": "holding:1.4-6"}, ValueType.UINT16),
        ({"address": "holding:1"}, ValueType.UINT16),
        ({"address": "holding:1", "scale": 0.1}, ValueType.FLOAT64),
        ({"address": "holding:1", "raw_type": "int32"}, ValueType.INT32),
        ({"address": "holding:1", "length": 8}, ValueType.STRING),
    ],
)
def test_type_of_a_tag_that_names_none(keys: dict[str, Any], kind: ValueType) -> None:
    assert ModbusTagConfig(**keys).default_type is kind


def test_a_range_of_raw_values_may_come_from_a_csv_cell() -> None:
    assert ModbusTagConfig(address="holding:1", raw="0|27648").raw == (0.0, 27648.0)


def test_shape_of_an_array() -> None:
    assert ModbusTagConfig(address="holding:1", count=24).shape == (24,)
    assert ModbusTagConfig(address="holding:1").shape == ()
