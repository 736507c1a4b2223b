"""The lying server on the wire: what it holds, what it logs, what each lie makes of a reply."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from sereno.drivers.modbus.protocol import (
    DataReply,
    Frame,
    FrameSplitter,
    ProtocolError,
    Read,
    WriteCoil,
    WriteRegister,
    decode_reply,
    encode_frame,
)
from sereno.sim.lying import LyingServer
from sereno.sim.lying_lies import GREETINGS, LIES, Liar, describe, names
from sereno.sim.lying_memory import CodedMemory, Held, TruthLog
from sereno.sim.lying_reply import End, Reply, Scene
from sereno.sim.lying_witness import fits
from sereno.testing import JumpingClock, MemoryTransports, jumping

PATIENCE = 1.0
SEEDS = range(30)


class Ear(asyncio.Protocol):
    """A client that only listens: `heard` are (time, bytes)."""

    def __init__(self, clock: JumpingClock) -> None:
        self.clock = clock
        self.heard: list[tuple[float, bytes]] = []
        self.error: Exception | None = None
        self.ended = -1.0
        self.transport: Any = None

    @property
    def data(self) -> bytes:
        return b"".join(data for _, data in self.heard)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard.append((self.clock.monotonic(), data))

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.error = self.clock.monotonic(), exc


class Stage:
    """A server with units 1 and 2 in memory, and what it said to some requests."""

    def __init__(self, clock: JumpingClock, lies: dict[str, float], seed: int = 1) -> None:
        self.clock = clock
        self.network = MemoryTransports()
        self.units = {unit: CodedMemory(unit, plain=1000) for unit in (1, 2)}
        self.liar = Liar(seed, lies)
        self.server = LyingServer(
            self.units,
            self.liar,
            patience=PATIENCE,
            flood=10_000,
            transports=self.network,
            clock=clock,
            reset=lambda transport: transport.reset(),  # type: ignore[attr-defined]
        )

    async def say(self, *requests: bytes, wait: float = 100.0, apart: float = 0.0) -> Ear:
        """Send frames, in one piece or `apart` seconds from each other, and listen for a while."""
        if not self.server.port:
            await self.server.start()
        _, ear = await self.network.connect(lambda: Ear(self.clock), "127.0.0.1", self.server.port)
        for request in requests:
            ear.transport.write(request)
            await self.clock.sleep(apart)
        await self.clock.sleep(wait)
        return ear

    def held(self, ear: Ear, place: int) -> Held:
        held = self.server.truth.held(ear.transport.get_extra_info("sockname"), place)
        assert held is not None
        return held


def read(transaction: int = 1, start: int = 10, count: int = 5, *, unit: int = 1, function: int = 3) -> bytes:
    return encode_frame(transaction, unit, Read(function, start, count).encode())


def frames_of(data: bytes) -> list[Frame]:
    splitter, found = FrameSplitter(), []
    with suppress(ProtocolError):
        found += splitter.feed(data)
    return found


# what it holds


@pytest.mark.parametrize("function", [3, 4])
def test_every_word_tells_its_place_and_generation(function: int) -> None:
    memories = [CodedMemory(unit) for unit in (1, 2)]
    tables = ("holding", "input")
    blocks = set()
    for memory in memories:
        for table in tables:
            for generation in range(5):
                memory.generation = generation
                for start in range(0, 60, 4):
                    blocks.add(memory.read_words(table, start, 4))
    assert len(blocks) == 2 * 2 * 5 * 15


def test_a_word_never_repeats_within_65536_generations() -> None:
    memory = CodedMemory(1)
    words = {int(memory.words("input", 7, 1, generation)[0]) for generation in range(65536)}
    assert len(words) == 65536


def test_the_same_unit_holds_the_same_everywhere() -> None:
    assert CodedMemory(3).read_words("holding", 0, 100) == CodedMemory(3).read_words("holding", 0, 100)
    assert CodedMemory(3).read_words("holding", 0, 4).hex() == "6f3be336c691c27e"


def test_what_masters_write_stands_above_the_coded_part() -> None:
    memory = CodedMemory(1, plain=100)
    memory.write_words(100, b"\x12\x34\x56\x78")
    memory.write_bits(100, (True, False, True))
    memory.generation = 9
    coded = memory.words("holding", 98, 2).astype(">u2").tobytes()
    assert memory.read_words("holding", 98, 4) == coded + b"\x12\x34\x56\x78"
    assert memory.read_bits("coil", 96, 8)[0] >> 4 == 0b0101
    assert memory.read_words("input", 100, 1) != b"\x12\x34"


def test_bits_follow_their_words() -> None:
    memory = CodedMemory(1)
    memory.generation = 3
    bits = memory.words("discrete", 0, 64) >> 8 & 1
    assert int.from_bytes(memory.read_bits("discrete", 0, 64), "little") == sum(int(b) << i for i, b in enumerate(bits))
    assert 16 < bits.sum() < 48


# what it logs


@jumping
async def test_an_honest_server_says_what_it_logs(clock: JumpingClock) -> None:
    stage = Stage(clock, {})
    ear = await stage.say(read(1), read(2, 0, 3, unit=2), read(3, 0, 20, function=1), wait=1.0)
    for place, frame in enumerate(frames_of(ear.data)):
        held = stage.held(ear, place)
        assert (held.frame.transaction, held.reply) == (frame.transaction, frame.pdu)
    assert stage.server.truth.requests == stage.server.counters["requests"] == 3
    assert stage.units[1].generation == 2
    await stage.server.close()


@jumping
async def test_the_log_has_the_truth_whatever_was_said(clock: JumpingClock) -> None:
    stage = Stage(clock, {"other_registers": 1.0})
    ear = await stage.say(read(7), wait=1.0)
    (frame,) = frames_of(ear.data)
    held = stage.held(ear, 0)
    assert held.reply != frame.pdu
    assert fits(held.frame.pdu, frame.pdu)
    words = stage.units[1].words("holding", 10, 5, generation=1)
    assert decode_reply(held.reply) == DataReply(3, words.astype(">u2").tobytes())
    await stage.server.close()


def test_the_log_is_bounded_and_forgets_the_oldest() -> None:
    log = TruthLog()
    log.open("a")
    for i in range(5000):
        log.note("a", Held(float(i), Frame(i, 1, b"\3"), b""))
    assert log.held("a", 0) is None
    newest = log.held("a", 4999)
    assert newest is not None
    assert newest.t == 4999.0
    assert log.held("a", 5000) is None
    assert log.held("b", 0) is None
    for i in range(300):
        log.open(i)
    assert log.held("a", 4999) is None


@jumping
async def test_writes_are_executed_and_a_strange_unit_is_answered_as_by_a_gateway(clock: JumpingClock) -> None:
    stage = Stage(clock, {})
    requests = [
        encode_frame(1, 1, WriteRegister(1000, 77).encode()),
        encode_frame(2, 1, WriteCoil(1000, True).encode()),
    ]
    ear = await stage.say(*requests, read(3, unit=9), wait=1.0)
    assert ear.data[:24] == b"".join(requests)
    assert frames_of(ear.data)[2].pdu == b"\x83\x0b"
    assert stage.units[1].read_words("holding", 1000, 1) == b"\0\x4d"
    await stage.server.close()


# the lies


def test_every_lie_is_named_and_described() -> None:
    assert len(names()) == len(LIES) + len(GREETINGS) >= 40
    assert all(len(describe(name)) > 10 for name in names())


def test_an_unknown_lie_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="no lie 'wrong_idd', known: wrong_id"):
        Liar(1, {"wrong_idd": 1.0})


def tell(name: str, *, request: bytes | None = None, seed: int = 1) -> tuple[Reply, bytes]:
    """A reply with one lie in it, and the honest frame."""
    frame = frames_of(request or read(500, 10, 20))[0]
    memory = CodedMemory(1)
    memory.generation = 20
    stage = Stage.__new__(Stage)
    stage.units = {1: memory, 2: CodedMemory(2)}
    server = LyingServer(stage.units, Liar(seed), clock=JumpingClock())
    server.truth.open("here")
    honest = server.execute("here", frame)
    reply = Reply.honest(frame, honest)
    scene = Scene(Liar(seed).random, PATIENCE, stage.units, 10_000, previous=read(499), ids=[1, 2, 499, 500])
    assert LIES[name](reply, scene), name
    return reply, Reply.honest(frame, honest).frame()


ABOUT_FRAMES = [n for n in LIES if n not in {"wrong_echo"}]


@pytest.mark.parametrize("name", ABOUT_FRAMES)
def test_a_lie_changes_what_goes_out_or_how(name: str) -> None:
    for seed in SEEDS:
        reply, honest = tell(name, seed=seed)
        untouched = Reply.honest(reply.request, honest[7:])
        assert reply != untouched
        reply.wire()


UNTELLABLE = {"other_registers", "old_registers"}
BAD_FRAMES = [
    "short_reply", "long_reply", "wrong_count", "wrong_function", "wrong_unit", "foreign_exception", "long_exception",
    "wrong_length", "wrong_protocol", "wrong_id", "repeated_id",
]  # fmt: skip


def acceptable(reply: Reply) -> bool:
    """What a client may take: exactly one frame, of the right id, unit and shape."""
    wire = reply.wire()
    if wire[2:4] != b"\0\0" or len(wire) != 6 + int.from_bytes(wire[4:6], "big"):
        return False
    asked = reply.request
    return int.from_bytes(wire[:2], "big") == asked.transaction and wire[6] == asked.unit and fits(asked.pdu, wire[7:])


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_a_bad_frame_can_be_told_from_the_truth(name: str) -> None:
    for seed in SEEDS:
        assert not acceptable(tell(name, seed=seed)[0])


@pytest.mark.parametrize("name", sorted(UNTELLABLE))
def test_other_content_cannot_be_told_from_the_truth(name: str) -> None:
    for seed in SEEDS:
        reply, honest = tell(name, seed=seed)
        assert acceptable(reply)
        assert reply.wire() != honest


@pytest.mark.parametrize("name", ["exception", "strange_exception"])
def test_an_exception_that_is_not_true_looks_true(name: str) -> None:
    codes = {tell(name, seed=seed)[0].pdu for seed in range(200)}
    assert all(pdu[0] == 0x83 and len(pdu) == 2 for pdu in codes)
    if name == "exception":
        assert {pdu[1] for pdu in codes} == set(range(1, 12))


def test_a_wrong_echo_is_of_a_write_only() -> None:
    write = encode_frame(5, 1, WriteRegister(1000, 77).encode())
    for seed in SEEDS:
        reply, honest = tell("wrong_echo", request=write, seed=seed)
        assert not acceptable(reply)
        assert len(reply.wire()) == len(honest)
    with pytest.raises(AssertionError):
        tell("wrong_echo")


def test_lies_compose() -> None:
    frame = frames_of(read(500, 10, 20))[0]
    memory = CodedMemory(1)
    scene = Scene(Liar(1).random, PATIENCE, {1: memory}, previous=b"before", ids=[499, 500])
    reply = Reply.honest(frame, b"\3\x28" + bytes(40))
    liar = Liar(1, {"garbage_before": 1.0, "repeated": 1.0, "wrong_id": 1.0, "cut_close": 1.0, "slow": 1.0})
    told = liar.tell(reply, scene)
    assert told == ["wrong_id", "repeated", "garbage_before", "cut_close", "slow"]
    assert reply.transaction != 500
    assert reply.copies > 1
    assert 0 < reply.delay < PATIENCE
    assert reply.end is End.CLOSE
    assert len(reply.wire()) < len(reply.whole())
    assert liar.told.total() == 5


# on the wire


@jumping
async def test_a_late_reply_misses_the_time_out_and_a_slow_one_does_not(clock: JumpingClock) -> None:
    for name, low, high in (("late", 1.0, 3.1), ("slow", 0.0, 0.61)):
        stage = Stage(clock, {name: 1.0})
        began = clock.monotonic()
        ear = await stage.say(read())
        assert low < ear.heard[0][0] - began < high
        assert frames_of(ear.data)[0].pdu == stage.held(ear, 0).reply
        await stage.server.close()


@jumping
async def test_dribbled_bytes_come_one_by_one_and_are_all_there(clock: JumpingClock) -> None:
    for seed in range(8):
        stage = Stage(clock, {"dribbled": 1.0}, seed)
        ear = await stage.say(read(1), read(2, 0, 2), wait=300.0)
        assert {len(data) for _, data in ear.heard} == {1}
        assert [f.pdu for f in frames_of(ear.data)] == [stage.held(ear, i).reply for i in (0, 1)]
        await stage.server.close()


@jumping
async def test_replies_are_merged_into_one_piece(clock: JumpingClock) -> None:
    stage = Stage(clock, {"merged": 1.0})
    ear = await stage.say(read(1), read(2), read(3), wait=5.0)
    assert [len(frames_of(data)) for _, data in ear.heard] == [2, 1], "the last one goes alone, late"
    assert ear.heard[1][0] > ear.heard[0][0]
    await stage.server.close()


@jumping
async def test_swapped_ids_exchange_two_replies(clock: JumpingClock) -> None:
    stage = Stage(clock, {"swapped_ids": 1.0})
    ear = await stage.say(read(1, 0, 4), read(2, 50, 4), wait=5.0)
    first, second = frames_of(ear.data)
    assert (first.transaction, second.transaction) == (2, 1)
    assert (first.pdu, second.pdu) == (stage.held(ear, 0).reply, stage.held(ear, 1).reply)
    await stage.server.close()


@jumping
async def test_repeated_replies_and_earlier_ones_come_again(clock: JumpingClock) -> None:
    stage = Stage(clock, {"repeated": 1.0})
    ear = await stage.say(read(1), wait=5.0)
    assert len(set(frames_of(ear.data))) == 1
    assert len(frames_of(ear.data)) >= 2
    await stage.server.close()
    stage = Stage(clock, {"earlier_reply": 1.0})
    ear = await stage.say(read(1), read(2), wait=5.0)
    assert [f.transaction for f in frames_of(ear.data)] == [1, 1, 2]
    await stage.server.close()


@jumping
async def test_half_a_frame_and_then_silence_a_farewell_or_a_reset(clock: JumpingClock) -> None:
    for name, ended, reset in (("cut", False, False), ("cut_close", True, False), ("reset", True, True)):
        stage = Stage(clock, {name: 1.0})
        ear = await stage.say(read(1, 0, 100), wait=5.0)
        assert 0 < len(ear.data) < 209 or reset, "a reset takes away what was under way"
        assert (ear.ended >= 0) is ended
        assert isinstance(ear.error, ConnectionResetError) is reset
        await stage.server.close()


@jumping
async def test_floods_and_endless_frames_end_with_the_connection(clock: JumpingClock) -> None:
    for name in ("flood", "endless", "attack"):
        stage = Stage(clock, {name: 1.0})
        ear = await stage.say(read(1, 0, 100), wait=50.0)
        assert len(ear.data) > 500
        ear.transport.abort()
        await clock.sleep(1.0)
        assert not stage.server.connections
        await stage.server.close()


@jumping
async def test_a_dribbled_flood_comes_in_a_bounded_number_of_pieces(clock: JumpingClock) -> None:
    stage = Stage(clock, {"flood": 1.0, "dribbled": 1.0})
    ear = await stage.say(read(1), wait=1000.0)
    assert len(ear.data) > 7000
    assert 1000 < len(ear.heard) <= 4000
    await stage.server.close()


@jumping
async def test_silence_is_logged_and_executed(clock: JumpingClock) -> None:
    for name in ("silent", "accept_silent"):
        stage = Stage(clock, {name: 1.0})
        ear = await stage.say(encode_frame(1, 1, WriteRegister(1000, 5).encode()), wait=50.0)
        assert (ear.data, ear.ended) == (b"", -1.0)
        assert stage.units[1].read_words("holding", 1000, 1) == b"\0\5"
        await stage.server.close()


@pytest.mark.parametrize("name", ["accept_close", "banner", "chatter", "attack", "hang_up"])
def test_how_a_connection_may_begin_and_end(name: str) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        ends = set()
        for seed in range(8):
            stage = Stage(clock, {name: 1.0}, seed)
            ear = await stage.say(*([read()] if name == "hang_up" else []), wait=1.0)
            assert bool(ear.data) is (name in GREETINGS and name != "accept_close")
            ends.add((ear.ended >= 0, type(ear.error)))
            await stage.server.close()
        closing = {(True, type(None)), (True, ConnectionResetError)}
        assert ends == (closing if name in ("accept_close", "hang_up") else {(False, type(None))})

    run()


def test_the_same_seed_tells_the_same_lies_byte_for_byte() -> None:
    def run(seed: int) -> tuple[list[tuple[float, bytes]], dict[str, int]]:
        @jumping
        async def heard(clock: JumpingClock) -> tuple[list[tuple[float, bytes]], dict[str, int]]:
            stage = Stage(clock, dict.fromkeys(LIES, 0.05), seed)
            ear = await stage.say(*(read(i, i, 1 + i % 50) for i in range(200)), apart=0.1)
            told = dict(stage.liar.told)
            await stage.server.close()
            return ear.heard, told

        return heard()

    assert run(5) == run(5)
    assert run(5) != run(6)


@pytest.mark.parametrize("name", ["reset", "cut_close"])
async def test_a_reset_on_a_real_socket_is_a_reset(name: str) -> None:
    server = LyingServer({1: CodedMemory(1)}, Liar(1, {name: 1.0}))
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(read(1, 0, 100))
    if name == "reset":
        with pytest.raises(ConnectionResetError):
            await reader.read()
    else:
        assert 0 < len(await reader.read()) < 209
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    await server.close()
