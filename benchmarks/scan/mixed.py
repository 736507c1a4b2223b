"""A map as real devices have it: bits, integers, floats in every order of words and bytes, parts of words, texts."""

from __future__ import annotations

import struct
from typing import Any

from sereno.device import DriverTag
from sereno.drivers.modbus.tags import ModbusTagConfig
from sereno.model import Limits, TagSpec, ValueType

ORDERS = (("big", "big"), ("little", "big"), ("big", "little"), ("little", "little"))
"""Word order and byte order."""
LIMITS = Limits(lolo=-2e9, lo=-1e9, hi=3e9, hihi=4e9)


def tags(device: str) -> list[DriverTag]:
    """400 bits, 120 int16, 60 uint32, 120 float32, 60 parts of registers, 20 scaled ones, 4 texts; registers 4 to 10
    of ten, so that none of them moves.
    """
    made = [_tag(device, f"coil_{i}", "bool", f"coil:{i}") for i in range(400)]
    made += [_tag(device, f"int_{i}", "int16", f"holding:{_still(i)}") for i in range(120)]
    made += [_tag(device, f"long_{i}", "uint32", f"holding:{_pair(200, i)}") for i in range(60)]
    for i in range(120):
        words, octets = ORDERS[i % 4]
        address = f"holding:{_pair(400, i)}"
        made.append(_tag(device, f"float_{i}", "float32", address, word_order=words, byte_order=octets))
    made += [_tag(device, f"bit_{i}", "bool", f"holding:{901 + i // 16}.{i % 16}") for i in range(60)]
    made += [
        _tag(device, f"scaled_{i}", "float64", f"input:{_still(i)}", raw_type="uint16", scale=0.1) for i in range(20)
    ]
    made += [_tag(device, f"text_{i}", "string", f"holding:{951 + 10 * i}", length=16) for i in range(4)]
    return made


def _still(i: int) -> int:
    return i // 9 * 10 + 1 + i % 9


def _pair(start: int, i: int) -> int:
    return start + i // 4 * 10 + 1 + 2 * (i % 4)


def _tag(device: str, name: str, kind: str, address: str, **keys: Any) -> DriverTag:
    numeric = kind not in ("bool", "string")
    limits = LIMITS if numeric else None
    spec = TagSpec(path=f"{device}/{name}", type=ValueType(kind), deadband=0.5 if numeric else 0.0, limits=limits)
    return DriverTag(spec, ModbusTagConfig(address=address, **keys))


def expected(tag: DriverTag) -> float:
    """What the simulated device holds there: registers their own address, every third bit set."""
    place, own = tag.config.place, tag.config
    number = place.number
    if place.table == "coil":
        return float(number % 3 == 0)
    if place.bits is not None:
        return float(number >> place.bits[0] & 1)
    if tag.spec.type is ValueType.INT16 or own.raw_type is not None:
        return number / 10 if own.scaled else float(number)
    words = [number, number + 1]
    if own.word_order == "little":
        words.reverse()
    if own.byte_order == "little":
        words = [(word >> 8 | word << 8) & 0xFFFF for word in words]
    code = ">f" if tag.spec.type is ValueType.FLOAT32 else ">I"
    return float(struct.unpack(code, struct.pack(">2H", *words))[0])
