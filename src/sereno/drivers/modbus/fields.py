"""What the registers of a tag hold: the plant file's words turned into one checked value per tag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sereno.device import DriverTag
from sereno.model import TagSpec, ValueType

from .address import LAST_ADDRESS, Area
from .tags import ModbusConfig, ModbusTagConfig

SIZES: dict[ValueType, int] = {
    ValueType.BOOL: 2,
    ValueType.INT8: 2,
    ValueType.UINT8: 2,
    ValueType.INT16: 2,
    ValueType.UINT16: 2,
    ValueType.INT32: 4,
    ValueType.UINT32: 4,
    ValueType.INT64: 8,
    ValueType.UINT64: 8,
    ValueType.FLOAT32: 4,
    ValueType.FLOAT64: 8,
}
"""Bytes on the wire of the types a register can hold; what is smaller than a register still takes one."""

INTEGERS: dict[ValueType, tuple[int, int]] = {
    ValueType.INT8: (-(1 << 7), (1 << 7) - 1),
    ValueType.UINT8: (0, (1 << 8) - 1),
    ValueType.INT16: (-(1 << 15), (1 << 15) - 1),
    ValueType.UINT16: (0, (1 << 16) - 1),
    ValueType.INT32: (-(1 << 31), (1 << 31) - 1),
    ValueType.UINT32: (0, (1 << 32) - 1),
    ValueType.INT64: (-(1 << 63), (1 << 63) - 1),
    ValueType.UINT64: (0, (1 << 64) - 1),
}
"""Lowest and highest value of the integer types."""

SIGNED = (ValueType.INT8, ValueType.INT16, ValueType.INT32, ValueType.INT64)


@dataclass(frozen=True, slots=True)
class Scaling:
    """value = raw * multiply / divide + offset. Dividing keeps 3 / 10 at 0.3, which 3 * 0.1 is not."""

    multiply: float = 1.0
    divide: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Field:
    """What lies in `area`: a number of type `raw` (or a string), `count` of them where it is an array.

    `order`: where in its bytes on the wire each byte of the number is, the least significant first. `bits`
    (lowest, highest) where it is a part of one register. `exact`: 64-bit integers that float64 cannot hold.
    """

    name: str
    area: Area
    raw: ValueType
    order: tuple[int, ...]
    bits: tuple[int, int] | None = None
    count: int | None = None
    scaling: Scaling | None = None
    exact: bool = False
    length: int = 0
    encoding: str = "utf-8"
    labels: tuple[str, ...] = ()

    @property
    def packed(self) -> bool:
        """True in the two tables of bits."""
        return self.area.table in ("coil", "discrete")


@lru_cache(maxsize=64)
def byte_order(size: int, word_order: str, byte_order: str) -> tuple[int, ...]:
    """Places on the wire of the bytes of a number of `size` bytes, the least significant first."""
    words = list(range(size // 2))
    if word_order == "little":
        words.reverse()
    places = [place for w in words for place in ((2 * w, 2 * w + 1) if byte_order == "big" else (2 * w + 1, 2 * w))]
    return tuple(reversed(places))


def field_of(config: ModbusConfig, tag: DriverTag) -> Field:
    """The field of a tag. Raises ValueError with what does not fit together."""
    own: ModbusTagConfig = tag.config
    spec = tag.spec
    raw = _raw_type(spec, own)
    bits = own.place.bits
    if bits is None and raw in (ValueType.INT8, ValueType.UINT8):
        bits = (0, 7)
    words = own.word_order or config.word_order
    bytes_ = own.byte_order or config.byte_order
    size = (own.length or 0) + (own.length or 0) % 2 if raw is ValueType.STRING else SIZES[raw]
    order = byte_order(size, "big" if raw is ValueType.STRING else words, bytes_)
    if raw is ValueType.STRING:
        order = tuple(reversed(order))
    return Field(
        name=spec.name,
        area=_area(config, own, size),
        raw=raw,
        order=order,
        bits=bits,
        count=own.count,
        scaling=_scaling(spec, own),
        exact=spec.type.is_exact and not own.scaled,
        length=own.length or 0,
        encoding=own.encoding,
        labels=spec.labels if spec.type is ValueType.ENUM else (),
    )


def _raw_type(spec: TagSpec, own: ModbusTagConfig) -> ValueType:
    kind, place = spec.type, own.place
    if kind is ValueType.STRING:
        return _string(own)
    if own.length is not None:
        raise ValueError(f"length is for strings, and the type is {kind}")
    if own.scaled and kind in (ValueType.BOOL, ValueType.ENUM):
        raise ValueError(f"a {kind} cannot be scaled")
    if own.scaled and kind.is_exact:
        raise ValueError(f"a scaled {kind} would lose digits; use type = 'float64' and raw_type = '{kind}'")
    raw = own.raw_type or kind
    if place.is_bit_table:
        if raw not in (ValueType.BOOL, ValueType.ENUM):
            raise ValueError(f"{own.address} is one bit, expected type = 'bool', found {kind}")
        return ValueType.BOOL
    if raw is ValueType.ENUM:
        raw = ValueType.UINT16
    if place.bits is not None:
        return _bit_field(own, kind, raw, place.bits)
    if kind in INTEGERS and not own.scaled and not _within(raw, kind):
        raise ValueError(f"raw_type {raw} does not fit into type {kind}")
    if kind is ValueType.BOOL and raw not in (ValueType.BOOL, ValueType.UINT16, ValueType.INT16):
        raise ValueError(f"a bool out of {raw}; name the bit as in '{own.address}.0'")
    return ValueType.BOOL if kind is ValueType.BOOL else raw


def _string(own: ModbusTagConfig) -> ValueType:
    if own.place.is_bit_table or own.place.bits is not None:
        raise ValueError(f"{own.address} cannot hold a string, expected whole registers as in 'holding:100'")
    if own.length is None:
        raise ValueError("a string needs its length in bytes, as in length = 16")
    if own.scaled or own.raw_type is not None:
        raise ValueError("a string has no scale, raw or raw_type")
    return ValueType.STRING


def _bit_field(own: ModbusTagConfig, kind: ValueType, raw: ValueType, bits: tuple[int, int]) -> ValueType:
    width = bits[1] - bits[0] + 1
    if raw is ValueType.BOOL and width > 1:
        raise ValueError(f"{own.address} has {width} bits, expected one bit for a bool, or an integer type")
    if raw.is_float or SIZES[raw] > 2 or kind.is_exact:
        raise ValueError(f"bits of a register make a bool, an enum or an integer of up to 16 bits, not {kind}")
    if raw in (ValueType.INT8, ValueType.UINT8) and width > 8:
        raise ValueError(f"{width} bits do not fit into {raw}")
    return raw


def _within(raw: ValueType, kind: ValueType) -> bool:
    if raw is ValueType.BOOL:
        return True
    low, high = INTEGERS.get(raw, (1, 0))
    return low <= high and INTEGERS[kind][0] <= low and high <= INTEGERS[kind][1]


def _area(config: ModbusConfig, own: ModbusTagConfig, size: int) -> Area:
    place = own.place
    start = place.number - (0 if config.zero_based else 1)
    count = (own.count or 1) * (1 if place.is_bit_table else size // 2)
    limit = config.max_coils if place.is_bit_table else config.max_registers
    if start < 0:
        raise ValueError(f"{own.address} with zero_based = false, expected 1 to {LAST_ADDRESS + 1}")
    if start + count > LAST_ADDRESS + 1:
        raise ValueError(
            f"{own.address} needs {count} addresses and ends at {start + count - 1}, beyond {LAST_ADDRESS}"
        )
    if count > limit:
        what = "bits" if place.is_bit_table else "registers"
        raise ValueError(f"{count} {what} in one value, and one request to this device carries {limit}")
    return Area(place.table, start, count)


def _scaling(spec: TagSpec, own: ModbusTagConfig) -> Scaling | None:
    if own.raw is not None:
        if spec.low is None or spec.high is None or spec.low == spec.high:
            raise ValueError("raw = [lo, hi] maps to low and high of the tag: give both, and let them differ")
        span, divide = spec.high - spec.low, own.raw[1] - own.raw[0]
        return Scaling(span, divide, spec.low - own.raw[0] * span / divide)
    if not own.scaled:
        return None
    inverse = round(1.0 / own.scale) if abs(own.scale) < 1 else 1
    if abs(inverse) > 1 and 1.0 / inverse == own.scale:
        return Scaling(1.0, float(inverse), own.offset)
    return Scaling(own.scale, 1.0, own.offset)


def overlaps(fields: Sequence[Field]) -> list[tuple[int, int]]:
    """Pairs of positions whose areas share addresses without being the same area; each position at most once."""
    found: list[tuple[int, int]] = []
    order = sorted(range(len(fields)), key=lambda i: (fields[i].area.table, fields[i].area.start))
    reach: int | None = None
    for i in order:
        area = fields[i].area
        if reach is not None and fields[reach].area.table == area.table and area.start < fields[reach].area.end:
            if area != fields[reach].area:
                found.append((reach, i))
        else:
            reach = i
        if area.end > fields[reach].area.end:
            reach = i
    return found
