"""Requests and replies as the specification prints them (Modbus Application Protocol V1.1b3, section 6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.modbus.protocol import FrameSplitter, ProtocolError, decode_reply, decode_request, encode_frame
from sereno.sim.modbus_answers import answer, is_write, plain_reads
from sereno.sim.registers import RegisterMemory


def _memory() -> RegisterMemory:
    memory = RegisterMemory(words=300, bits=300)
    memory.registers("holding")[107:110] = (0x022B, 0x0000, 0x0064)
    memory.registers("input")[8] = 0x000A
    memory.write_bits(19, [c == "1" for c in "1011001111010110101"])
    memory.bits("discrete")[196:218] = [c == "1" for c in "0011010111011011101011"]
    memory.writes = 0
    return memory


@pytest.mark.parametrize(
    ("request_pdu", "reply"),
    [
        ("01 0013 0013", "01 03 cd6b05"),
        ("02 00c4 0016", "02 03 acdb35"),
        ("03 006b 0003", "03 06 022b00000064"),
        ("04 0008 0001", "04 02 000a"),
        ("05 00ac ff00", "05 00ac ff00"),
        ("06 0001 0003", "06 0001 0003"),
        ("0f 0013 000a 02 cd01", "0f 0013 000a"),
        ("10 0001 0002 04 000a 0102", "10 0001 0002"),
        ("16 0004 00f2 0025", "16 0004 00f2 0025"),
        ("17 0003 0006 000e 0003 06 00ff 00ff 00ff", "17 0c" + " 0000" * 6),
    ],
)
def test_the_examples_of_the_specification(request_pdu, reply):
    memory = _memory()
    assert answer(memory, bytes.fromhex(request_pdu)).hex() == reply.replace(" ", "")
    assert memory.writes == int(is_write(bytes.fromhex(request_pdu)))


def test_writes_land_where_they_were_sent():
    memory = _memory()
    answer(memory, bytes.fromhex("05 0005 ff00"))
    answer(memory, bytes.fromhex("0f 0007 000a 02 cd01"))
    assert memory.read_bits("coil", 5, 12) == b"\x35\x07"
    answer(memory, bytes.fromhex("06 0010 1234"))
    answer(memory, bytes.fromhex("10 0011 0002 04 000a 0102"))
    assert memory.read_words("holding", 16, 3).hex() == "1234000a0102"


def test_a_mask_write_is_and_then_or_without_the_mask():
    memory = _memory()
    memory.registers("holding")[4] = 0x12
    answer(memory, bytes.fromhex("16 0004 00f2 0025"))
    assert memory.registers("holding")[4] == 0x17


def test_read_write_writes_before_it_reads():
    memory = _memory()
    reply = answer(memory, bytes.fromhex("17 0003 0002 0004 0001 02 abcd"))
    assert reply.hex() == "17040000abcd"


@pytest.mark.parametrize(
    ("request_pdu", "reply"),
    [
        ("07", "87 01"),
        ("2b 0e01 00", "ab 01"),
        ("03 012b 0002", "83 02"),
        ("04 ffff 0001", "84 02"),
        ("01 012c 0001", "81 02"),
        ("05 012c ff00", "85 02"),
        ("06 012c 0001", "86 02"),
        ("0f 012b 0002 01 03", "8f 02"),
        ("10 012b 0002 04 00000000", "90 02"),
        ("16 012c 0000 0000", "96 02"),
        ("17 0000 0001 012c 0001 02 0000", "97 02"),
        ("17 012c 0001 0000 0001 02 0000", "97 02"),
        ("03 0000 0000", "83 03"),
        ("03 0000 007e", "83 03"),
        ("01 0000 07d1", "81 03"),
        ("05 0000 1234", "85 03"),
        ("10 0000 0002 03 000000", "90 03"),
        ("10 0000 0002 04 000000", "90 03"),
        ("03 0000", "83 03"),
        ("03 0000 0001 00", "83 03"),
    ],
)
def test_a_bad_request_is_refused_with_its_exception_and_changes_nothing(request_pdu, reply):
    memory = _memory()
    before = memory.read_words("holding", 0, 300)
    assert answer(memory, bytes.fromhex(request_pdu)).hex() == reply.replace(" ", "")
    assert memory.writes == 0
    assert memory.read_words("holding", 0, 300) == before


def test_a_forbidden_range_refuses_every_block_that_touches_it():
    memory = _memory()
    memory.forbid("holding", 100, 10)
    assert answer(memory, bytes.fromhex("03 0060 0004")).hex()[:2] == "03"
    assert answer(memory, bytes.fromhex("03 0060 0005")).hex() == "8302"
    assert answer(memory, bytes.fromhex("06 006d 0001")).hex() == "8602"
    assert answer(memory, bytes.fromhex("06 006e 0001")).hex()[:2] == "06"


@given(st.binary(min_size=1, max_size=253))
def test_whatever_comes_there_is_an_answer_that_a_client_can_read(pdu):
    reply = answer(_memory(), pdu)
    assert 2 <= len(reply) <= 253
    assert reply[0] & 0x7F == pdu[0] & 0x7F
    refusal = _refusal(pdu)
    if refusal is None:
        decode_reply(reply)
    else:
        assert reply == bytes((pdu[0] & 0x7F | 0x80, refusal))


def _refusal(pdu: bytes) -> int | None:
    try:
        decode_request(pdu)
    except ProtocolError as error:
        return error.exception
    return None


REQUESTS = st.tuples(
    st.integers(0, 65535),
    st.sampled_from([1, 1, 1, 9]),
    st.one_of(
        st.builds(
            lambda function, start, count: bytes((function, *divmod(start, 256), *divmod(count, 256))),
            st.sampled_from([1, 3, 3, 4, 4, 6]),
            st.one_of(st.integers(0, 310), st.integers(0, 65535)),
            st.one_of(st.integers(0, 130), st.integers(0, 65535)),
        ),
        st.binary(min_size=1, max_size=12),
    ),
)


@given(st.lists(REQUESTS, max_size=8), st.integers(0, 12))
def test_the_quick_way_answers_exactly_what_the_plain_one_does_and_stops_at_the_rest(requests, cut):
    memory = _memory()
    memory.forbid("holding", 120, 3)
    frames = [encode_frame(*request) for request in requests]
    whole = b"".join(frames)
    data = whole[: max(0, len(whole) - cut)]
    replies: list = []
    count, taken = plain_reads({1: memory}, data, replies)
    assert taken == len(b"".join(frames[:count])) <= len(data)
    expected = b"".join(encode_frame(t, unit, answer(memory, pdu)) for t, unit, pdu in requests[:count])
    assert b"".join(replies) == expected
    assert not any(frame.pdu[0] & 0x80 for frame in FrameSplitter().feed(expected))
    if count < len(requests) and not cut:
        _, unit, pdu = requests[count]
        assert unit != 1 or pdu[0] not in (3, 4) or len(pdu) != 5 or answer(memory, pdu)[0] & 0x80
