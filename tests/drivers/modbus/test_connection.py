"""One connection against a scripted other end: order, cuts, exceptions, lies, time-outs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sereno.client import TraceLine
from sereno.device import Environment
from sereno.drivers.modbus.endpoint import TcpEndpoint
from sereno.drivers.modbus.exchange import Exchange, Requests, compile_step
from sereno.drivers.modbus.link import TcpLink
from sereno.drivers.modbus.protocol import (
    DataReply,
    ExceptionReply,
    FrameSplitter,
    Read,
    WriteRegister,
    WriteReply,
    decode_request,
    encode_frame,
)
from sereno.model import ExpiredError, LinkState, NoAnswerError, NotConnectedError


def registers(start: int, count: int) -> bytes:
    """What a well-behaved device holds: each register its own address."""
    return b"".join(i.to_bytes(2, "big") for i in range(start, start + count))


def reply_to(frame: Any, *, shift: int = 0) -> bytes:
    request = decode_request(frame.pdu)
    if isinstance(request, Read):
        return encode_frame(
            frame.transaction, frame.unit, DataReply(3, registers(request.address + shift, request.count)).encode()
        )
    assert isinstance(request, WriteRegister)
    return encode_frame(frame.transaction, frame.unit, WriteReply(6, request.address, request.value).encode())


def exchange_of(blocks: int, *, depth: int = 1, timeout: float = 1.0, size: int = 3) -> Exchange:
    steps, at = [], 0
    for i in range(blocks):
        steps.append(compile_step(1, Read(3, 100 * i, size), at))
        at = steps[-1].stop
    return Exchange(Requests(steps), bytearray(at), timeout, depth)


def whole(blocks: int, size: int = 3) -> bytes:
    return b"".join(registers(100 * i, size) for i in range(blocks))


class Other:
    """The other end of a link."""

    def __init__(self, link: TcpLink, transport: Any) -> None:
        self.link = link
        self.transport = transport
        self._splitter = FrameSplitter()

    def asked(self) -> list[Any]:
        """The requests since the last look."""
        return list(self._splitter.feed(self.transport.take()))

    def say(self, data: bytes) -> None:
        self.transport.say(data)


@pytest.fixture
async def other(environment: Environment, transports: Any) -> Other:
    link = TcpLink(TcpEndpoint("plc", 502), environment)
    await link.connect()
    return Other(link, transports.made[-1])


async def start(link: TcpLink, exchange: Exchange) -> asyncio.Task[None]:
    task = asyncio.create_task(link.run(exchange))
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
async def test_never_more_requests_than_the_depth(other: Other, depth: int) -> None:
    exchange = exchange_of(7, depth=depth)
    task = await start(other.link, exchange)
    answered = 0
    while not task.done():
        frames = other.asked()
        assert 0 < len(frames) <= depth
        answered += len(frames)
        other.say(b"".join(reply_to(f) for f in frames))
        await asyncio.sleep(0)
    assert answered == 7
    assert bytes(exchange.payload) == whole(7)
    assert other.link.counters["requests"] == other.link.counters["replies"] == 7
    assert other.link.counters["bytes_out"] == 7 * 12
    assert other.link.counters["bytes_in"] == 7 * (9 + 6)


async def test_with_answers_one_by_one_the_window_stays_full(other: Other) -> None:
    exchange = exchange_of(6, depth=3)
    task = await start(other.link, exchange)
    frames = other.asked()
    for _ in range(6):
        other.say(reply_to(frames.pop(0)))
        frames += other.asked()
        assert len(frames) <= 3
    await task
    assert bytes(exchange.payload) == whole(6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    blocks=st.integers(1, 9),
    depth=st.integers(1, 6),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=60),
)
def test_replies_may_be_cut_and_merged_anywhere(
    blocks: int, depth: int, cuts: list[int], environment: Environment, transports: Any
) -> None:
    async def run() -> None:
        link = TcpLink(TcpEndpoint("plc", 502), environment)
        await link.connect()
        other = Other(link, transports.made[-1])
        exchange = exchange_of(blocks, depth=depth)
        task = await start(link, exchange)
        waiting, pieces = b"", list(cuts)
        while not task.done():
            waiting += b"".join(reply_to(f) for f in other.asked())
            cut = pieces.pop(0) if pieces else 1000
            other.say(waiting[:cut])
            waiting = waiting[cut:]
            await asyncio.sleep(0)
        await task
        assert bytes(exchange.payload) == whole(blocks)
        await link.close()

    asyncio.run(run())


async def test_replies_out_of_order_find_their_place(other: Other) -> None:
    exchange = exchange_of(4, depth=4)
    task = await start(other.link, exchange)
    frames = other.asked()
    other.say(b"".join(reply_to(f) for f in reversed(frames)))
    await task
    assert bytes(exchange.payload) == whole(4)
    assert other.link.counters["reordered"] == 3


@pytest.mark.parametrize("depth", [1, 4])
async def test_an_exception_is_told_and_the_rest_goes_on(other: Other, depth: int) -> None:
    exchange = exchange_of(4, depth=depth)
    task = await start(other.link, exchange)
    seen = 0
    while not task.done():
        replies = b""
        for frame in other.asked():
            refused = encode_frame(frame.transaction, 1, ExceptionReply(3, 2).encode())
            replies += refused if seen == 1 else reply_to(frame)
            seen += 1
        other.say(replies)
        await asyncio.sleep(0)
    assert exchange.exceptions == {1: 2}
    assert bytes(exchange.payload) == whole(1) + b"\0" * 6 + whole(4)[12:]
    assert other.link.counters["exceptions"] == 1


async def test_a_write_goes_before_waiting_scans_and_among_running_ones(other: Other) -> None:
    scan = await start(other.link, exchange_of(3))
    waiting = await start(other.link, exchange_of(1))
    write = asyncio.create_task(other.link.request(1, WriteRegister(7, 9), 1.0))
    await asyncio.sleep(0)
    order = []
    for _ in range(5):
        (frame,) = other.asked()
        order.append(decode_request(frame.pdu))
        other.say(reply_to(frame))
    assert await write == WriteReply(6, 7, 9)
    await asyncio.gather(scan, waiting)
    assert order == [Read(3, 0, 3), WriteRegister(7, 9), Read(3, 100, 3), Read(3, 200, 3), Read(3, 0, 3)]


async def test_a_write_whose_time_ends_behind_a_scan_never_goes_out(other: Other, clock: Any) -> None:
    scan = await start(other.link, exchange_of(2))
    late = asyncio.create_task(other.link.request(1, WriteRegister(7, 9), 1.0, clock.now + 0.5))
    in_time = asyncio.create_task(other.link.request(1, WriteRegister(8, 9), 1.0, clock.now + 5.0))
    await asyncio.sleep(0)
    clock.advance(0.6)
    order = []
    for _ in range(3):
        (frame,) = other.asked()
        order.append(decode_request(frame.pdu))
        other.say(reply_to(frame))
    with pytest.raises(ExpiredError, match="waited for the line"):
        await late
    await asyncio.gather(scan, in_time)
    assert order == [Read(3, 0, 3), WriteRegister(8, 9), Read(3, 100, 3)]


async def test_a_write_while_a_group_is_in_flight(other: Other) -> None:
    exchange = exchange_of(3, depth=4)
    scan = await start(other.link, exchange)
    frames = other.asked()
    write = asyncio.create_task(other.link.request(1, WriteRegister(7, 9), 1.0))
    await asyncio.sleep(0)
    assert other.asked() == [], "a write has depth 1 and waits for its turn"
    other.say(b"".join(reply_to(f) for f in frames))
    (frame,) = other.asked()
    other.say(reply_to(frame))
    assert await write == WriteReply(6, 7, 9)
    await scan


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


async def test_a_new_exchange_does_not_give_a_silent_device_more_time(other: Other, clock: Any) -> None:
    tasks = [await start(other.link, exchange_of(1, timeout=1.0))]
    for _ in range(4):
        clock.advance(0.3)
        with contextlib.suppress(NotConnectedError):
            tasks.append(await start(other.link, exchange_of(1, timeout=1.0)))
    with pytest.raises(NoAnswerError):
        await tasks[0]
    await asyncio.gather(*tasks, return_exceptions=True)
    assert other.link.counters["timeouts"] == 1


async def test_one_timer_serves_all_requests(other: Other, clock: Any) -> None:
    for _ in range(5):
        task = await start(other.link, exchange_of(1))
        other.say(reply_to(other.asked()[0]))
        await task
        clock.advance(0.1)
    assert clock.armed == 1
    task = await start(other.link, exchange_of(1, timeout=0.05))
    clock.advance(0.06)
    with pytest.raises(NoAnswerError):
        await task
    assert clock.armed == 0


async def test_an_idle_connection_never_times_out(other: Other, clock: Any) -> None:
    task = await start(other.link, exchange_of(1))
    other.say(reply_to(other.asked()[0]))
    await task
    clock.advance(1000.0)
    assert other.link.state is LinkState.UP
    assert clock.armed == 0


async def test_what_was_sent_is_unknown_and_what_was_not_is_not(other: Other) -> None:
    sent = await start(other.link, exchange_of(2))
    waiting = await start(other.link, exchange_of(1))
    other.transport.hang_up(ConnectionResetError("reset by peer"))
    with pytest.raises(NoAnswerError, match="connection lost: reset by peer"):
        await sent
    with pytest.raises(NotConnectedError, match="not sent: connection lost"):
        await waiting


async def test_closing_by_hand_is_no_loss(other: Other) -> None:
    lost: list[str] = []
    other.link.on_lost = lost.append
    task = await start(other.link, exchange_of(1))
    await other.link.close()
    with pytest.raises(NoAnswerError, match="closed by this node"):
        await task
    await asyncio.sleep(0)
    assert lost == []
    await other.link.close()


async def test_a_cancelled_exchange_leaves_its_replies_behind(other: Other) -> None:
    exchange = exchange_of(2)
    payload = exchange.payload
    task = await start(other.link, exchange)
    behind = await start(other.link, exchange_of(1))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    other.say(reply_to(other.asked()[0]))
    (frame,) = other.asked()
    assert decode_request(frame.pdu) == Read(3, 0, 3), "the second step of the cancelled one was not sent"
    other.say(reply_to(frame))
    await behind
    assert bytes(payload) == bytes(12)
    assert not other.transport.closed


async def test_ids_wrap_around(other: Other) -> None:
    connection = other.link._connection
    assert connection is not None
    for last in (0xFFFD, 0xFFFF, 0x10000 - 4):
        connection._last_id = last
        exchange = exchange_of(5, depth=4)
        task = await start(other.link, exchange)
        while not task.done():
            other.say(b"".join(reply_to(f) for f in other.asked()))
            await asyncio.sleep(0)
        assert bytes(exchange.payload) == whole(5)


@pytest.mark.parametrize("depth", [1, 4])
async def test_taps_see_every_frame(other: Other, depth: int) -> None:
    lines: list[TraceLine] = []
    other.link.taps.add(lines.append)
    task = await start(other.link, exchange_of(2, depth=depth))
    while not task.done():
        other.say(b"".join(reply_to(f) for f in other.asked()))
        await asyncio.sleep(0)
    texts = sorted((line.direction, line.text.partition(", id")[0]) for line in lines)
    assert texts == [
        ("rx", "3 registers, unit 1"),
        ("rx", "3 registers, unit 1"),
        ("tx", "read holding 0..2, unit 1"),
        ("tx", "read holding 100..102, unit 1"),
    ]
    assert {len(line.data) for line in lines} == {12, 15}
    task = await start(other.link, exchange_of(1))
    other.say(b"nonsense")
    other.say(b"nonsense")
    assert lines[-1].direction == "rx"
    assert lines[-1].text.startswith("malformed")
    with pytest.raises(NoAnswerError):
        await task


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
