"""Values to write requests: what is written reads back as the value, and what does not fit is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.device import DriverTag
from sereno.drivers.modbus.columns import Decoder
from sereno.drivers.modbus.encode import masked, write_request
from sereno.drivers.modbus.fields import INTEGERS, field_of
from sereno.drivers.modbus.protocol import MaskWrite, WriteCoil, WriteCoils, WriteRegister, WriteRegisters
from sereno.drivers.modbus.tags import ModbusConfig, ModbusTagConfig
from sereno.model import RefusedError, TagSpec, ValueType

Make = Callable[..., Any]
CONFIG = ModbusConfig(url="tcp://plc")
ORDERS = st.sampled_from(["big", "little"])


def make(kind: str, address: str, **keys: Any) -> DriverTag:
    own = ModbusTagConfig(address=address, **keys)
    return DriverTag(TagSpec(path="plc/t", type=ValueType(kind), shape=own.shape), own)


def written(tag: DriverTag, value: Any) -> bytes:
    """The registers after the write, out of registers that were 0xA5A5."""
    request = write_request(field_of(CONFIG, tag), value, single=True)
    if isinstance(request, MaskWrite):
        return masked(0xA5A5, request).value.to_bytes(2, "big")
    if isinstance(request, WriteRegister):
        return request.value.to_bytes(2, "big")
    assert isinstance(request, WriteRegisters)
    return request.data


def back(tag: DriverTag, data: bytes) -> Any:
    field = field_of(CONFIG, tag)
    if not tag.spec.is_row:
        return Decoder(bytearray(data), [], [(field, 0)]).objects()[0][1]
    values, exact = Decoder(bytearray(data), [(field, 0)], []).columns()
    return float(values[0]) if exact is None else int(exact.values[0])


@pytest.mark.parametrize("kind", [k.value for k in INTEGERS])
@given(data=st.data(), words=ORDERS, order=ORDERS)
def test_integers_read_back(kind: str, data: Any, words: str, order: str) -> None:
    low, high = INTEGERS[ValueType(kind)]
    value = data.draw(st.integers(low, high))
    tag = make(kind, "holding:5", word_order=words, byte_order=order)
    found = back(tag, written(tag, value))
    assert found % 2**64 == value % 2**64 if kind == "uint64" else found == value


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False), words=ORDERS, order=ORDERS)
def test_floats_read_back(value: float, words: str, order: str) -> None:
    for kind in ("float32", "float64"):
        tag = make(kind, "holding:5", word_order=words, byte_order=order)
        assert back(tag, written(tag, value)) == value


@given(value=st.integers(-320, 320), scale=st.sampled_from([0.1, 0.01, 2.0, -0.5]), offset=st.sampled_from([0.0, -7.5]))
def test_scaled_values_read_back(value: int, scale: float, offset: float) -> None:
    tag = make("float64", "holding:5", raw_type="int16", scale=scale, offset=offset)
    engineering = value * scale + offset
    assert back(tag, written(tag, engineering)) == pytest.approx(engineering, abs=1e-9)


@given(low=st.integers(0, 15), width=st.integers(1, 16), value=st.integers(0, 0xFFFF), order=ORDERS)
def test_bits_read_back_and_leave_the_others_alone(low: int, width: int, value: int, order: str) -> None:
    high = min(15, low + width - 1)
    value &= (1 << (high - low + 1)) - 1
    tag = make("uint16", f"holding:5.{low}-{high}", byte_order=order)
    data = written(tag, value)
    assert back(tag, data) == value
    rest = 0xFFFF & ~(((1 << (high - low + 1)) - 1) << low)
    word = int.from_bytes(data, "big" if order == "big" else "little")
    assert word & rest == 0xA5A5 & rest


@given(text=st.text(st.characters(codec="latin-1", exclude_characters="\0"), max_size=9), order=ORDERS)
def test_strings_read_back(text: str, order: str) -> None:
    tag = make("string", "holding:5", length=9, encoding="latin-1", byte_order=order)
    assert back(tag, written(tag, text)) == text.rstrip(" ")


def test_arrays_read_back() -> None:
    floats = make("float32", "holding:5", count=3, word_order="little")
    assert back(floats, written(floats, [1.5, -2.5, 0])).tolist() == [1.5, -2.5, 0.0]
    assert back(floats, written(floats, np.array([1, 2, 3]))).tolist() == [1.0, 2.0, 3.0]
    small = make("int8", "holding:5", count=2)
    assert back(small, written(small, (-1, 5))).tolist() == [-1, 5]


def request(kind: str, address: str, value: Any, *, single: bool = True, **keys: Any) -> Any:
    labels = keys.pop("labels", ())
    own = ModbusTagConfig(address=address, **keys)
    tag = DriverTag(TagSpec(path="plc/t", type=ValueType(kind), shape=own.shape, labels=labels), own)
    return write_request(field_of(CONFIG, tag), value, single=single)


def test_which_function_is_used() -> None:
    assert request("bool", "coil:3", True) == WriteCoil(3, True)
    assert request("bool", "coil:3", 0, single=False) == WriteCoils(3, (False,))
    assert request("bool", "coil:3", [1, 0, 1], count=3) == WriteCoils(3, (True, False, True))
    assert request("uint16", "holding:3", 7) == WriteRegister(3, 7)
    assert request("uint16", "holding:3", 7, single=False) == WriteRegisters(3, b"\0\7")
    assert request("uint32", "holding:3", 7) == WriteRegisters(3, b"\0\0\0\7")
    assert request("bool", "holding:3.4", True) == MaskWrite(3, 0xFFEF, 0x0010)
    assert request("bool", "holding:3.4", False) == MaskWrite(3, 0xFFEF, 0)
    assert request("bool", "holding:3.4", True, byte_order="little") == MaskWrite(3, 0xEFFF, 0x1000)
    assert request("uint8", "holding:3", 0xAB) == MaskWrite(3, 0xFF00, 0xAB)
    assert request("bool", "holding:3", True) == WriteRegister(3, 1)
    assert request("enum", "holding:3", "on", labels=("off", "on")) == WriteRegister(3, 1)
    assert request("enum", "holding:3", 5, labels=("off", "on")) == WriteRegister(3, 5)
    assert request("enum", "coil:3", "on", labels=("off", "on")) == WriteCoil(3, True)
    assert request("uint16", "holding:3", np.float64(7.0)) == WriteRegister(3, 7)


@pytest.mark.parametrize(
    ("kind", "value", "keys", "says"),
    [
        ("uint16", 65536, {}, "65536 does not fit uint16 (0 to 65535)"),
        ("int16", -32769, {}, "does not fit int16 (-32768 to 32767)"),
        ("uint64", -1, {}, "does not fit uint64"),
        ("uint16", 1.5, {}, "1.5 is not a whole number"),
        ("float64", 700, {"raw_type": "int8", "scale": 0.5}, "700 is 1400 in the register and does not fit"),
        ("float32", 1e39, {}, "does not fit float32"),
        ("float32", float("nan"), {}, "expected a finite number"),
        ("float64", float("inf"), {}, "expected a finite number"),
        ("uint16", "seven", {}, "expected a finite number"),
        ("uint16", None, {}, "expected a finite number"),
        ("enum", "of", {"labels": ("off", "on")}, "expected one of off, on"),
        ("uint16", 3, {"count": 2}, "takes a list of 2 values"),
        ("uint16", [1, 2, 3], {"count": 2}, "takes a list of 2 values"),
        ("string", 3, {"length": 4}, "expected a text"),
        ("string", "abcde", {"length": 4}, "is 5 bytes, and t holds 4"),
        ("string", "Ω", {"length": 4, "encoding": "ascii"}, "cannot be written as ascii"),
    ],
)
def test_what_is_refused(kind: str, value: Any, keys: dict[str, Any], says: str) -> None:
    with pytest.raises(RefusedError) as caught:
        request(kind, "holding:3", value, **keys)
    assert says in str(caught.value)


def test_bits_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RefusedError, match=r"does not fit 3 bits of a register \(0 to 7\)"):
        request("uint16", "holding:3.0-2", 8)
    with pytest.raises(RefusedError, match=r"does not fit 3 bits of a register \(-4 to 3\)"):
        request("int16", "holding:3.0-2", 4)
