"""How many requests a server takes at once: the machine alone, against servers that cannot, and pymodbus' own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from sereno.device import DeviceConfig, DeviceSet, DeviceTag, DriverTag, Environment, GroupConfig, RetryConfig
from sereno.drivers.modbus.driver import ModbusDriver
from sereno.drivers.modbus.pipelining import HIGHEST, LOSSES, PROOF, WINDOW, Pipelining
from sereno.drivers.modbus.protocol import FrameSplitter
from sereno.drivers.modbus.tags import ModbusConfig
from sereno.hub.hub import Hub
from sereno.model import SystemClock
from sereno.testing import JumpingClock, MemoryTransports, jumping
from tests.drivers.modbus.conftest import Starter, make_tag
from tests.drivers.modbus.rig import reply_to

BLOCKS = 12


def proven(depth: int = HIGHEST) -> Pipelining:
    found = Pipelining()
    while found.depth < depth:
        found.answered(BLOCKS)
    for _ in range(PROOF):
        found.answered(BLOCKS)
    return found


# the machine


def test_it_goes_up_step_by_step() -> None:
    found, seen = Pipelining(), []
    for _ in range(1 + 4 * PROOF):
        seen.append(found.depth)
        found.answered(BLOCKS)
    assert seen == [1, *[2] * PROOF, *[4] * PROOF, *[8] * (2 * PROOF)]
    assert found.reason == ""


def test_exchanges_that_are_too_small_prove_nothing() -> None:
    found = Pipelining()
    for _ in range(100):
        found.answered(1)
    assert found.depth == 2


@pytest.mark.parametrize("depth", [2, 4, 8])
def test_a_loss_on_trial_settles_it_at_what_was_proven(depth: int) -> None:
    found = Pipelining()
    while found.depth < depth:
        found.answered(BLOCKS)
    assert found.lost(0.0, depth, "no answer")
    assert found.depth == 1
    for _ in range(100):
        found.answered(BLOCKS)
    assert (found.depth, found.reason) == (depth // 2, "no answer")


def test_a_broken_cable_is_not_held_against_a_proven_depth() -> None:
    found = proven()
    assert not found.lost(0.0, 8, "connection lost")
    assert found.depth == 1
    for _ in range(1 + 3 * PROOF):
        found.answered(BLOCKS)
    assert (found.depth, found.reason) == (8, "")


def test_losses_one_after_another_are_no_coincidence() -> None:
    found = proven()
    for i in range(LOSSES):
        assert found.lost(100.0 * i, 8, "no answer") is (i == LOSSES - 1)
        if i < LOSSES - 1:
            for _ in range(1 + 4 * PROOF):
                found.answered(BLOCKS)
    for _ in range(100):
        found.answered(BLOCKS)
    assert found.depth == 1


def test_losses_far_apart_are() -> None:
    found = proven()
    for i in range(10):
        assert not found.lost(WINDOW * i, 8, "no answer")
        for _ in range(1 + 4 * PROOF):
            found.answered(BLOCKS)
        assert found.depth == 8


def test_with_one_request_on_the_way_nothing_is_learnt() -> None:
    found = proven()
    for i in range(10):
        assert not found.lost(float(i), 1, "no answer")
    assert found.reason == ""


def test_disorder_settles_it_at_once_and_is_news_once() -> None:
    found = proven()
    assert found.disordered("overtaken")
    assert not found.disordered("again")
    for _ in range(100):
        found.answered(BLOCKS)
    assert (found.depth, found.reason) == (1, "overtaken")
    assert found.words() == "pipelining: one request at a time, for good: overtaken"


@given(
    st.lists(
        st.one_of(st.tuples(st.just("answered"), st.integers(1, 20)), st.tuples(st.just("lost"), st.integers(0, 8)),
                  st.tuples(st.just("disordered"), st.just(0))),
        max_size=200,
    )
)  # fmt: skip
def test_it_never_goes_above_what_it_settled_for(events: list[tuple[str, int]]) -> None:
    found, t, most = Pipelining(), 0.0, HIGHEST
    for what, together in events:
        t += 1.0
        before = found.depth
        if what == "answered":
            found.answered(together)
            assert found.depth <= 2 * before
        elif what == "lost":
            found.lost(t, min(together, before), "lost")
            assert found.depth == 1
        else:
            found.disordered("disordered")
            most = 1
        assert 1 <= found.depth <= most


# devices that cannot


class Awkward(asyncio.Protocol):
    """A server of one of the kinds that there are: what it does with several requests in one read."""

    def __init__(self, answer: Callable[[list[Any]], bytes], depths: list[int]) -> None:
        self._answer, self._depths = answer, depths
        self._splitter = FrameSplitter()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        frames = list(self._splitter.feed(data))
        self._depths.append(len(frames))
        self._transport.write(self._answer(frames))


def everything(frames: list[Any]) -> bytes:
    return b"".join(map(reply_to, frames))


def only_the_first(frames: list[Any]) -> bytes:
    return reply_to(frames[0])


def backwards(frames: list[Any]) -> bytes:
    return b"".join(map(reply_to, reversed(frames)))


def twice(frames: list[Any]) -> bytes:
    return b"".join(reply_to(frame) * (1 + (len(frames) > 1)) for frame in frames)


def at_most_four(frames: list[Any]) -> bytes:
    return b"".join(map(reply_to, frames[:4]))


def device(port: int, **keys: Any) -> DeviceConfig:
    tags = tuple(DeviceTag(DriverTag(t.spec, t.config)) for t in (_tag(i) for i in range(BLOCKS)))
    own = ModbusConfig(url=f"tcp://127.0.0.1:{port}", gap=0, timeout=0.3, **keys)
    groups = {"default": GroupConfig(0.1, 0.0)}
    retry = RetryConfig(initial=0.01, max=0.05)
    return DeviceConfig(path="plc", driver=ModbusDriver, config=own, groups=groups, tags=tags, retry=retry)


def _tag(i: int) -> DriverTag:
    return make_tag(f"t{i}", "uint16", f"holding:{100 * i}", access="read")


@pytest.mark.parametrize(
    ("answer", "settled", "reason"),
    [
        (everything, 8, ""),
        (only_the_first, 1, "no answer within 0.3 s"),
        (backwards, 1, "overtook"),
        (twice, 1, "comes twice"),
        (at_most_four, 4, "no answer within 0.3 s"),
    ],
)
@jumping
async def test_what_a_server_takes_is_found_out(
    clock: JumpingClock, answer: Callable[[list[Any]], bytes], settled: int, reason: str
) -> None:
    network, hub = MemoryTransports(), Hub(clock)
    depths: list[int] = []
    listener = await network.listen(lambda: Awkward(answer, depths), "127.0.0.1", 0)
    environment = Environment(clock, network, random.Random(1))
    with capture_logs() as logs:
        async with DeviceSet([device(listener.port, pipelining="auto")], hub, environment) as devices:
            await clock.sleep(20.0)
            (remark,) = devices.handlers["plc"].status().remarks
            assert hub.table.value[:BLOCKS].tolist() == [100.0 * i for i in range(BLOCKS)]
            assert max(depths[-20:]) == settled
    told = [entry for entry in logs if entry["event"] == "fewer requests at once from now on"]
    assert len(told) == (1 if reason else 0)
    assert reason in remark
    await listener.close()


@jumping
async def test_a_number_is_taken_at_its_word(clock: JumpingClock) -> None:
    network = MemoryTransports()
    depths: list[int] = []
    listener = await network.listen(lambda: Awkward(backwards, depths), "127.0.0.1", 0)
    environment = Environment(clock, network, random.Random(1))
    async with DeviceSet([device(listener.port, pipelining=6)], Hub(clock), environment) as devices:
        await clock.sleep(5.0)
        status = devices.handlers["plc"].status()
        assert status.remarks == ()
        assert status.counters["reordered"] > 0
    assert max(depths) == 6
    await listener.close()


async def test_pymodbus_server_is_found_out(foreign: Starter) -> None:
    server = await foreign(holding=[(0, 1600)])
    hub = Hub(SystemClock())
    async with DeviceSet([device(server.port, pipelining="auto")], hub) as devices:
        status = devices.handlers["plc"].status
        async with asyncio.timeout(60):
            while "for good" not in "".join(status().remarks) or status().groups[0].stale:
                await asyncio.sleep(0.02)
            scans = status().groups[0].scans
            while status().groups[0].scans < scans + 3:
                await asyncio.sleep(0.02)
    assert "one request at a time" in status().remarks[0]
