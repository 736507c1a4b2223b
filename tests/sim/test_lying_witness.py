"""The witness: what a perfect client takes, condemns, and never uses again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.drivers.modbus.protocol import (
    DataReply,
    MaskWrite,
    Read,
    ReadWrite,
    WriteCoil,
    WriteCoils,
    WriteRegister,
    WriteRegisters,
    decode_reply,
    encode_frame,
    reply_size,
)
from sereno.sim.lying import LyingServer
from sereno.sim.lying_lies import Liar
from sereno.sim.lying_memory import CodedMemory
from sereno.sim.lying_witness import Asked, Conversation, Witness, fits
from sereno.testing import JumpingClock, MemoryTransports, jumping

READ = Read(3, 10, 2)
GOOD = DataReply(3, b"\1\2\3\4").encode()


def conversation(clock: JumpingClock | None = None) -> Conversation:
    return Conversation(Witness(MemoryTransports(), clock or JumpingClock(), patience=1.0, slack=0.1))


def asked(number: int = 1) -> bytes:
    return encode_frame(number, 1, READ.encode())


REQUESTS = [
    READ, Read(1, 0, 9), Read(2, 0, 16), Read(4, 0, 125), WriteCoil(1, True), WriteCoils(1, (True,) * 9),
    WriteRegister(1, 9), WriteRegisters(1, b"\0\1\0\2"), MaskWrite(1, 2, 3),
]  # fmt: skip


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: type(r).__name__ + str(r.function))
def test_only_a_reply_of_the_right_shape_fits(request_: Any) -> None:
    pdu = request_.encode()
    size = reply_size(request_)
    is_read = isinstance(request_, Read)
    good = bytes((pdu[0], size - 2)) + bytes(size - 2) if is_read else pdu[:size]
    assert fits(pdu, good)
    decode_reply(good)
    assert fits(pdu, bytes((pdu[0] | 0x80, 4)))
    assert not fits(pdu, bytes((pdu[0] | 0x80, 4, 0)))
    assert not fits(pdu, good + b"\0")
    assert not fits(pdu, good[:-1])
    assert not fits(pdu, bytes((pdu[0] ^ 1,)) + good[1:])
    assert fits(pdu, good[:-1] + bytes((good[-1] ^ 1,))) is is_read


def test_read_write_is_judged_by_its_count() -> None:
    assert fits(ReadWrite(0, 3, 9, b"\0\1").encode(), b"\x17\6" + bytes(6))


def test_a_reply_in_any_order_and_in_any_pieces_is_taken() -> None:
    talk = conversation()
    talk.wrote(asked(1) + asked(2))
    first, second = list(talk.outstanding.values())
    for byte in encode_frame(2, 1, GOOD) + encode_frame(1, 1, b"\x83\2"):
        talk.got(bytes((byte,)))
    assert (first.taken, second.taken) == (b"\x83\2", GOOD)
    assert not talk.condemned
    assert not talk.outstanding


@given(data=st.binary(min_size=9, max_size=60), cuts=st.lists(st.integers(1, 20), max_size=8))
def test_pieces_do_not_change_the_judgement(data: bytes, cuts: list[int]) -> None:
    whole, parts = conversation(), conversation()
    for talk in (whole, parts):
        talk.wrote(asked(1) + asked(2))
    whole.got(data)
    rest = data
    for cut in cuts:
        parts.got(rest[:cut])
        rest = rest[cut:]
    parts.got(rest)
    assert whole.condemned == parts.condemned


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (encode_frame(3, 1, GOOD), "id that nobody waits for"),
        (encode_frame(1, 2, GOOD), "does not fit"),
        (encode_frame(1, 1, b"\4" + GOOD[1:]), "does not fit"),
        (encode_frame(1, 1, DataReply(3, b"\1\2").encode()), "does not fit"),
        (b"HTTP/1.1 400", "no Modbus"),
        (b"\0\1\0\0\xff\xff\1\3\4\1\2", "no Modbus"),
        (encode_frame(1, 1, GOOD) + b"\0", "nobody asked for"),
        (encode_frame(1, 1, GOOD) * 2, "nobody asked for"),
    ],
)
def test_what_no_honest_device_sends_condemns_the_connection(stream: bytes, why: str) -> None:
    talk = conversation()
    talk.wrote(asked(1))
    talk.got(stream)
    assert why in talk.condemned
    talk.wrote(asked(2))
    witness = talk._witness
    assert why in witness.reused[0].reason
    assert (witness.counters["condemned"], witness.counters["reused"]) == (1, 1)
    late = talk.outstanding[2]
    talk.got(encode_frame(2, 1, GOOD))
    assert late.taken is None


def test_fewer_bytes_than_the_smallest_reply_are_no_reason_yet() -> None:
    talk = conversation()
    talk.wrote(asked(1))
    talk.got(b"\xff" * 8)
    assert not talk.condemned
    talk.got(b"\xff")
    assert talk.condemned


def test_a_connection_is_not_to_be_used_after_the_clients_own_time_out() -> None:
    clock = JumpingClock()
    talk = conversation(clock)
    talk.wrote(asked(1))
    clock.advance(1.0)
    talk.wrote(asked(2))
    assert not talk._witness.reused
    clock.advance(0.2)
    talk.wrote(asked(3))
    assert "1.200 s without an answer" in talk._witness.reused[0].reason


def test_each_reply_gives_the_next_one_its_time() -> None:
    clock = JumpingClock()
    talk = conversation(clock)
    talk.wrote(asked(1) + asked(2))
    clock.advance(0.9)
    talk.got(encode_frame(1, 1, GOOD))
    clock.advance(0.9)
    talk.wrote(asked(3))
    assert not talk._witness.reused


def test_a_confirmed_write_is_remembered_since_when() -> None:
    talk = conversation()
    witness, write = talk._witness, WriteRegister(5, 6).encode()
    talk.wrote(asked(1))
    talk.got(encode_frame(1, 1, GOOD))
    talk.wrote(encode_frame(2, 1, write))
    assert not witness.confirmed(0, 1, write, 0)
    talk.got(encode_frame(2, 1, write))
    assert witness.confirmed(0, 1, write, 1)
    assert not witness.confirmed(0, 1, write, 2)
    assert not witness.confirmed(0, 2, write, 0)


def test_a_refused_write_is_not_confirmed() -> None:
    talk = conversation()
    write = WriteRegister(5, 6).encode()
    talk.wrote(encode_frame(2, 1, write))
    talk.got(encode_frame(2, 1, b"\x86\4"))
    assert not talk._witness.confirmed(0, 1, write, 0)


class Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.data = b""
        self.transport: Any = None
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True


@jumping
async def test_it_stands_between_a_client_and_its_transports_unseen(clock: JumpingClock) -> None:
    requests: list[Asked] = []
    network = MemoryTransports()
    witness = Witness(network, clock, patience=1.0, on_request=requests.append)
    server = LyingServer({1: CodedMemory(1)}, Liar(1), transports=witness, clock=clock)
    await server.start()
    transport, client = await witness.connect(Client, "127.0.0.1", server.port)
    assert isinstance(client, Client)
    await clock.sleep(0.1)
    (connection,) = server.connections
    assert transport.get_extra_info("sockname") == connection._address
    transport.write(asked(1) + asked(2))
    await clock.sleep(0.1)
    assert len(client.data) == 2 * 13
    for place, request in enumerate(requests):
        held = server.truth.held(request.connection, place)
        assert held is not None
        assert (request.place, request.port, request.taken) == (place, server.port, held.reply)
    assert (witness.counters["requests"], witness.counters["taken"], witness.counters["open"]) == (2, 2, 1)
    assert not transport.is_closing()
    transport.abort()
    await clock.sleep(0.1)
    assert client.ended
    assert witness.counters["open"] == 0
    await server.close()
