"""Requests and replies as values that encode themselves (Modbus Application Protocol V1.1b3, section 6).

Import them from `protocol`. Registers travel as their bytes (`data`, big endian, two a register) and the bits of
FC 1 and 2 packed as on the wire, so that neither a server nor the scan engine builds an object per register.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sereno.model import DeliveryError

READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT = 1, 2, 3, 4
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
MASK_WRITE, READ_WRITE = 22, 23

MAX_READ_BITS = 2000
MAX_READ_REGISTERS = 125
MAX_WRITE_BITS = 1968
MAX_WRITE_REGISTERS = 123
MAX_READ_WRITE_REGISTERS = 121
MAX_PDU = 253

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4

EXCEPTIONS: dict[int, str] = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, still working",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target did not respond",
}


def exception_text(code: int) -> str:
    """Number and name of an exception code, as in '02 illegal data address'."""
    return f"{code:02d} {EXCEPTIONS.get(code, 'unknown exception')}"


class ProtocolError(DeliveryError):
    """Bytes that are not what Modbus allows here. `exception` is what a server answers to a bad request."""

    def __init__(self, message: str, exception: int = ILLEGAL_VALUE) -> None:
        super().__init__(message)
        self.exception = exception


@dataclass(frozen=True, slots=True)
class Read:
    """FC 1 to 4: read `count` bits or registers."""

    function: int
    address: int
    count: int

    def encode(self) -> bytes:
        """The PDU. Raises ValueError outside the limits of the specification, as every `encode` here."""
        limit = MAX_READ_BITS if self.function <= READ_DISCRETE else MAX_READ_REGISTERS
        _check_span(self.address, self.count, limit)
        return struct.pack(">BHH", self.function, self.address, self.count)


@dataclass(frozen=True, slots=True)
class WriteCoil:
    """FC 5: set one coil."""

    address: int
    value: bool
    function: ClassVar[int] = WRITE_COIL

    def encode(self) -> bytes:
        """The PDU."""
        _check_span(self.address, 1, 1)
        return struct.pack(">BHH", WRITE_COIL, self.address, 0xFF00 if self.value else 0)


@dataclass(frozen=True, slots=True)
class WriteRegister:
    """FC 6: set one register to `value` (0 to 65535)."""

    address: int
    value: int
    function: ClassVar[int] = WRITE_REGISTER

    def encode(self) -> bytes:
        """The PDU."""
        _check_span(self.address, 1, 1)
        _check_words(self.value)
        return struct.pack(">BHH", WRITE_REGISTER, self.address, self.value)


@dataclass(frozen=True, slots=True)
class WriteCoils:
    """FC 15: set coils from `address` on."""

    address: int
    values: tuple[bool, ...]
    function: ClassVar[int] = WRITE_COILS

    def encode(self) -> bytes:
        """The PDU."""
        _check_span(self.address, len(self.values), MAX_WRITE_BITS)
        bits = pack_bits(self.values)
        return struct.pack(">BHHB", WRITE_COILS, self.address, len(self.values), len(bits)) + bits


@dataclass(frozen=True, slots=True)
class WriteRegisters:
    """FC 16: set registers from `address` on to `data`."""

    address: int
    data: bytes
    function: ClassVar[int] = WRITE_REGISTERS

    def encode(self) -> bytes:
        """The PDU."""
        count = _register_count(self.data)
        _check_span(self.address, count, MAX_WRITE_REGISTERS)
        return struct.pack(">BHHB", WRITE_REGISTERS, self.address, count, len(self.data)) + self.data


@dataclass(frozen=True, slots=True)
class MaskWrite:
    """FC 22: register = (register AND and_mask) OR (or_mask AND NOT and_mask)."""

    address: int
    and_mask: int
    or_mask: int
    function: ClassVar[int] = MASK_WRITE

    def encode(self) -> bytes:
        """The PDU."""
        _check_span(self.address, 1, 1)
        _check_words(self.and_mask, self.or_mask)
        return struct.pack(">BHHH", MASK_WRITE, self.address, self.and_mask, self.or_mask)


@dataclass(frozen=True, slots=True)
class ReadWrite:
    """FC 23: write `data` at `write_address`, then read `count` registers from `address`."""

    address: int
    count: int
    write_address: int
    data: bytes
    function: ClassVar[int] = READ_WRITE

    def encode(self) -> bytes:
        """The PDU."""
        written = _register_count(self.data)
        _check_span(self.address, self.count, MAX_READ_REGISTERS)
        _check_span(self.write_address, written, MAX_READ_WRITE_REGISTERS)
        head = (READ_WRITE, self.address, self.count, self.write_address, written, len(self.data))
        return struct.pack(">BHHHHB", *head) + self.data


Request = Read | WriteCoil | WriteRegister | WriteCoils | WriteRegisters | MaskWrite | ReadWrite


@dataclass(frozen=True, slots=True)
class DataReply:
    """Reply to FC 1, 2 (`data` packed bits) and FC 3, 4, 23 (`data` registers)."""

    function: int
    data: bytes

    def encode(self) -> bytes:
        """The PDU."""
        if not 0 < len(self.data) <= MAX_PDU - 2:
            raise ValueError(f"reply with {len(self.data)} data bytes, expected 1 to {MAX_PDU - 2}")
        return bytes((self.function, len(self.data))) + self.data


@dataclass(frozen=True, slots=True)
class WriteReply:
    """Reply to FC 5, 6 (`value` as written, 0xFF00 or 0 for a coil) and FC 15, 16 (`value` = count)."""

    function: int
    address: int
    value: int

    def encode(self) -> bytes:
        """The PDU."""
        return struct.pack(">BHH", self.function, self.address, self.value)


@dataclass(frozen=True, slots=True)
class MaskReply:
    """Reply to FC 22: the request again."""

    address: int
    and_mask: int
    or_mask: int
    function: ClassVar[int] = MASK_WRITE

    def encode(self) -> bytes:
        """The PDU."""
        return struct.pack(">BHHH", MASK_WRITE, self.address, self.and_mask, self.or_mask)


@dataclass(frozen=True, slots=True)
class ExceptionReply:
    """The device refused `function` with an exception `code`."""

    function: int
    code: int

    def encode(self) -> bytes:
        """The PDU."""
        return bytes((self.function | 0x80, self.code))


Reply = DataReply | WriteReply | MaskReply | ExceptionReply


def pack_bits(values: Sequence[bool]) -> bytes:
    """Bits as FC 1, 2, 15 carry them: the first in bit 0 of the first byte, padded with zeros."""
    number = 0
    for position, value in enumerate(values):
        number |= bool(value) << position
    return number.to_bytes((len(values) + 7) // 8, "little")


def unpack_bits(data: bytes, count: int) -> tuple[bool, ...]:
    """The first `count` bits of packed data."""
    number = int.from_bytes(data, "little")
    return tuple(bool(number >> position & 1) for position in range(count))


def pack_registers(values: Sequence[int]) -> bytes:
    """Registers (0 to 65535 each) as bytes. Raises ValueError outside that range."""
    _check_words(*values)
    return struct.pack(f">{len(values)}H", *values)


def unpack_registers(data: bytes) -> tuple[int, ...]:
    """Registers of bytes of even length."""
    return struct.unpack(f">{len(data) // 2}H", data)


def _check_span(address: int, count: int, limit: int) -> None:
    if not 1 <= count <= limit:
        raise ValueError(f"{count} values in one request, expected 1 to {limit}")
    if not 0 <= address <= 0x10000 - count:
        raise ValueError(f"address {address} with {count} values, expected all of 0 to 65535")


def _check_words(*values: int) -> None:
    for value in values:
        if not 0 <= value <= 0xFFFF:
            raise ValueError(f"register value {value}, expected 0 to 65535")


def _register_count(data: bytes) -> int:
    if len(data) % 2:
        raise ValueError(f"{len(data)} bytes of registers, expected an even number")
    return len(data) // 2
