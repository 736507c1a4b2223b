"""The codec against pymodbus' framer and messages, in both directions, so that a shared mistake cannot cancel out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, bit_message, register_message

from sereno.drivers.modbus.protocol import (
    DataReply,
    ExceptionReply,
    FrameSplitter,
    MaskReply,
    MaskWrite,
    Read,
    ReadWrite,
    Reply,
    Request,
    WriteCoil,
    WriteCoils,
    WriteRegister,
    WriteRegisters,
    WriteReply,
    decode_reply,
    decode_request,
    encode_frame,
    pack_bits,
    pack_registers,
    unpack_registers,
)

words = st.integers(0, 0xFFFF)
ids = st.integers(1, 0xFFFF)
units = st.integers(1, 255)
low = st.integers(0, 60000)
READS = {
    1: bit_message.ReadCoilsRequest,
    2: bit_message.ReadDiscreteInputsRequest,
    3: register_message.ReadHoldingRegistersRequest,
    4: register_message.ReadInputRegistersRequest,
}

requests = st.one_of(
    st.builds(Read, st.sampled_from([1, 2]), low, st.integers(1, 2000)),
    st.builds(Read, st.sampled_from([3, 4]), low, st.integers(1, 125)),
    st.builds(WriteCoil, low, st.booleans()),
    st.builds(WriteRegister, low, words),
    st.builds(WriteCoils, low, st.lists(st.booleans(), min_size=1, max_size=200).map(tuple)),
    st.builds(WriteRegisters, low, st.lists(words, min_size=1, max_size=123).map(pack_registers)),
    st.builds(MaskWrite, low, words, words),
    st.builds(ReadWrite, low, st.integers(1, 125), low, st.lists(words, min_size=1, max_size=121).map(pack_registers)),
)


def theirs_of(request: Request) -> Any:
    """The same request as a pymodbus message."""
    match request:
        case Read(function, address, count):
            return READS[function](address=address, count=count)
        case WriteCoil(address, value):
            return bit_message.WriteSingleCoilRequest(address=address, bits=[value])
        case WriteRegister(address, value):
            return register_message.WriteSingleRegisterRequest(address=address, registers=[value])
        case WriteCoils(address, values):
            return bit_message.WriteMultipleCoilsRequest(address=address, bits=list(values))
        case WriteRegisters(address, data):
            return register_message.WriteMultipleRegistersRequest(
                address=address, registers=list(unpack_registers(data))
            )
        case MaskWrite(address, and_mask, or_mask):
            return register_message.MaskWriteRegisterRequest(address=address, and_mask=and_mask, or_mask=or_mask)
        case ReadWrite(address, count, write_address, data):
            return register_message.ReadWriteMultipleRegistersRequest(
                read_address=address, read_count=count, write_address=write_address,
                write_registers=list(unpack_registers(data)),
            )  # fmt: skip


def parsed_by_them(frame: bytes, *, as_server: bool) -> Any:
    used, message = FramerSocket(DecodePDU(as_server)).handleFrame(frame, 0, 0)
    assert used == len(frame)
    return message


@given(requests, ids, units)
def test_they_build_the_same_requests(request: Request, transaction: int, unit: int) -> None:
    theirs = theirs_of(request)
    theirs.transaction_id, theirs.dev_id = transaction, unit
    assert FramerSocket(DecodePDU(False)).buildFrame(theirs) == encode_frame(transaction, unit, request.encode())


@given(requests, ids, units)
def test_they_understand_our_requests(request: Request, transaction: int, unit: int) -> None:
    message = parsed_by_them(encode_frame(transaction, unit, request.encode()), as_server=True)
    expected = theirs_of(request)
    assert (message.transaction_id, message.dev_id) == (transaction, unit)
    assert type(message) is type(expected)
    for name in ("address", "registers", "and_mask", "or_mask", "read_address", "read_count", "write_registers"):
        assert list_or_value(message, name) == list_or_value(expected, name), name
    assert list(message.bits)[: len(expected.bits)] == list(expected.bits)


@given(requests, ids, units)
def test_we_understand_their_requests(request: Request, transaction: int, unit: int) -> None:
    theirs = theirs_of(request)
    theirs.transaction_id, theirs.dev_id = transaction, unit
    (frame,) = FrameSplitter().feed(FramerSocket(DecodePDU(False)).buildFrame(theirs))
    assert (frame.transaction, frame.unit) == (transaction, unit)
    assert decode_request(frame.pdu) == request


def list_or_value(message: Any, name: str) -> Any:
    value = getattr(message, name, None)
    return list(value) if isinstance(value, list | tuple) else value


bit_lists = st.lists(st.booleans(), min_size=1, max_size=100)
register_lists = st.lists(words, min_size=1, max_size=125)


def reply_cases() -> st.SearchStrategy[tuple[Reply, Any]]:
    """Pairs of our reply and theirs that say the same."""
    r, b = register_message, bit_message
    registers = {
        3: r.ReadHoldingRegistersResponse,
        4: r.ReadInputRegistersResponse,
        23: r.ReadWriteMultipleRegistersResponse,
    }
    coils = {1: b.ReadCoilsResponse, 2: b.ReadDiscreteInputsResponse}
    return st.one_of(
        st.builds(
            lambda f, v: (DataReply(f, pack_registers(v)), registers[f](registers=v)),
            st.sampled_from([3, 4, 23]),
            register_lists,
        ),
        st.builds(lambda f, v: (DataReply(f, pack_bits(v)), coils[f](bits=v)), st.sampled_from([1, 2]), bit_lists),
        st.builds(
            lambda a, v: (WriteReply(5, a, 0xFF00 if v else 0), b.WriteSingleCoilResponse(address=a, bits=[v])),
            low,
            st.booleans(),
        ),
        st.builds(
            lambda a, v: (WriteReply(6, a, v), r.WriteSingleRegisterResponse(address=a, registers=[v])), low, words
        ),
        st.builds(
            lambda a, n: (WriteReply(15, a, n), b.WriteMultipleCoilsResponse(address=a, count=n)),
            low,
            st.integers(1, 1968),
        ),
        st.builds(
            lambda a, n: (WriteReply(16, a, n), r.WriteMultipleRegistersResponse(address=a, count=n)),
            low,
            st.integers(1, 123),
        ),
        st.builds(
            lambda a, x, o: (MaskReply(a, x, o), r.MaskWriteRegisterResponse(address=a, and_mask=x, or_mask=o)),
            low,
            words,
            words,
        ),
        st.builds(
            lambda f, c: (ExceptionReply(f, c), ExceptionResponse(f, c)),
            st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16, 22, 23]),
            st.sampled_from([1, 2, 3, 4, 5, 6, 8, 10, 11]),
        ),
    )


@given(reply_cases(), ids, units)
def test_they_build_the_same_replies(case: tuple[Reply, Any], transaction: int, unit: int) -> None:
    ours, theirs = case
    theirs.transaction_id, theirs.dev_id = transaction, unit
    frame = FramerSocket(DecodePDU(True)).buildFrame(theirs)
    assert frame == encode_frame(transaction, unit, ours.encode())
    (split,) = FrameSplitter().feed(frame)
    assert decode_reply(split.pdu) == ours


@given(reply_cases(), ids, units)
def test_they_understand_our_replies(case: tuple[Reply, Any], transaction: int, unit: int) -> None:
    ours, theirs = case
    message = parsed_by_them(encode_frame(transaction, unit, ours.encode()), as_server=False)
    assert (message.transaction_id, message.dev_id, message.function_code) == (transaction, unit, theirs.function_code)
    assert list(message.registers) == list(theirs.registers)
    assert list(message.bits)[: len(theirs.bits)] == list(theirs.bits)
    assert message.exception_code == theirs.exception_code


def test_the_comparison_can_fail() -> None:
    ours = encode_frame(1, 1, Read(3, 100, 2).encode())
    theirs = register_message.ReadHoldingRegistersRequest(address=100, count=3, dev_id=1, transaction_id=1)
    with pytest.raises(AssertionError):
        assert FramerSocket(DecodePDU(False)).buildFrame(theirs) == ours
