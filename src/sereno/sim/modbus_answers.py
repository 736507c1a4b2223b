"""What a Modbus server answers: request PDU and register memory to reply PDU, no I/O."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from sereno.drivers.modbus.protocol import (
    ILLEGAL_ADDRESS,
    MAX_READ_REGISTERS,
    READ_COILS,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    DataReply,
    ExceptionReply,
    MaskReply,
    MaskWrite,
    ProtocolError,
    Read,
    ReadWrite,
    Request,
    WriteCoil,
    WriteCoils,
    WriteRegister,
    WriteRegisters,
    WriteReply,
    decode_request,
)

from .registers import BitTable, RegisterMemory, Table, WordTable

GATEWAY_NO_ANSWER = 11
_BIT_READS: dict[int, BitTable] = {READ_COILS: "coil", READ_DISCRETE: "discrete"}
_WORD_READS: dict[int, WordTable] = {READ_HOLDING: "holding", READ_INPUT: "input"}
_READ_FRAME = struct.Struct(">HHHBBHH")
_REPLY_HEAD = struct.Struct(">HHHBBB")


def exception(function: int, code: int) -> bytes:
    """The exception reply to `function`."""
    return ExceptionReply(function & 0x7F, code).encode()


def answer(memory: RegisterMemory, pdu: bytes) -> bytes:
    """The reply to one request; whatever is wrong with it becomes an exception reply."""
    try:
        return _execute(memory, decode_request(pdu))
    except ProtocolError as error:
        return exception(pdu[0], error.exception)


def plain_reads(units: Mapping[int, RegisterMemory], data: bytes, replies: list[bytes | memoryview]) -> tuple[int, int]:
    """Answer the good register reads that `data` begins with; what they are many of: (requests, bytes taken).

    The quick way for what masters do all day: no objects, no copy of the registers.
    """
    at = requests = 0
    last = len(data) - _READ_FRAME.size
    while at <= last:
        transaction, protocol, length, unit, function, start, count = _READ_FRAME.unpack_from(data, at)
        memory, table = units.get(unit), _WORD_READS.get(function)
        if protocol or length != 6 or memory is None or table is None or not 0 < count <= MAX_READ_REGISTERS:
            break
        registers = memory.view(table, start, count)
        if registers is None:
            break
        replies += (_REPLY_HEAD.pack(transaction, 0, 2 * count + 3, unit, function, 2 * count), registers)
        at += _READ_FRAME.size
        requests += 1
    return requests, at


def is_write(pdu: bytes) -> bool:
    """True if the request would change the memory."""
    return pdu[0] in (5, 6, 15, 16, 22, 23)


class _IllegalAddressError(ProtocolError):
    def __init__(self, start: int, count: int) -> None:
        super().__init__(f"addresses {start} to {start + count - 1} are not served", ILLEGAL_ADDRESS)


def _execute(memory: RegisterMemory, request: Request) -> bytes:
    match request:
        case Read():
            return _read(memory, request)
        case WriteCoil(address, value):
            _check(memory, "coil", address, 1)
            memory.write_bits(address, (value,))
            return WriteReply(request.function, address, 0xFF00 if value else 0).encode()
        case WriteCoils(address, values):
            _check(memory, "coil", address, len(values))
            memory.write_bits(address, values)
            return WriteReply(request.function, address, len(values)).encode()
        case WriteRegister(address, value):
            _check(memory, "holding", address, 1)
            memory.write_words(address, value.to_bytes(2, "big"))
            return WriteReply(request.function, address, value).encode()
        case WriteRegisters(address, data):
            _check(memory, "holding", address, len(data) // 2)
            memory.write_words(address, data)
            return WriteReply(request.function, address, len(data) // 2).encode()
        case MaskWrite():
            return _mask(memory, request)
        case ReadWrite():
            return _read_write(memory, request)


def _check(memory: RegisterMemory, table: Table, start: int, count: int) -> None:
    if not memory.legal(table, start, count):
        raise _IllegalAddressError(start, count)


def _read(memory: RegisterMemory, request: Read) -> bytes:
    bits = _BIT_READS.get(request.function)
    if bits is not None:
        _check(memory, bits, request.address, request.count)
        return DataReply(request.function, memory.read_bits(bits, request.address, request.count)).encode()
    words = _WORD_READS[request.function]
    _check(memory, words, request.address, request.count)
    return DataReply(request.function, memory.read_words(words, request.address, request.count)).encode()


def _mask(memory: RegisterMemory, request: MaskWrite) -> bytes:
    _check(memory, "holding", request.address, 1)
    word = int.from_bytes(memory.read_words("holding", request.address, 1), "big")
    word = (word & request.and_mask) | (request.or_mask & ~request.and_mask & 0xFFFF)
    memory.write_words(request.address, word.to_bytes(2, "big"))
    return MaskReply(request.address, request.and_mask, request.or_mask).encode()


def _read_write(memory: RegisterMemory, request: ReadWrite) -> bytes:
    _check(memory, "holding", request.write_address, len(request.data) // 2)
    _check(memory, "holding", request.address, request.count)
    memory.write_words(request.write_address, request.data)
    return DataReply(request.function, memory.read_words("holding", request.address, request.count)).encode()
