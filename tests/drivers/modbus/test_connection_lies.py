"""Devices that lie or dawdle: no wrong value is ever good, and the connection is not used again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sereno.device import Environment
from sereno.drivers.modbus.endpoint import TcpEndpoint
from sereno.drivers.modbus.link import TcpLink
from sereno.drivers.modbus.protocol import (
    DataReply,
    ExceptionReply,
    encode_frame,
)
from sereno.model import LinkState, NoAnswerError, NotConnectedError
from tests.drivers.modbus.rig import Other, exchange_of, registers, reply_to, start, whole

Lie = Callable[[list[Any]], bytes]


def wrong_id(frames: list[Any]) -> bytes:
    return b"".join(reply_to(f._replace(transaction=(f.transaction + 100) & 0xFFFF)) for f in frames)


def wrong_unit(frames: list[Any]) -> bytes:
    return b"".join(reply_to(f._replace(unit=9)) for f in frames)


def wrong_function(frames: list[Any]) -> bytes:
    return encode_frame(frames[0].transaction, 1, DataReply(4, registers(0, 3)).encode())


def wrong_length(frames: list[Any]) -> bytes:
    return encode_frame(frames[0].transaction, 1, DataReply(3, registers(0, 2)).encode())


def wrong_exception(frames: list[Any]) -> bytes:
    return encode_frame(frames[0].transaction, 1, ExceptionReply(4, 2).encode())


def inner_length(frames: list[Any]) -> bytes:
    good = bytearray(reply_to(frames[0]))
    good[8] = 4
    return bytes(good)


def no_modbus(frames: list[Any]) -> bytes:
    return b"HTTP/1.1 400 Bad Request\r\n\r\n"


def endless(frames: list[Any]) -> bytes:
    return frames[0].transaction.to_bytes(2, "big") + b"\0\0\xff\xff\1\3" + bytes(300)


def repeated(frames: list[Any]) -> bytes:
    return b"".join(reply_to(f) for f in frames) + reply_to(frames[0])


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize(
    "lie",
    [wrong_id, wrong_unit, wrong_function, wrong_length, wrong_exception, inner_length, no_modbus, endless],
    ids=lambda f: f.__name__,
)
async def test_a_lie_ends_the_connection(other: Other, depth: int, lie: Lie) -> None:
    lost: list[str] = []
    other.link.on_lost = lost.append
    exchange = exchange_of(5, depth=depth)
    task = await start(other.link, exchange)
    other.say(lie(other.asked()))
    with pytest.raises(NoAnswerError, match="the device sent"):
        await task
    assert len(lost) == 1
    assert other.transport.closed
    assert other.link.state is LinkState.DOWN
    with pytest.raises(NotConnectedError, match="not sent"):
        await other.link.run(exchange_of(1))


@pytest.mark.parametrize("depth", [1, 3])
async def test_a_reply_that_comes_twice_ends_the_connection_after_the_right_value(other: Other, depth: int) -> None:
    exchange = exchange_of(depth, depth=depth)
    task = await start(other.link, exchange)
    other.say(repeated(other.asked()))
    await task
    assert bytes(exchange.payload) == whole(depth)
    assert other.transport.closed


async def test_bytes_that_nobody_asked_for_end_the_connection(other: Other) -> None:
    lost: list[str] = []
    other.link.on_lost = lost.append
    other.say(b"\0")
    assert lost == ["the device sent bytes that nobody asked for (1 bytes, less than a header)"]


@pytest.mark.parametrize("depth", [1, 4])
async def test_a_time_out_ends_the_connection_and_its_late_reply_reaches_nobody(
    other: Other, clock: Any, transports: Any, depth: int
) -> None:
    lost: list[str] = []
    other.link.on_lost = lost.append
    exchange = exchange_of(4, depth=depth, timeout=2.0)
    task = await start(other.link, exchange)
    late = b"".join(reply_to(f, shift=5000) for f in other.asked())
    clock.advance(1.9)
    assert lost == []
    clock.advance(0.2)
    with pytest.raises(NoAnswerError, match=r"no answer within 2 s to read holding 0\.\.2, unit 1"):
        await task
    assert lost == ["no answer within 2 s to read holding 0..2, unit 1"]
    assert other.link.counters["timeouts"] == 1
    await other.link.connect()
    again = exchange_of(4, depth=depth)
    task = await start(other.link, again)
    other.transport.protocol.data_received(late)
    fresh = Other(other.link, transports.made[-1])
    while not task.done():
        fresh.say(b"".join(reply_to(f) for f in fresh.asked()))
        await asyncio.sleep(0)
    await task
    assert bytes(again.payload) == whole(4)
    assert bytes(exchange.payload) == bytes(len(exchange.payload)), "nothing late was stored anywhere"


async def test_each_reply_moves_the_deadline_but_dribbled_bytes_do_not(other: Other, clock: Any) -> None:
    task = await start(other.link, exchange_of(3, timeout=1.0))
    for _ in range(2):
        clock.advance(0.9)
        other.say(reply_to(other.asked()[0]))
    reply = reply_to(other.asked()[0])
    for byte in reply[:11]:
        other.say(bytes((byte,)))
        clock.advance(0.1)
    with pytest.raises(NoAnswerError, match="no answer within 1 s"):
        await task


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    blocks=st.integers(1, 6),
    depth=st.integers(1, 4),
    victim=st.integers(0, 5),
    place=st.integers(0, 8),
    value=st.integers(0, 255),
)
def test_whatever_byte_of_a_header_is_wrong_no_wrong_value_is_good(
    blocks: int, depth: int, victim: int, place: int, value: int, environment: Environment, transports: Any, clock: Any
) -> None:
    async def run() -> None:
        link = TcpLink(TcpEndpoint("plc", 502), environment)
        await link.connect()
        other = Other(link, transports.made[-1])
        exchange = exchange_of(blocks, depth=depth)
        task = await start(link, exchange)
        seen = 0
        while not task.done():
            replies = b""
            for frame in other.asked():
                reply = bytearray(reply_to(frame))
                if seen == victim:
                    reply[place] = value
                replies += reply
                seen += 1
            if replies:
                other.say(replies)
            else:
                clock.advance(5.0)
            await asyncio.sleep(0)
        if task.exception() is None:
            assert exchange.exceptions == {}
            assert bytes(exchange.payload) == whole(blocks)
        else:
            assert isinstance(task.exception(), NoAnswerError)
            assert other.transport.closed
        await link.close()

    asyncio.run(run())
