"""Frames in words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.modbus.protocol import (
    DataReply,
    ExceptionReply,
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
    encode_frame,
)
from sereno.drivers.modbus.words import frame_text, pdu_text, reply_text, request_text


@pytest.mark.parametrize(
    ("request_value", "text"),
    [
        (Read(3, 100, 50), "read holding 100..149"),
        (Read(1, 7, 1), "read coil 7"),
        (Read(2, 0, 2), "read discrete 0..1"),
        (Read(4, 3, 1), "read input 3"),
        (WriteCoil(3, True), "write coil 3 = 1"),
        (WriteRegister(4, 17), "write holding 4 = 17"),
        (WriteCoils(0, (True, False)), "write coil 0..1"),
        (WriteRegisters(9, b"\0\0\0\0"), "write holding 9..10"),
        (MaskWrite(5, 0xFFF7, 8), "mask write holding 5 and 0xfff7 or 0x0008"),
        (ReadWrite(1, 2, 3, b"\0\0"), "write holding 3, read holding 1..2"),
    ],
)
def test_requests(request_value: Request, text: str) -> None:
    assert request_text(request_value) == text
    assert frame_text(encode_frame(7, 1, request_value.encode()), request=True) == f"{text}, unit 1, id 7"


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (DataReply(3, b"\0\0"), "1 registers"),
        (DataReply(1, b"\0"), "1 bytes of coil bits"),
        (WriteReply(6, 4, 17), "holding 4 written"),
        (WriteReply(5, 4, 0), "coil 4 written"),
        (MaskReply(5, 0, 0), "holding 5 mask written"),
        (ExceptionReply(3, 2), "refused read holding: 02 illegal data address"),
        (ExceptionReply(16, 4), "refused write holding: 04 device failure"),
    ],
)
def test_replies(reply: Reply, text: str) -> None:
    assert reply_text(reply) == text
    assert pdu_text(3, reply.encode(), request=False) == f"{text}, unit 3"


def test_what_is_no_frame_is_said_too() -> None:
    assert frame_text(b"\0\1\0", request=True) == "3 bytes, less than a header"
    assert frame_text(bytes.fromhex("0001 0000 0006 01 03"), request=True) == "cut frame of 8 bytes"
    assert "expected 0" in frame_text(b"GET / HTTP/1.1\r\n", request=False)
    assert frame_text(bytes.fromhex("0001 0000 0002 01 2B"), request=True).startswith("malformed: function 43")


@given(st.binary(max_size=30), st.booleans())
def test_noise_never_raises(noise: bytes, request_side: bool) -> None:
    assert frame_text(noise, request=request_side)
