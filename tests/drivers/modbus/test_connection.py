"""One connection against a scripted other end: order, cuts, exceptions, time, the end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sereno.client import TraceLine
from sereno.device import Environment
from sereno.drivers.modbus.endpoint import TcpEndpoint
from sereno.drivers.modbus.link import TcpLink
from sereno.drivers.modbus.protocol import (
    ExceptionReply,
    Read,
    WriteRegister,
    WriteReply,
    decode_request,
    encode_frame,
)
from sereno.model import ExpiredError, LinkState, NoAnswerError, NotConnectedError, RefusedError
from tests.drivers.modbus.rig import Other, exchange_of, reply_to, start, whole


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


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
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


async def test_a_write_that_is_barred_behind_a_scan_never_goes_out(other: Other) -> None:
    barred = False

    def check() -> None:
        if barred:
            raise RefusedError("the interlock is false by now")

    scan = await start(other.link, exchange_of(2))
    late = asyncio.create_task(other.link.request(1, WriteRegister(7, 9), 1.0, None, check))
    free = asyncio.create_task(other.link.request(1, WriteRegister(8, 9), 1.0))
    await asyncio.sleep(0)
    barred = True
    order = []
    for _ in range(3):
        (frame,) = other.asked()
        order.append(decode_request(frame.pdu))
        other.say(reply_to(frame))
    with pytest.raises(RefusedError, match="false by now"):
        await late
    await asyncio.gather(scan, free)
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
