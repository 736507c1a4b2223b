"""Where a value lies in a device: 'holding:100', 'coil:3', 'holding:100.3', 'input:100.4-7'."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .protocol import READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT

READ_FUNCTIONS = {
    "coil": READ_COILS,
    "discrete": READ_DISCRETE,
    "holding": READ_HOLDING,
    "input": READ_INPUT,
}
"""The four tables of a device, and the function code that reads each."""

BIT_TABLES = ("coil", "discrete")
WRITABLE_TABLES = ("coil", "holding")
LAST_ADDRESS = 65535

_PATTERN = re.compile(r"(\w+)\s*:\s*(0x[0-9a-f]+|\d+)(?:\.(\d+)(?:-(\d+))?)?\Z", re.IGNORECASE)
_EXAMPLES = "for example 'holding:100', 'input:7', 'coil:3', 'discrete:12' or a bit as in 'holding:100.3'"
_OLD_NOTATION = {"0": "coil", "1": "discrete", "3": "input", "4": "holding"}


@dataclass(frozen=True, slots=True, order=True)
class Area:
    """`count` neighbouring registers or bits of one table; `start` as on the wire, from 0."""

    table: str
    start: int
    count: int

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.start + self.count

    def __str__(self) -> str:
        return f"{self.table} {self.start}" + (f"..{self.end - 1}" if self.count > 1 else "")


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address: `number` as written; `bits` are (lowest, highest) of one register."""

    table: str
    number: int
    bits: tuple[int, int] | None = None

    @property
    def is_bit_table(self) -> bool:
        """True for coils and discrete inputs."""
        return self.table in BIT_TABLES


def parse_address(text: Any) -> Address:
    """The address that `text` names. Raises ValueError with what was expected and a near spelling."""
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is no Modbus address, expected {_EXAMPLES}{_old_notation(text)}")
    return _parsed(text)


@lru_cache(maxsize=8192)
def _parsed(text: str) -> Address:
    """Thousands of devices have the same addresses."""
    found = _PATTERN.match(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no Modbus address, expected {_EXAMPLES}{_old_notation(text)}")
    table, number = found[1].lower(), int(found[2], 0) if found[2][:2].lower() == "0x" else int(found[2])
    if table not in READ_FUNCTIONS:
        raise ValueError(f"{text!r}: no table {found[1]!r}, {_nearest_table(table)}")
    if number > LAST_ADDRESS + 1:
        raise ValueError(f"{text!r}: address {number}, expected 0 to {LAST_ADDRESS}")
    return Address(table, number, _bits(text, table, found[3], found[4]))


def _bits(text: str, table: str, low: str | None, high: str | None) -> tuple[int, int] | None:
    if low is None:
        return None
    if table in BIT_TABLES:
        raise ValueError(f"{text!r}: a {table} is a single bit, expected '{table}:N'")
    first, last = int(low), int(high or low)
    if first > last or last > 15:
        raise ValueError(f"{text!r}: bits {first} to {last}, expected bits 0 (lowest) to 15, the lower first")
    return first, last


def _nearest_table(word: str) -> str:
    close = difflib.get_close_matches(word, READ_FUNCTIONS, n=1, cutoff=0.5)
    listed = f"expected one of {', '.join(READ_FUNCTIONS)}"
    return f"{listed}; did you mean {close[0]!r}?" if close else listed


def _old_notation(text: Any) -> str:
    """A hint for 40101 and the like, whose first digit is the table and which count from 1."""
    digits = str(text)
    table = _OLD_NOTATION.get(digits[:1])
    if table is None or not digits.isdecimal() or len(digits) not in (5, 6) or int(digits[1:]) == 0:
        return ""
    return f"; {digits} of a data sheet is usually '{table}:{int(digits[1:]) - 1}'"
