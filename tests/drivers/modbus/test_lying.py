"""The driver against a device that lies: what it takes for true, what it drops, and that it comes back."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import Any

import pytest

from sereno.device import Environment
from sereno.drivers.modbus.endpoint import TcpEndpoint
from sereno.drivers.modbus.exchange import Exchange, Requests, compile_step
from sereno.drivers.modbus.link import TcpLink
from sereno.drivers.modbus.protocol import DataReply, ExceptionReply, FrameSplitter, Read, WriteRegister, encode_frame
from sereno.model import DeliveryError, LinkState, NoAnswerError
from sereno.sim.lying import LyingServer
from sereno.sim.lying_lies import GREETINGS, Liar, names
from sereno.sim.lying_memory import CodedMemory
from sereno.sim.lying_witness import Asked, Witness
from sereno.testing import JumpingClock, MemoryTransports, jumping

PATIENCE = 1.0
BLOCKS = ((0, 20), (100, 20), (200, 7), (300, 60))
UNTELLABLE = {"other_registers", "old_registers", "bit_flip", "swapped_ids"}
HONEST = {"slow", "split", "merged", "dribbled"}


class Duel:
    """A link against a lying server, with a witness between them."""

    def __init__(self, clock: JumpingClock, seed: int = 1) -> None:
        self.clock = clock
        self.asked: list[Asked] = []
        network = MemoryTransports()
        self.witness = Witness(network, clock, patience=PATIENCE, slack=0.05, on_request=self.asked.append)
        self.liar = Liar(seed)
        self.server = LyingServer(
            {1: CodedMemory(1, plain=1000), 2: CodedMemory(2)},
            self.liar,
            patience=PATIENCE,
            flood=100_000,
            transports=network,
            clock=clock,
            reset=lambda transport: transport.reset(),  # type: ignore[attr-defined]
        )
        self.environment = Environment(clock, self.witness, random.Random(seed))
        self.untrue = 0

    async def __aenter__(self) -> Duel:
        await self.server.start()
        self.link = TcpLink(TcpEndpoint("127.0.0.1", self.server.port), self.environment)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.link.close()
        await self.server.close()

    async def scan(self, depth: int) -> bool:
        """Read all blocks, connecting first where necessary; False if no values came. What came must be right."""
        steps, at = [], 0
        for start, count in BLOCKS:
            steps.append(compile_step(1, Read(3, start, count), at))
            at = steps[-1].stop
        exchange = Exchange(Requests(steps), bytearray(at), PATIENCE, depth)
        first = len(self.asked)
        try:
            if self.link.state is not LinkState.UP:
                await self.link.connect()
            await self.link.run(exchange)
        except DeliveryError:
            return False
        for i, (step, request) in enumerate(zip(steps, self.asked[first:], strict=True)):
            held = self.server.truth.held(request.connection, request.place)
            taken = request.taken
            assert taken is not None, "a reply that no client may take"
            if taken[0] & 0x80:
                assert exchange.exceptions[i] == taken[1]
                continue
            assert bytes(exchange.payload[step.start : step.stop]) == taken[2:]
            self.untrue += held is None or taken != held.reply
        return True


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("lie", names())
def test_no_lie_that_can_be_told_from_the_truth_becomes_a_value(lie: str, depth: int) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        async with Duel(clock) as duel:
            duel.liar.set({lie: 0.5} if lie in GREETINGS else {lie: 0.2})
            for _ in range(60):
                await duel.scan(depth)
                if lie in GREETINGS:
                    await duel.link.close()
            assert duel.liar.told[lie] > 5 or lie == "wrong_echo"
            assert duel.witness.counters["reused"] == 0
            assert bool(duel.untrue) is (lie in UNTELLABLE and (lie != "swapped_ids" or depth > 1))
            if lie in HONEST - {"dribbled"}:
                assert duel.link.counters["drops"] == 0
            duel.liar.honest()
            assert [await duel.scan(depth) for _ in range(3)][-1], "it comes back"
            assert len(duel.server.connections) == 1

    run()


@pytest.mark.parametrize("seed", range(5))
def test_all_lies_at_once(seed: int) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        async with Duel(clock, seed) as duel:
            duel.liar.set(dict.fromkeys(names(), 0.02))
            values = [await duel.scan(1 + i % 8) for i in range(300)]
            assert 10 < sum(values) < 290
            assert duel.witness.counters["reused"] == 0
            assert duel.witness.counters["open"] <= 1

    run()


@jumping
async def test_a_write_is_done_only_by_its_own_echo(clock: JumpingClock) -> None:
    async with Duel(clock) as duel:
        done = 0
        for value in range(200):
            duel.liar.set({"wrong_echo": 0.3, "exception": 0.1, "repeated": 0.1, "late": 0.1})
            since = duel.witness.counters["requests"]
            with suppress(DeliveryError):
                if duel.link.state is not LinkState.UP:
                    await duel.link.connect()
                reply = await duel.link.request(1, WriteRegister(1000, value), PATIENCE)
                if not isinstance(reply, ExceptionReply):
                    done += 1
                    assert duel.witness.confirmed(duel.server.port, 1, WriteRegister(1000, value).encode(), since)
        assert 20 < done < 180


@jumping
async def test_a_flood_is_not_read_to_its_end(clock: JumpingClock) -> None:
    async with Duel(clock) as duel:
        duel.server.flood = 10_000_000
        duel.liar.set({"endless": 1.0})
        assert not await duel.scan(1)
        await clock.sleep(100.0)
        assert duel.link.counters["bytes_in"] < 10_000
        assert not duel.server.connections


async def test_a_lost_reply_times_out_whatever_else_is_answered(
    environment: Environment, transports: Any, clock: Any
) -> None:
    link = TcpLink(TcpEndpoint("plc", 502), environment)
    await link.connect()
    wire = transports.made[-1]

    def exchange() -> Exchange:
        return Exchange(Requests([compile_step(1, Read(3, 0, 2))]), bytearray(4), 1.0, 4)

    lost = asyncio.create_task(link.run(exchange()))
    await asyncio.sleep(0)
    wire.take()
    for _ in range(15):
        with suppress(DeliveryError):
            answered = asyncio.create_task(link.run(exchange()))
            await asyncio.sleep(0)
            for frame in FrameSplitter().feed(wire.take()):
                wire.say(encode_frame(frame.transaction, 1, DataReply(3, bytes(4)).encode()))
            await answered
        clock.advance(0.1)
    assert lost.done()
    with pytest.raises(NoAnswerError, match=r"no answer within 1 s to read holding 0\.\.1"):
        await lost
    assert wire.closed
