"""Requests, replies and frames in words, for traces and error messages. Addresses are those on the wire, from 0."""

from __future__ import annotations

from .protocol import (
    HEADER_SIZE,
    READ_DISCRETE,
    DataReply,
    ExceptionReply,
    FrameSplitter,
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
    decode_reply,
    decode_request,
    exception_text,
)

_TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input", 5: "coil", 6: "holding", 15: "coil"}
_TABLES |= {16: "holding", 22: "holding", 23: "holding"}
_VERBS = {5: "write", 6: "write", 15: "write", 16: "write", 22: "mask write", 23: "read and write"}


def request_text(request: Request) -> str:
    """As in 'read holding 100..149' or 'write coil 3 = 1'."""
    match request:
        case Read(function, address, count):
            return f"read {_TABLES[function]} {_span(address, count)}"
        case WriteCoil(address, value):
            return f"write coil {address} = {int(value)}"
        case WriteRegister(address, value):
            return f"write holding {address} = {value}"
        case WriteCoils(address, values):
            return f"write coil {_span(address, len(values))}"
        case WriteRegisters(address, data):
            return f"write holding {_span(address, len(data) // 2)}"
        case MaskWrite(address, and_mask, or_mask):
            return f"mask write holding {address} and 0x{and_mask:04x} or 0x{or_mask:04x}"
        case ReadWrite(address, count, write_address, data):
            written = _span(write_address, len(data) // 2)
            return f"write holding {written}, read holding {_span(address, count)}"


def reply_text(reply: Reply) -> str:
    """As in '50 registers', 'holding 3 written' or 'refused read holding: 02 illegal data address'."""
    match reply:
        case DataReply(function, data) if function <= READ_DISCRETE:
            return f"{len(data)} bytes of {_TABLES[function]} bits"
        case DataReply(_, data):
            return f"{len(data) // 2} registers"
        case ExceptionReply(function, code):
            return f"refused {_VERBS.get(function, 'read')} {_TABLES[function]}: {exception_text(code)}"
        case MaskReply(address):
            return f"holding {address} mask written"
        case _:
            return f"{_TABLES[reply.function]} {reply.address} written"


def pdu_text(unit: int, pdu: bytes, *, request: bool) -> str:
    """A PDU in words, with its unit; says so where it is malformed instead of raising."""
    try:
        text = request_text(decode_request(pdu)) if request else reply_text(decode_reply(pdu))
    except ProtocolError as error:
        text = f"malformed: {error}"
    return f"{text}, unit {unit}"


def frame_text(data: bytes, *, request: bool) -> str:
    """One MBAP frame in words; says so where it is malformed or cut instead of raising."""
    splitter = FrameSplitter()
    try:
        for frame in splitter.feed(data):
            return f"{pdu_text(frame.unit, frame.pdu, request=request)}, id {frame.transaction}"
    except ProtocolError as error:
        return f"malformed: {error}"
    return f"cut frame of {len(data)} bytes" if len(data) >= HEADER_SIZE else f"{len(data)} bytes, less than a header"


def _span(address: int, count: int) -> str:
    return f"{address}" if count == 1 else f"{address}..{address + count - 1}"
