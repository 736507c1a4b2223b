"""Register memory of a simulated Modbus device: four tables, and names bound to typed addresses."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sereno.model import ValueType

WordTable = Literal["input", "holding"]
BitTable = Literal["coil", "discrete"]
Table = Literal[WordTable, BitTable]
BIT_TABLES = ("coil", "discrete")
Order = Literal["big", "little"]

_FORMATS: dict[ValueType, str] = {
    ValueType.INT16: "h",
    ValueType.UINT16: "H",
    ValueType.ENUM: "H",
    ValueType.INT32: "i",
    ValueType.UINT32: "I",
    ValueType.INT64: "q",
    ValueType.UINT64: "Q",
    ValueType.FLOAT32: "f",
    ValueType.FLOAT64: "d",
}
_RANGES: dict[str, tuple[int, int]] = {
    "h": (-(1 << 15), (1 << 15) - 1),
    "H": (0, (1 << 16) - 1),
    "i": (-(1 << 31), (1 << 31) - 1),
    "I": (0, (1 << 32) - 1),
    "q": (-(1 << 63), (1 << 63) - 1),
    "Q": (0, (1 << 64) - 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A name for a typed place: value = raw * scale. `bit` of a register, `length` bytes of a string,
    `count` elements of an array; `word_order` little puts the low word first.
    """

    name: str
    table: Table
    address: int
    type: ValueType = ValueType.UINT16
    scale: float = 1.0
    bit: int | None = None
    length: int = 0
    count: int = 1
    word_order: Order = "big"

    @property
    def width(self) -> int:
        """Registers (or bits) that it covers."""
        if self.table in BIT_TABLES or self.bit is not None:
            return 1
        if self.type is ValueType.STRING:
            return (self.length + 1) // 2
        return struct.calcsize(_FORMATS[self.type]) // 2 * self.count


class Cell:
    """A bound place: `get()` and `set(value)` in engineering units. Raw integers saturate at their type's range."""

    __slots__ = ("binding", "get", "set")

    def __init__(self, binding: Binding, get: Callable[[], Any], put: Callable[[Any], object]) -> None:
        self.binding = binding
        self.get = get
        self.set = put


class RegisterMemory:
    """The four tables of one unit: `words` registers and `bits` coils or discrete inputs, from address 0.

    Addresses beyond, and those given to `forbid`, are illegal for the master. `writes` counts what masters wrote.
    """

    def __init__(self, *, words: int = 65536, bits: int = 65536) -> None:
        self._words = {name: bytearray(2 * words) for name in ("input", "holding")}
        self._views = {name: memoryview(memory) for name, memory in self._words.items()}
        self._bits = {name: bytearray(bits) for name in BIT_TABLES}
        self._sizes: dict[str, int] = {"input": words, "holding": words, "coil": bits, "discrete": bits}
        self._forbidden: dict[str, list[int]] = {}
        self.writes = 0

    def registers(self, table: WordTable) -> NDArray[np.uint16]:
        """The table as a writable big-endian uint16 array that shares its memory."""
        return np.frombuffer(self._words[table], dtype=">u2")

    def bits(self, table: BitTable) -> NDArray[np.uint8]:
        """The table as a writable array of 0 and 1 that shares its memory."""
        return np.frombuffer(self._bits[table], dtype=np.uint8)

    def forbid(self, table: Table, start: int, count: int) -> None:
        """Answer exception 2 to any request that touches these addresses."""
        size = self._sizes[table]
        sums = self._forbidden.get(table, [0] * (size + 1))
        marks = [sums[i + 1] - sums[i] for i in range(size)]
        for address in range(start, min(start + count, size)):
            marks[address] = 1
        self._forbidden[table] = [0, *accumulate(marks)]

    def legal(self, table: Table, start: int, count: int) -> bool:
        """True if a master may use these addresses."""
        if start + count > self._sizes[table]:
            return False
        sums = self._forbidden.get(table)
        return sums is None or sums[start + count] == sums[start]

    def view(self, table: WordTable, start: int, count: int) -> memoryview | None:
        """The bytes of `count` registers without a copy, None where they are not legal."""
        sums = self._forbidden.get(table)
        if start + count > self._sizes[table] or (sums is not None and sums[start + count] != sums[start]):
            return None
        return self._views[table][2 * start : 2 * (start + count)]

    def read_words(self, table: WordTable, start: int, count: int) -> bytes:
        """Bytes of `count` registers as they go on the wire."""
        return bytes(self._views[table][2 * start : 2 * (start + count)])

    def read_bits(self, table: BitTable, start: int, count: int) -> bytes:
        """Bits packed as on the wire, the first in the lowest bit."""
        part = np.frombuffer(self._bits[table], dtype=np.uint8, count=count, offset=start)
        return np.packbits(part, bitorder="little").tobytes()

    def write_words(self, start: int, data: bytes) -> None:
        """A master writes holding registers."""
        self._views["holding"][2 * start : 2 * start + len(data)] = data
        self.writes += 1

    def write_bits(self, start: int, values: Sequence[bool]) -> None:
        """A master writes coils."""
        self._bits["coil"][start : start + len(values)] = bytes(map(bool, values))
        self.writes += 1

    def bind(self, binding: Binding) -> Cell:
        """Typed access to a place. Raises ValueError if it does not fit into its table."""
        if binding.address + binding.width > self._sizes[binding.table]:
            raise ValueError(
                f"{binding.name}: {binding.table}:{binding.address} needs {binding.width} places, "
                f"the table has {self._sizes[binding.table]}"
            )
        if binding.table in BIT_TABLES:
            return _bit_cell(self._bits[binding.table], binding)
        words = self._words[binding.table]
        if binding.bit is not None:
            return _register_bit_cell(words, binding)
        if binding.type is ValueType.STRING:
            return _string_cell(words, binding)
        if binding.count > 1:
            return _array_cell(words, binding)
        return _number_cell(words, binding)


