"""Modbus as bytes, no I/O: MBAP frames, and requests and replies out of bytes (their classes are in `pdu`)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .pdu import (
    DEVICE_FAILURE,
    EXCEPTIONS,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
    MASK_WRITE,
    MAX_PDU,
    MAX_READ_BITS,
    MAX_READ_REGISTERS,
    MAX_READ_WRITE_REGISTERS,
    MAX_WRITE_BITS,
    MAX_WRITE_REGISTERS,
    READ_COILS,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    READ_WRITE,
    WRITE_COIL,
    WRITE_COILS,
    WRITE_REGISTER,
    WRITE_REGISTERS,
    DataReply,
    ExceptionReply,
    MaskReply,
    MaskWrite,
    ProtocolError,
    Read,
    ReadWrite,
    Reply,
    Request,
    WriteCoil,
    WriteCoils,
    WriteRegister,
    WriteRegisters,
    WriteReply,
    exception_text,
    pack_bits,
    pack_registers,
    unpack_bits,
    unpack_registers,
)

__all__ = [
    "DEVICE_FAILURE",
    "EXCEPTIONS",
    "HEADER_SIZE",
    "ILLEGAL_ADDRESS",
    "ILLEGAL_FUNCTION",
    "ILLEGAL_VALUE",
    "MASK_WRITE",
    "MAX_PDU",
    "MAX_READ_BITS",
    "MAX_READ_REGISTERS",
    "MAX_READ_WRITE_REGISTERS",
    "MAX_WRITE_BITS",
    "MAX_WRITE_REGISTERS",
    "READ_COILS",
    "READ_DISCRETE",
    "READ_HOLDING",
    "READ_INPUT",
    "READ_WRITE",
    "WRITE_COIL",
    "WRITE_COILS",
    "WRITE_REGISTER",
    "WRITE_REGISTERS",
    "DataReply",
    "ExceptionReply",
    "Frame",
    "FrameSplitter",
    "MaskReply",
    "MaskWrite",
    "ProtocolError",
    "Read",
    "ReadWrite",
    "Reply",
    "Request",
    "WriteCoil",
    "WriteCoils",
    "WriteRegister",
    "WriteRegisters",
    "WriteReply",
    "check_reply",
    "decode_reply",
    "decode_request",
    "encode_frame",
    "exception_text",
    "pack_bits",
    "pack_registers",
    "reply_size",
    "unpack_bits",
    "unpack_registers",
]

HEADER_SIZE = 7


def decode_request(pdu: bytes) -> Request:
    """A request as a server gets it. Raises ProtocolError, whose `exception` is the answer to send.

    Addresses are not checked against 65536 or any map: that is the server's (exception 2).
    """
    parse = _REQUESTS.get(pdu[0]) if pdu else None
    if parse is None:
        raise ProtocolError(f"function {pdu[0] if pdu else 'missing'}, not one of 1-6, 15, 16, 22, 23", 1)
    try:
        return parse(pdu)
    except struct.error:
        raise ProtocolError(f"request of function {pdu[0]} has {len(pdu)} bytes, which is not its length") from None


def decode_reply(pdu: bytes) -> Reply:
    """A reply as a client gets it. Raises ProtocolError; whether it answers a request says `check_reply`."""
    function = pdu[0] if pdu else 0
    try:
        if function in _DATA_FUNCTIONS:
            return _data_reply(pdu)
        if function in _WRITE_FUNCTIONS:
            return WriteReply(*struct.unpack(">BHH", pdu))
        if function == MASK_WRITE:
            return MaskReply(*struct.unpack(">xHHH", pdu))
        if function - 0x80 in _REQUESTS:
            return ExceptionReply(function - 0x80, *struct.unpack(">xB", pdu))
    except struct.error:
        raise ProtocolError(f"reply of function {function} has {len(pdu)} bytes, which is not its length") from None
    raise ProtocolError(f"reply with function {function if pdu else 'missing'}, not one of 1-6, 15, 16, 22, 23")


def reply_size(request: Request) -> int:
    """Length of the PDU that answers `request`, unless it is an exception (2)."""
    if isinstance(request, Read | ReadWrite):
        bits = request.function <= READ_DISCRETE
        return 2 + ((request.count + 7) // 8 if bits else 2 * request.count)
    return 7 if isinstance(request, MaskWrite) else 5


def check_reply(request: Request, reply: Reply) -> None:
    """Raise ProtocolError unless `reply` may answer `request`: function, length, echoed fields."""
    if reply.function != request.function:
        raise ProtocolError(f"reply of function {reply.function} to a request of function {request.function}")
    if isinstance(reply, ExceptionReply):
        return
    if isinstance(reply, DataReply):
        if len(reply.data) + 2 != reply_size(request):
            raise ProtocolError(f"reply with {len(reply.data)} data bytes, expected {reply_size(request) - 2}")
    elif reply.encode()[1:] != request.encode()[1 : reply_size(request)]:
        raise ProtocolError(f"reply {reply} does not echo the request {request}")


class Frame(NamedTuple):
    """One MBAP frame."""

    transaction: int
    unit: int
    pdu: bytes


def encode_frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """MBAP header and PDU (Modbus Messaging on TCP/IP, section 3.1.3)."""
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


class FrameSplitter:
    """Cuts a byte stream of either direction into frames."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._rest)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Frames that `data` completes; iterate to the end. Raises ProtocolError where the stream is no
        Modbus/TCP: nothing after that point can be trusted, drop the connection.
        """
        buffer = self._rest + data
        at, size = 0, len(buffer)
        try:
            while size - at >= HEADER_SIZE:
                transaction, protocol, length, unit = _HEADER.unpack_from(buffer, at)
                if protocol != 0 or not 2 <= length <= MAX_PDU + 1:
                    raise _not_modbus(protocol, length)
                end = at + 6 + length
                if end > size:
                    break
                pdu = buffer[at + HEADER_SIZE : end]
                at = end
                yield Frame(transaction, unit, pdu)
        finally:
            self._rest = buffer[at:]


_HEADER = struct.Struct(">HHHB")
_DATA_FUNCTIONS = frozenset((READ_COILS, READ_DISCRETE, READ_HOLDING, READ_INPUT, READ_WRITE))
_WRITE_FUNCTIONS = frozenset((WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS))


def _not_modbus(protocol: int, length: int) -> ProtocolError:
    if protocol != 0:
        return ProtocolError(f"protocol id {protocol} in the MBAP header, expected 0: this is not Modbus/TCP")
    return ProtocolError(f"length {length} in the MBAP header, expected 2 to {MAX_PDU + 1}")


def _checked_count(count: int, limit: int, given: int, expected: int) -> int:
    if not 1 <= count <= limit:
        raise ProtocolError(f"{count} values asked for, expected 1 to {limit}")
    if given != expected:
        raise ProtocolError(f"byte count {given} for {count} values, expected {expected}")
    return count


def _read(pdu: bytes) -> Read:
    function, address, count = struct.unpack(">BHH", pdu)
    _checked_count(count, MAX_READ_BITS if function <= READ_DISCRETE else MAX_READ_REGISTERS, 0, 0)
    return Read(function, address, count)


def _write_coil(pdu: bytes) -> WriteCoil:
    address, value = struct.unpack(">xHH", pdu)
    if value not in (0, 0xFF00):
        raise ProtocolError(f"coil value 0x{value:04x}, expected 0xff00 or 0x0000")
    return WriteCoil(address, value != 0)


def _write_coils(pdu: bytes) -> WriteCoils:
    address, count, size = struct.unpack(">xHHB", pdu[:6])
    _checked_count(count, MAX_WRITE_BITS, size, (count + 7) // 8)
    return WriteCoils(address, unpack_bits(_tail(pdu, 6, size), count))


def _write_registers(pdu: bytes) -> WriteRegisters:
    address, count, size = struct.unpack(">xHHB", pdu[:6])
    _checked_count(count, MAX_WRITE_REGISTERS, size, 2 * count)
    return WriteRegisters(address, _tail(pdu, 6, size))


def _read_write(pdu: bytes) -> ReadWrite:
    address, count, write_address, written, size = struct.unpack(">xHHHHB", pdu[:10])
    _checked_count(count, MAX_READ_REGISTERS, 0, 0)
    _checked_count(written, MAX_READ_WRITE_REGISTERS, size, 2 * written)
    return ReadWrite(address, count, write_address, _tail(pdu, 10, size))


def _tail(pdu: bytes, head: int, size: int) -> bytes:
    if len(pdu) != head + size:
        raise ProtocolError(f"{len(pdu) - head} data bytes follow, expected {size}")
    return pdu[head:]


def _data_reply(pdu: bytes) -> DataReply:
    function, size = struct.unpack(">BB", pdu[:2])
    data = _tail(pdu, 2, size)
    if not data or (function > READ_DISCRETE and size % 2):
        raise ProtocolError(f"reply of function {function} with {size} data bytes, expected an even number above 0")
    return DataReply(function, data)


_REQUESTS: dict[int, Callable[[bytes], Request]] = {
    READ_COILS: _read,
    READ_DISCRETE: _read,
    READ_HOLDING: _read,
    READ_INPUT: _read,
    WRITE_COIL: _write_coil,
    WRITE_REGISTER: lambda pdu: WriteRegister(*struct.unpack(">xHH", pdu)),
    WRITE_COILS: _write_coils,
    WRITE_REGISTERS: _write_registers,
    MASK_WRITE: lambda pdu: MaskWrite(*struct.unpack(">xHHH", pdu)),
    READ_WRITE: _read_write,
}
