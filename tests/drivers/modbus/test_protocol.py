"""The codec against the worked examples of the specification, against its limits, and against noise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.modbus.protocol import (
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
    WriteReply,
    check_reply,
    decode_reply,
    decode_request,
    encode_frame,
    exception_text,
    pack_bits,
    pack_registers,
    reply_size,
    unpack_bits,
    unpack_registers,
)


def bits(text: str) -> tuple[bool, ...]:
    return tuple(c == "1" for c in text)


# Modbus Application Protocol Specification V1.1b3, examples of 6.1 to 6.17: request, its meaning, reply, its meaning
EXAMPLES: list[tuple[str, Request, str, Reply]] = [
    ("01 0013 0013", Read(1, 19, 19), "01 03 CD6B05", DataReply(1, b"\xcd\x6b\x05")),
    ("02 00C4 0016", Read(2, 196, 22), "02 03 ACDB35", DataReply(2, b"\xac\xdb\x35")),
    ("03 006B 0003", Read(3, 107, 3), "03 06 022B 0000 0064", DataReply(3, pack_registers([555, 0, 100]))),
    ("04 0008 0001", Read(4, 8, 1), "04 02 000A", DataReply(4, pack_registers([10]))),
    ("05 00AC FF00", WriteCoil(172, True), "05 00AC FF00", WriteReply(5, 172, 0xFF00)),
    ("06 0001 0003", WriteRegister(1, 3), "06 0001 0003", WriteReply(6, 1, 3)),
    ("0F 0013 000A 02 CD01", WriteCoils(19, bits("1011001110")), "0F 0013 000A", WriteReply(15, 19, 10)),
    ("10 0001 0002 04 000A 0102", WriteRegisters(1, b"\0\x0a\1\2"), "10 0001 0002", WriteReply(16, 1, 2)),
    ("16 0004 00F2 0025", MaskWrite(4, 0xF2, 0x25), "16 0004 00F2 0025", MaskReply(4, 0xF2, 0x25)),
    (
        "17 0003 0006 000E 0003 06 00FF 00FF 00FF",
        ReadWrite(3, 6, 14, pack_registers([255, 255, 255])),
        "17 0C 00FE 0ACD 0001 0003 000D 00FF",
        DataReply(23, pack_registers([0xFE, 0xACD, 1, 3, 13, 255])),
    ),
]


@pytest.mark.parametrize(("request_hex", "request_value", "reply_hex", "reply_value"), EXAMPLES)
def test_examples_of_the_specification(
    request_hex: str, request_value: Request, reply_hex: str, reply_value: Reply
) -> None:
    assert request_value.encode() == bytes.fromhex(request_hex)
    assert decode_request(bytes.fromhex(request_hex)) == request_value
    assert reply_value.encode() == bytes.fromhex(reply_hex)
    assert decode_reply(bytes.fromhex(reply_hex)) == reply_value
    assert reply_size(request_value) == len(bytes.fromhex(reply_hex))
    check_reply(request_value, reply_value)


def test_exception_example() -> None:
    reply = decode_reply(bytes.fromhex("81 02"))
    assert reply == ExceptionReply(1, 2)
    assert reply.encode() == bytes.fromhex("81 02")
    assert exception_text(2) == "02 illegal data address"
    assert exception_text(77) == "77 unknown exception"
    check_reply(Read(1, 0, 1), reply)


def test_captured_frames() -> None:
    # a read of register 4 with transaction 0x1501, and its answer, as in the messaging guide
    stream = bytes.fromhex("1501 0000 0006 FF 03 0004 0001") + bytes.fromhex("1501 0000 0005 FF 03 02 0005")
    splitter = FrameSplitter()
    asked, answered = splitter.feed(stream)
    assert (asked.transaction, asked.unit, decode_request(asked.pdu)) == (0x1501, 255, Read(3, 4, 1))
    assert (answered.transaction, answered.unit) == (0x1501, 255)
    assert decode_reply(answered.pdu) == DataReply(3, b"\0\5")
    assert encode_frame(0x1501, 255, Read(3, 4, 1).encode()) == stream[:12]
    assert splitter.pending == 0


def test_a_mask_write_of_the_specification_does_what_it_says() -> None:
    # 6.16: contents 0x12, and mask 0xF2, or mask 0x25 give 0x17
    mask = MaskWrite(4, 0xF2, 0x25)
    assert (0x12 & mask.and_mask) | (mask.or_mask & ~mask.and_mask) == 0x17


@pytest.mark.parametrize(
    "request_value",
    [
        Read(1, 0, 2001),
        Read(3, 0, 126),
        Read(3, 0, 0),
        Read(3, 65535, 2),
        Read(3, -1, 1),
        WriteRegister(0, 65536),
        WriteRegister(65536, 0),
        WriteCoil(-1, True),
        WriteCoils(0, (True,) * 1969),
        WriteCoils(0, ()),
        WriteRegisters(0, b"\0" * 248),
        WriteRegisters(0, b"\0"),
        MaskWrite(0, -1, 0),
        ReadWrite(0, 126, 0, b"\0\0"),
        ReadWrite(0, 1, 0, b"\0" * 244),
    ],
)
def test_limits_of_requests(request_value: Request) -> None:
    with pytest.raises(ValueError, match="expected"):
        request_value.encode()


def test_the_largest_requests_are_allowed() -> None:
    largest = [
        Read(1, 0, 2000),
        Read(4, 65411, 125),
        WriteCoils(0, (True,) * 1968),
        WriteRegisters(65413, b"\1" * 246),
        ReadWrite(0, 125, 0, b"\2" * 242),
    ]
    for request in largest:
        assert decode_request(request.encode()) == request
        assert len(request.encode()) <= 253


@pytest.mark.parametrize(
    ("pdu", "exception"),
    [
        ("", 1),
        ("07", 1),
        ("83 02", 1),
        ("03 0000", 3),
        ("03 0000 0001 00", 3),
        ("03 0000 007E", 3),
        ("01 0000 07D1", 3),
        ("05 0000 0001", 3),
        ("0F 0000 0009 01 FF", 3),
        ("0F 0000 0008 01", 3),
        ("10 0000 0001 04 0000 0000", 3),
        ("10 0000 007C F8", 3),
        ("10 0000 0001 02 00", 3),
        ("16 0000 0000", 3),
        ("17 0000 0001 0000 0001 02", 3),
        ("17 0000 0000 0000 0001 02 0000", 3),
    ],
)
def test_bad_requests_name_the_exception_to_answer(pdu: str, exception: int) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode_request(bytes.fromhex(pdu))
    assert caught.value.exception == exception
    assert str(caught.value)


@pytest.mark.parametrize(
    "pdu", ["", "03", "03 02 00", "03 03 000000", "03 00", "01 00", "05 00", "83", "83 02 00", "2B 00", "16 00"]
)
def test_bad_replies(pdu: str) -> None:
    with pytest.raises(ProtocolError):
        decode_reply(bytes.fromhex(pdu))


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (Read(3, 0, 2), DataReply(3, b"\0\0")),
        (Read(3, 0, 2), DataReply(4, b"\0" * 4)),
        (Read(1, 0, 9), DataReply(1, b"\0")),
        (WriteRegister(1, 3), WriteReply(6, 1, 4)),
        (WriteRegister(1, 3), WriteReply(6, 2, 3)),
        (WriteRegisters(1, b"\0\0"), WriteReply(16, 1, 2)),
        (WriteCoil(1, True), WriteReply(5, 1, 0)),
        (MaskWrite(1, 2, 3), MaskReply(1, 2, 4)),
        (Read(3, 0, 2), ExceptionReply(4, 2)),
    ],
)
def test_replies_that_answer_something_else(asked: Request, answered: Reply) -> None:
    with pytest.raises(ProtocolError):
        check_reply(asked, answered)


@pytest.mark.parametrize("header", ["0001 0001 0006 01", "0001 0000 0001 01", "0001 0000 00FF 01", "0001 0000 FFFF 01"])
def test_the_splitter_refuses_what_is_not_modbus(header: str) -> None:
    good = encode_frame(1, 1, b"\x03\x02\0\0")
    frames = FrameSplitter().feed(good + bytes.fromhex(header) + b"\0" * 300)
    assert next(frames).pdu == b"\x03\x02\0\0"
    with pytest.raises(ProtocolError, match="expected"):
        next(frames)


frames = st.tuples(st.integers(0, 0xFFFF), st.integers(0, 255), st.binary(min_size=1, max_size=253))


@given(st.lists(frames, max_size=8), st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_the_splitter_finds_the_same_frames_however_the_stream_is_cut(
    sent: list[tuple[int, int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(encode_frame(*frame) for frame in sent)
    splitter = FrameSplitter()
    found = []
    for cut in cuts:
        found += list(splitter.feed(stream[:cut]))
        stream = stream[cut:]
    found += list(splitter.feed(stream))
    assert [tuple(frame) for frame in found] == sent
    assert splitter.pending == 0


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_noise_at_the_splitter_raises_only_the_declared_error(chunks: list[bytes]) -> None:
    splitter = FrameSplitter()
    try:
        for chunk in chunks:
            list(splitter.feed(chunk))
    except ProtocolError:
        pass


@given(st.binary(max_size=260))
def test_noise_at_the_parsers_raises_only_the_declared_error(noise: bytes) -> None:
    for parse in (decode_request, decode_reply):
        try:
            parsed = parse(noise)
        except ProtocolError:
            continue
        assert parsed.function == (noise[0] & 0x7F if isinstance(parsed, ExceptionReply) else noise[0])


@given(st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 0x81, 0x83]), st.binary(max_size=20))
def test_what_parses_encodes_to_the_same_bytes(function: int, rest: bytes) -> None:
    pdu = bytes((function,)) + rest
    for parse in (decode_request, decode_reply):
        try:
            parsed = parse(pdu)
        except ProtocolError:
            continue
        try:
            again = parsed.encode()
        except ValueError:
            continue  # an address beyond 65535: a server answers it with exception 2
        if function != 15:  # the padding of the last byte is not kept
            assert again == pdu


@given(st.lists(st.booleans(), max_size=40))
def test_bits_round_trip(values: list[bool]) -> None:
    assert list(unpack_bits(pack_bits(values), len(values))) == values


@given(st.lists(st.integers(0, 0xFFFF), max_size=40))
def test_registers_round_trip(values: list[int]) -> None:
    assert list(unpack_registers(pack_registers(values))) == values


def test_registers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 0 to 65535"):
        pack_registers([1, 70000])