def _bit_cell(memory: bytearray, binding: Binding) -> Cell:
    def put(value: Any) -> None:
        memory[binding.address] = 1 if value else 0

    return Cell(binding, lambda: memory[binding.address] != 0, put)


def _register_bit_cell(memory: bytearray, binding: Binding) -> Cell:
    place = struct.Struct(">H")
    at, mask = 2 * binding.address, 1 << (binding.bit or 0)

    def put(value: Any) -> None:
        (word,) = place.unpack_from(memory, at)
        place.pack_into(memory, at, word | mask if value else word & ~mask)

    return Cell(binding, lambda: place.unpack_from(memory, at)[0] & mask != 0, put)


def _string_cell(memory: bytearray, binding: Binding) -> Cell:
    at, end = 2 * binding.address, 2 * binding.address + 2 * binding.width

    def put(value: str) -> None:
        memory[at:end] = value.encode("ascii", "replace")[: binding.length].ljust(end - at, b"\0")

    return Cell(binding, lambda: bytes(memory[at:end]).rstrip(b"\0 ").decode("ascii", "replace"), put)


def _number_cell(memory: bytearray, binding: Binding) -> Cell:
    code = _FORMATS[binding.type]
    at = 2 * binding.address
    if binding.word_order == "little" and binding.width > 1:
        get, put = _swapped(memory, at, code)
    else:
        place = struct.Struct(">" + code)
        put = partial(place.pack_into, memory, at)

        def get() -> Any:
            return place.unpack_from(memory, at)[0]

    if code in "fd":
        return Cell(binding, get, put)
    return _integer_cell(binding, get, put, code)


def _integer_cell(binding: Binding, get: Callable[[], Any], put: Callable[[Any], object], code: str) -> Cell:
    low, high = _RANGES[code]
    scale = binding.scale

    def put_raw(value: float) -> None:
        raw = round(value / scale) if scale != 1.0 else round(value)
        put(low if raw < low else high if raw > high else raw)

    if scale == 1.0:
        return Cell(binding, get, put_raw)
    return Cell(binding, lambda: get() * scale, put_raw)


def _swapped(memory: bytearray, at: int, code: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    place = struct.Struct(">" + code)
    words = struct.Struct(f">{place.size // 2}H")

    def get() -> Any:
        return place.unpack(words.pack(*reversed(words.unpack_from(memory, at))))[0]

    def put(value: Any) -> None:
        words.pack_into(memory, at, *reversed(words.unpack(place.pack(value))))

    return get, put


def _array_cell(memory: bytearray, binding: Binding) -> Cell:
    code = _FORMATS[binding.type]
    step = struct.calcsize(code) // 2
    items = [
        _number_cell(
            memory,
            Binding(
                name=binding.name,
                table=binding.table,
                address=binding.address + i * step,
                type=binding.type,
                scale=binding.scale,
                word_order=binding.word_order,
            ),
        )
        for i in range(binding.count)
    ]

    def put(values: Sequence[float]) -> None:
        for item, value in zip(items, values, strict=True):
            item.set(value)

    return Cell(binding, lambda: [item.get() for item in items], put)
