"""Columns out of payloads, against a plain decoder that knows nothing of numpy."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.device import DriverTag
from sereno.drivers.modbus.columns import Decoder
from sereno.drivers.modbus.fields import Field, field_of
from sereno.drivers.modbus.tags import ModbusConfig, ModbusTagConfig
from sereno.model import Quality, TagSpec, ValueType

CONFIG = ModbusConfig(url="tcp://plc")
NAMES = ("int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
FORMATS = dict(zip(NAMES, "hHiIqQfd", strict=True))


def make(kind: str, address: str, **keys: Any) -> DriverTag:
    spec_keys = {k: keys.pop(k) for k in ("low", "high", "labels") if k in keys}
    own = ModbusTagConfig(address=address, **keys)
    return DriverTag(TagSpec(path="plc/t", type=ValueType(kind), shape=own.shape, **spec_keys), own)


def decode(registers: bytes, *tags: DriverTag, config: ModbusConfig = CONFIG) -> list[float]:
    fields = [field_of(config, t) for t in tags]
    places: list[tuple[Field, int | None]] = [(f, f.area.start if f.packed else 2 * f.area.start) for f in fields]
    values, _ = Decoder(bytearray(registers), places, []).columns()
    return [float(v) for v in values]


def expected_number(registers: bytes, kind: str, start: int, words: str, order: str) -> float:
    """The number by plain slicing: words, then bytes, then struct."""
    size = struct.calcsize(FORMATS[kind])
    chunk = [registers[2 * start + i : 2 * start + i + 2] for i in range(0, size, 2)]
    if words == "little":
        chunk.reverse()
    if order == "little":
        chunk = [c[::-1] for c in chunk]
    return float(struct.unpack(">" + FORMATS[kind], b"".join(chunk))[0])


numbers = st.tuples(
    st.sampled_from(sorted(FORMATS)),
    st.integers(0, 56),
    st.sampled_from(["big", "little"]),
    st.sampled_from(["big", "little"]),
)
parts = st.tuples(st.integers(0, 59), st.integers(0, 15), st.integers(0, 15), st.booleans())
wire = st.binary(min_size=120, max_size=120)


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


@given(wire, st.lists(numbers, min_size=1, max_size=12), st.lists(parts, max_size=5), st.randoms(use_true_random=False))
def test_any_mix_in_any_order(
    registers: bytes, chosen: list[tuple[str, int, str, str]], bits: list[tuple[int, int, int, bool]], shuffle: Any
) -> None:
    cases: list[tuple[DriverTag, float]] = []
    for kind, start, words, order in chosen:
        tag = make(kind, f"holding:{start}", word_order=words, byte_order=order)
        cases.append((tag, expected_number(registers, kind, start, words, order)))
    for start, a, b, signed in bits:
        low, high = min(a, b), max(a, b)
        word = int.from_bytes(registers[2 * start : 2 * start + 2], "big") >> low & (1 << (high - low + 1)) - 1
        if signed and word >> (high - low):
            word -= 1 << (high - low + 1)
        cases.append((make("int16" if signed else "uint16", f"holding:{start}.{low}-{high}"), float(word)))
    shuffle.shuffle(cases)
    found = decode(registers, *(tag for tag, _ in cases))
    assert all(same(a, b) for a, (_, b) in zip(found, cases, strict=True))


@given(wire, st.lists(st.integers(0, 959), min_size=1, max_size=40))
def test_packed_bits(data: bytes, positions: list[int]) -> None:
    found = decode(data, *(make("bool", f"coil:{p}") for p in positions))
    assert found == [float(data[p // 8] >> p % 8 & 1) for p in positions]


@given(wire, st.integers(1, 14), st.sampled_from(sorted(FORMATS)))
def test_neighbours_read_as_one_run(registers: bytes, count: int, kind: str) -> None:
    size = struct.calcsize(FORMATS[kind]) // 2
    found = decode(registers, *(make(kind, f"holding:{3 + i * size}") for i in range(count)))
    assert all(same(a, expected_number(registers, kind, 3 + i * size, "big", "big")) for i, a in enumerate(found))


@given(
    st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5)
)
def test_64_bit_integers_stay_exact(unsigned: list[int], signed: list[int]) -> None:
    data = b"".join(struct.pack(">Q", v) for v in unsigned) + b"".join(struct.pack(">q", v) for v in signed)
    tags = [make("uint64", f"holding:{4 * i}") for i in range(len(unsigned))]
    tags += [make("int64", f"holding:{4 * (i + len(unsigned))}", word_order="big") for i in range(len(signed))]
    tags = [t for pair in zip(tags[::-1], [make("uint16", "holding:0")] * len(tags), strict=True) for t in pair]
    fields = [field_of(CONFIG, t) for t in tags]
    values, exact = Decoder(bytearray(data), [(f, 2 * f.area.start) for f in fields], []).columns()
    assert exact is not None
    assert exact.rows.tolist() == list(range(0, len(tags), 2))
    assert exact.values.dtype == np.int64
    pattern = [*unsigned, *signed][::-1]
    assert [v % 2**64 for v in exact.values.tolist()] == [v % 2**64 for v in pattern]
    assert values[::2].tolist() == [float(v) for v in pattern]


@pytest.mark.parametrize(
    ("words", "order", "data"),
    [
        ("big", "big", "41460000"),
        ("little", "big", "00004146"),
        ("big", "little", "46410000"),
        ("little", "little", "00004641"),
    ],
)
def test_the_four_orders_of_a_float(words: str, order: str, data: str) -> None:
    assert decode(bytes.fromhex(data), make("float32", "holding:0", word_order=words, byte_order=order)) == [12.375]
    device = ModbusConfig(url="tcp://plc", word_order=words, byte_order=order)
    assert decode(bytes.fromhex(data), make("float32", "holding:0"), config=device) == [12.375]


@pytest.mark.parametrize(
    "pattern", ["7fa00000", "ffa00001", "7fc00000", "7f800000", "ff800000", "00000001", "80000000"]
)
def test_odd_floats_convert_without_a_warning(pattern: str) -> None:
    raw = bytes.fromhex(pattern)
    (found,) = decode(raw, make("float32", "holding:0"))
    assert same(found, struct.unpack(">f", raw)[0])
    (found,) = decode(raw, make("float32", "holding:0", scale=1e300))
    assert isinstance(found, float)


def test_scaling() -> None:
    data = struct.pack(">hHhHHH", 3, 27648, -5, 0, 13824, 7)
    found = decode(
        data,
        make("float64", "holding:0", raw_type="int16", scale=0.1),
        make("float64", "holding:1", raw=[0, 27648], low=-50, high=150),
        make("int16", "holding:2", scale=2, offset=1),
        make("float64", "holding:3", raw_type="uint16", raw=[0, 27648], low=-50, high=150),
        make("float64", "holding:4", raw_type="uint16", raw=[0, 27648], low=-50, high=150),
        make("uint16", "holding:5"),
        config=CONFIG,
    )
    assert found[0] == 0.3, "divided by ten, not multiplied by 0.1"
    assert found[2:] == [-9.0, -50.0, 50.0, 7.0]


def test_a_bool_of_a_whole_register_and_8_bit_types() -> None:
    data = struct.pack(">4H", 0x0100, 0, 0x12FE, 0x12FE)
    found = decode(
        data,
        make("bool", "holding:0"),
        make("bool", "holding:1"),
        make("uint8", "holding:2"),
        make("int8", "holding:3"),
        make("uint8", "holding:3.8-15"),
        make("enum", "holding:3.4-7", labels=("a", "b")),
    )
    assert found == [1.0, 0.0, 254.0, -2.0, 18.0, 15.0]


def test_a_bit_of_a_register_whose_bytes_are_swapped() -> None:
    assert decode(b"\x01\x00", make("bool", "holding:0.0", byte_order="little")) == [1.0]
    assert decode(b"\x01\x00", make("bool", "holding:0.8", byte_order="big")) == [1.0]


def objects(data: bytes, *tags: DriverTag, config: ModbusConfig = CONFIG) -> list[tuple[Any, int]]:
    fields = [field_of(config, t) for t in tags]
    places: list[tuple[Field, int | None]] = [(f, f.area.start if f.packed else 2 * f.area.start) for f in fields]
    return [(value, quality) for _, value, quality in Decoder(bytearray(data), [], places).objects()]


def test_strings() -> None:
    assert objects(b"Mill 3\0x", make("string", "holding:0", length=8)) == [("Mill 3", 0)]
    assert objects(b"iMll3 ", make("string", "holding:0", length=6, byte_order="little")) == [("Mill 3"[:4] + " 3", 0)]
    assert objects(b"abc ", make("string", "holding:0", length=4, word_order="little")) == [("abc", 0)]
    assert objects(b"abcd", make("string", "holding:0", length=3)) == [("abc", 0)]
    assert objects("kø".encode() + b"\0", make("string", "holding:0", length=4)) == [("kø", 0)]
    assert objects(b"k\xf8\0\0", make("string", "holding:0", length=4, encoding="latin-1")) == [("kø", 0)]
    assert objects("ab".encode("utf-16-be"), make("string", "holding:0", length=4, encoding="utf-16-be")) == [("ab", 0)]
    ((text, quality),) = objects(b"k\xf8\0\0", make("string", "holding:0", length=4))
    assert (text, quality) == ("k\ufffd", Quality.UNCERTAIN)


def test_arrays() -> None:
    data = struct.pack(">4f", 1.5, -2.5, 3.5, 1e9)
    ((value, quality),) = objects(data, make("float32", "holding:0", count=4))
    assert (value.dtype, value.tolist(), quality) == (np.float64, [1.5, -2.5, 3.5, 1e9], 0)
    ((value, _),) = objects(
        struct.pack("<3i", 1, -2, 3), make("int32", "holding:0", count=3, word_order="little", byte_order="little")
    )
    assert (value.dtype, value.tolist()) == (np.int32, [1, -2, 3])
    ((value, _),) = objects(struct.pack(">2Q", 2**64 - 1, 1), make("uint64", "holding:0", count=2))
    assert value.tolist() == [2**64 - 1, 1]
    ((value, _),) = objects(b"\x05", make("bool", "coil:0", count=4))
    assert (value.dtype, value.tolist()) == (np.bool_, [True, False, True, False])
    ((value, _),) = objects(struct.pack(">2h", 10, -10), make("int16", "holding:0", count=2, scale=0.1))
    assert value.tolist() == [1.0, -1.0]
    ((value, _),) = objects(struct.pack(">2H", 0xFF01, 0x00FF), make("int8", "holding:0", count=2))
    assert value.tolist() == [1, -1]


def test_what_was_decoded_does_not_change_with_the_next_payload() -> None:
    payload = bytearray(struct.pack(">HHQf", 1, 2, 3, 4.0))
    tags = [
        make("uint16", "holding:0"),
        make("uint16", "holding:1"),
        make("uint64", "holding:2"),
        make("float32", "holding:6"),
    ]
    array = make("uint16", "holding:0", count=2)
    decoder = Decoder(
        payload, [(field_of(CONFIG, t), 2 * t.config.place.number) for t in tags], [(field_of(CONFIG, array), 0)]
    )
    (values, exact), ((_, kept, _),) = decoder.columns(), decoder.objects()
    payload[:] = bytes(len(payload))
    decoder.columns()
    assert exact is not None
    assert values.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert exact.values.tolist() == [3]
    assert kept.tolist() == [1, 2]


def test_refused_fields_are_nan_and_nothing() -> None:
    tags = [make("uint16", "holding:0"), make("uint64", "holding:9"), make("int16", "holding:1", scale=0.5)]
    fields = [field_of(CONFIG, t) for t in tags]
    decoder = Decoder(
        bytearray(struct.pack(">Hh", 7, -3)),
        [(fields[1], None), (fields[0], 0), (fields[2], 2)],
        [(field_of(CONFIG, make("string", "holding:50", length=4)), None)],
    )
    values, exact = decoder.columns()
    assert math.isnan(values[0])
    assert values[1:].tolist() == [7.0, -1.5]
    assert exact is None
    assert decoder.objects() == ((0, None, Quality.REFUSED_BY_DEVICE),)


def test_a_plan_without_rows() -> None:
    values, exact = Decoder(bytearray(2), [], []).columns()
    assert (len(values), exact) == (0, None)


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_the_plain_decoder_can_disagree(kind: str) -> None:
    data = bytes(range(1, 17))
    make_one: Callable[..., DriverTag] = make
    assert decode(data, make_one(kind, "holding:0", byte_order="little")) != [
        expected_number(data, kind, 0, "big", "big")
    ]
