from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.model import ValueType
from sereno.sim.registers import Binding, RegisterMemory

INTEGERS = {
    ValueType.INT16: (16, True),
    ValueType.UINT16: (16, False),
    ValueType.INT32: (32, True),
    ValueType.UINT32: (32, False),
    ValueType.INT64: (64, True),
    ValueType.UINT64: (64, False),
}


@st.composite
def _integers(draw):
    kind = draw(st.sampled_from(list(INTEGERS)))
    bits, signed = INTEGERS[kind]
    low = -(1 << (bits - 1)) if signed else 0
    return kind, draw(st.integers(low, low + (1 << bits) - 1))


@given(_integers(), st.sampled_from(["big", "little"]))
def test_an_integer_comes_back_and_lies_in_memory_in_its_word_order(case, order):
    kind, value = case
    memory = RegisterMemory(words=16, bits=16)
    cell = memory.bind(Binding(name="x", table="holding", address=3, type=kind, word_order=order))
    cell.set(value)
    assert cell.get() == value
    bits, signed = INTEGERS[kind]
    words = [memory.read_words("holding", 3 + i, 1) for i in range(bits // 16)]
    raw = b"".join(words if order == "big" else reversed(words))
    assert int.from_bytes(raw, "big", signed=signed) == value
    assert memory.read_words("holding", 0, 3) == bytes(6)
    assert memory.read_words("holding", 3 + bits // 16, 4) == bytes(8)


@given(st.floats(width=32, allow_nan=False), st.sampled_from(["big", "little"]))
def test_a_float_comes_back(value, order):
    memory = RegisterMemory(words=16, bits=16)
    cell = memory.bind(Binding(name="x", table="input", address=2, type=ValueType.FLOAT32, word_order=order))
    cell.set(value)
    assert cell.get() == value
    first, second = memory.read_words("input", 2, 1), memory.read_words("input", 3, 1)
    assert struct.unpack(">f", first + second if order == "big" else second + first)[0] == value


def test_scaled_values_round_to_the_nearest_raw_and_saturate():
    memory = RegisterMemory(words=4, bits=4)
    cell = memory.bind(Binding(name="x", table="holding", address=0, type=ValueType.INT16, scale=0.1))
    cell.set(-12.34)
    assert cell.get() == pytest.approx(-12.3)
    assert memory.registers("holding")[0].astype(np.int16) == -123
    cell.set(1e9)
    assert cell.get() == pytest.approx(3276.7)
    cell.set(-1e9)
    assert cell.get() == pytest.approx(-3276.8)


def test_a_bit_of_a_register_leaves_its_neighbours_alone():
    memory = RegisterMemory(words=4, bits=4)
    word = memory.bind(Binding(name="w", table="holding", address=1))
    bit = memory.bind(Binding(name="b", table="holding", address=1, type=ValueType.BOOL, bit=3))
    word.set(0xFFF0)
    assert bit.get() is False
    bit.set(True)
    assert word.get() == 0xFFF8
    bit.set(False)
    assert word.get() == 0xFFF0


def test_a_string_is_padded_with_zeros_and_cut_at_its_length():
    memory = RegisterMemory(words=8, bits=8)
    cell = memory.bind(Binding(name="s", table="holding", address=1, type=ValueType.STRING, length=5))
    assert cell.binding.width == 3
    cell.set("abcdefgh")
    assert cell.get() == "abcde"
    assert memory.read_words("holding", 0, 5) == b"\0\0abcde\0\0\0"
    cell.set("é")
    assert cell.get() == "?"


def test_an_array_has_its_elements_one_after_the_other():
    memory = RegisterMemory(words=8, bits=8)
    cell = memory.bind(
        Binding(name="a", table="input", address=0, type=ValueType.FLOAT32, count=3, word_order="little")
    )
    cell.set([1.0, 2.0, -4.5])
    assert cell.get() == [1.0, 2.0, -4.5]
    assert memory.read_words("input", 0, 2) == b"\x00\x00\x3f\x80"
    with pytest.raises(ValueError, match="shorter"):
        cell.set([1.0])


def test_coils_are_packed_with_the_first_in_the_lowest_bit():
    memory = RegisterMemory(words=4, bits=20)
    memory.write_bits(3, [True, False, True, True, False, False, False, True, True])
    assert memory.read_bits("coil", 3, 9) == b"\x8d\x01"
    assert memory.read_bits("coil", 0, 4) == b"\x08"
    assert memory.bind(Binding(name="c", table="coil", address=3, type=ValueType.BOOL)).get() is True


def test_arrays_share_the_memory_and_are_big_endian():
    memory = RegisterMemory(words=4, bits=4)
    memory.registers("holding")[2] = 0x1234
    memory.bits("discrete")[1] = 1
    assert memory.read_words("holding", 2, 1) == b"\x12\x34"
    assert memory.read_bits("discrete", 0, 4) == b"\x02"


def test_only_what_masters_write_counts_as_a_write():
    memory = RegisterMemory(words=4, bits=4)
    memory.bind(Binding(name="x", table="holding", address=0)).set(5)
    assert memory.writes == 0
    memory.write_words(0, b"\0\1")
    memory.write_bits(0, [True])
    assert memory.writes == 2


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(1, 8)), max_size=4), st.integers(0, 40), st.integers(1, 40))
def test_legal_is_what_touches_no_forbidden_range_and_ends_inside(ranges, start, count):
    memory = RegisterMemory(words=30, bits=4)
    for first, width in ranges:
        memory.forbid("input", first, width)
    forbidden = {address for first, width in ranges for address in range(first, first + width)}
    asked = set(range(start, start + count))
    assert memory.legal("input", start, count) == (start + count <= 30 and not asked & forbidden)
    assert memory.legal("holding", 0, 30)


def test_a_binding_beyond_its_table_is_refused():
    memory = RegisterMemory(words=4, bits=4)
    with pytest.raises(ValueError, match=r"x: input:3 needs 2 places, the table has 4"):
        memory.bind(Binding(name="x", table="input", address=3, type=ValueType.FLOAT32))
