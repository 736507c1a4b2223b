"""Runs of equal tags, and what they must show for given registers: decoded here once more, without the driver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sereno.device import DeviceTag, DriverTag
from sereno.drivers.modbus.tags import ModbusTagConfig
from sereno.model import Access, TagSpec, ValueType

CODES = {
    "int16": ">i2", "uint16": ">u2", "int32": ">i4", "uint32": ">u4",
    "int64": ">i8", "uint64": ">u8", "float32": ">f4", "float64": ">f8",
}  # fmt: skip
BIT_TABLES = ("coil", "discrete")


@dataclass(frozen=True)
class Region:
    """`n` tags of one type side by side in `table` from `start` on, read by scan group `group`.

    `bit`: the tags are this bit of each register. `keys`: further keys of the tags, such as word_order.
    """

    table: str
    start: int
    n: int
    type: str
    group: str = "fast"
    bit: int | None = None
    keys: dict[str, Any] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Addresses that one tag takes."""
        if self.table in BIT_TABLES or self.bit is not None:
            return 1
        if self.type == "string":
            return int(self.keys["length"]) // 2
        return int(CODES[self.type][2]) // 2 * int(self.keys.get("count", 1))

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.n * self.width

    @property
    def is_rows(self) -> bool:
        """True unless the tags are objects."""
        return self.type != "string" and "count" not in self.keys

    @property
    def is_exact(self) -> bool:
        """True for 64-bit integers, which stand beside the rows; uint64 as their bit pattern."""
        return self.type in ("int64", "uint64")

    def tags(self, device: str) -> list[DeviceTag]:
        """The declared tags."""
        made = []
        for i in range(self.n):
            address = f"{self.table}:{self.start + i * self.width}" + ("" if self.bit is None else f".{self.bit}")
            own = ModbusTagConfig(address=address, **self.keys)
            name = f"{device}/{self.table}_{self.type}_{self.start + i * self.width}"
            spec = TagSpec(path=name, type=ValueType(self.type), access=Access.READ, shape=own.shape)
            made.append(DeviceTag(DriverTag(spec, own), self.group))
        return made

    def expected(self, data: bytes, at: int) -> Any:
        """What the tags show for the reply data `data` that begins at address `at`: a column, or a list of objects."""
        if self.table in BIT_TABLES:
            bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
            return bits[self.start - at : self.end - at].astype(np.float64)
        raw = data[2 * (self.start - at) : 2 * (self.end - at)]
        if self.bit is not None:
            return (np.frombuffer(raw, ">u2") >> self.bit & 1).astype(np.float64)
        if self.type == "string":
            size = 2 * self.width
            return [_text(raw[i : i + size], int(self.keys["length"])) for i in range(0, len(raw), size)]
        numbers = np.frombuffer(self._ordered(raw), CODES[self.type])
        if "count" in self.keys:
            return [part.tolist() for part in numbers.reshape(self.n, -1)]
        with np.errstate(invalid="ignore"):  # signalling NaN
            return numbers.astype(np.int64 if self.is_exact else np.float64)

    def _ordered(self, raw: bytes) -> bytes:
        """The bytes with the most significant first."""
        words = np.frombuffer(raw, ">u2")
        if self.keys.get("byte_order") == "little":
            words = words.byteswap()
        if self.keys.get("word_order") == "little":
            words = words.reshape(-1, int(CODES[self.type][2]) // 2)[:, ::-1]
        return words.tobytes()


def _text(raw: bytes, length: int) -> str:
    return raw[:length].decode("latin-1").partition("\0")[0].rstrip(" ")


def tags_of(device: str, regions: Sequence[Region]) -> tuple[DeviceTag, ...]:
    """All tags of a device, in the order of the regions."""
    return tuple(tag for region in regions for tag in region.tags(device))
