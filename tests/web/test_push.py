"""One subscription, one encoding, many clients, and nobody waits for a slow one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.access.actor import ROLES, Actor, Permission, Right, Role
from sereno.model import NotFoundError, SystemClock
from sereno.web import push as module
from sereno.web.line import Beat, Line
from sereno.web.outlets import TURN
from sereno.web.push import BACKLOG, LINGER, MOST_LINGERING, Push, Slot
from sereno.wire.frame import FrameKind, decode_frame

ANN = Actor("ann", (ROLES["viewer"],))
BOB = Actor("bob", (ROLES["viewer"],))
EVE = Actor("eve", (ROLES["admin"],))


@pytest.fixture
async def push(site) -> AsyncIterator[Push]:
    made = Push(site.plant, site.clock, Beat())
    yield made
    await made.close()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def _drain(slot: Slot) -> dict[str, float]:
    """What a client knows after taking all that waits, starting from nothing."""
    known: dict[str, float] = {}
    while (item := slot.take()) is not None:
        frame = decode_frame(item[0].frame(1, item[1]))
        if frame.kind is FrameKind.SNAPSHOT:
            known.clear()
        known |= {slot.tags[i].path: v for i, v in zip(frame.index.tolist(), frame.values.tolist(), strict=True)}
    return known


async def test_equal_rights_tags_and_pace_share_one_subscription(site, push: Push) -> None:
    slots = [await push.join(["north"], who, 0.1, lambda: None) for who in (ANN, BOB)]
    assert len(site.plant.subscriptions) == 1
    await _settle()
    site.plant.set("north/plc1/level", 4.0)
    await _settle()
    first, second = [[item for item, _ in iter(slot.take, None)] for slot in slots]
    assert [a is b for a, b in zip(first, second, strict=True)] == [True, True]
    assert first[1].frame(1) is second[1].frame(1)
    assert first[1].event() != b""


@pytest.mark.parametrize(
    ("globs", "actor", "interval"),
    [
        (["south"], ANN, 0.1),
        (["north"], EVE, 0.1),
        (["north"], Actor("t", ANN.roles, bound=ANN.roles), 0.1),
        (["north"], ANN, 1),
    ],
)
async def test_other_rights_tags_or_paces_do_not(
    site, push: Push, globs: list[str], actor: Actor, interval: float
) -> None:
    await push.join(["north"], ANN, 0.1, lambda: None)
    await push.join(globs, actor, interval, lambda: None)
    assert len(site.plant.subscriptions) == 2


async def test_rights_decide_what_is_in_it(site, push: Push) -> None:
    north = Actor("n", (Role("north", (Permission(Right.READ, "north/*"),)),))
    slot = await push.join([], north, 0.1, lambda: None)
    assert {tag.path[:5] for tag in slot.tags} == {"north"}
    with pytest.raises(NotFoundError):
        await push.join(["south"], north, 0.1, lambda: None)


async def test_one_encoding_for_all(site, push: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    real = module.encode_frame

    def counting(frame: Any) -> bytes:
        nonlocal count
        count += 1
        return real(frame)

    monkeypatch.setattr(module, "encode_frame", counting)
    slots = [await push.join([], ANN, 0.1, lambda: None) for _ in range(50)]
    await _settle()
    for _ in range(3):
        site.plant.set("north/plc1/level", 2.0)
    await _settle()
    for slot in slots:
        _drain(slot)
    assert count == 4


async def test_a_late_client_begins_with_a_snapshot(site, push: Push) -> None:
    await push.join([], ANN, 0.1, lambda: None)
    await _settle()
    site.plant.set("north/plc1/level", 9.0)
    await _settle()
    late = await push.join([], BOB, 0.1, lambda: None)
    assert _drain(late)["north/plc1/level"] == 9.0


async def test_a_slow_client_gets_one_snapshot_for_what_it_missed(site, push: Push) -> None:
    slow = await push.join([], ANN, 0.1, lambda: None)
    quick = await push.join([], ANN, 0.1, lambda: None)
    await _settle()
    _drain(slow)
    _drain(quick)
    for i in range(10):
        site.plant.set("north/plc1/level", float(i))
        site.plant.set("south/plc2/level", float(-i))
        await _settle()
        assert len(slow._waiting) <= BACKLOG
        assert [dropped for _, dropped in iter(quick.take, None)] == [0, 0]
    ((encoded, dropped),) = list(iter(slow.take, None))
    frame = decode_frame(encoded.frame(7, dropped))
    assert (frame.kind, frame.sub, frame.dropped) == (FrameKind.SNAPSHOT, 7, 20)
    assert len(frame.index) == 6
    assert b'{"dropped":20,' in encoded.event(dropped)
    assert decode_frame(encoded.frame(7)).dropped == 0
    site.plant.set("north/plc1/level", 77.0)
    await _settle()
    ((encoded, dropped),) = list(iter(slow.take, None))
    assert (encoded.update.snapshot, dropped) == (False, 0)


async def test_snapshots_for_slow_clients_are_encoded_once(site, push: Push) -> None:
    slots = [await push.join([], ANN, 0.1, lambda: None) for _ in range(5)]
    await _settle()
    for i in range(10):
        site.plant.set("north/plc1/level", float(i))
    await _settle()
    taken = [slot.take() for slot in slots]
    assert len({id(item[0]) for item in taken if item}) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["north/plc1/level", "south/plc2/level", "take"]), st.integers(0, 99)), max_size=40
    )
)
def test_whoever_reads_when_ends_with_the_last_value_of_everything(
    make_plant: Any, steps: list[tuple[str, int]]
) -> None:
    async def play() -> None:
        plant = make_plant()
        push = Push(plant, SystemClock(), Beat())
        slot = await push.join(["*/level"], ANN, 0.1, lambda: None)
        await _settle()
        known: dict[str, float] = {}
        for what, number in steps:
            if what == "take":
                known |= _take(slot, known)
            else:
                plant.set(what, float(number))
                await _settle()
        while slot._waiting or slot._missed:
            known |= _take(slot, known)
        assert known == {path: float(held.number) for path, held in plant.held.items() if path.endswith("/level")}
        await push.close()

    asyncio.run(play())


def _take(slot: Slot, known: dict[str, float]) -> dict[str, float]:
    item = slot.take()
    if item is None:
        return known
    frame = decode_frame(item[0].frame(1, item[1]))
    return {slot.tags[i].path: v for i, v in zip(frame.index.tolist(), frame.values.tolist(), strict=True)}


async def test_the_last_client_ends_the_subscription(site, push: Push) -> None:
    slots = [await push.join([], ANN, 0.1, lambda: None) for _ in range(2)]
    await push.leave(slots[0])
    assert not site.plant.subscriptions[0].closed
    await push.leave(slots[1])
    await push.leave(slots[1])
    assert site.plant.subscriptions[0].closed
    assert len(push) == 0


async def test_when_the_plant_ends_it_the_clients_hear_of_it(site, push: Push) -> None:
    woken: list[bool] = []
    slot = await push.join([], ANN, 0.1, lambda: woken.append(True))
    await _settle()
    await site.plant.subscriptions[0].close()
    await _settle()
    assert slot.ended
    assert woken
    again = await push.join([], ANN, 0.1, lambda: None)
    assert not again.ended
    assert len(site.plant.subscriptions) == 2


@pytest.mark.parametrize(
    ("asked", "given"), [(0.0, 0.0), (0.001, 0.0), (0.006, 0.01), (0.12, 0.12), (0.1249, 0.12), (1000.0, 60.0)]
)
async def test_paces_are_few(site, push: Push, asked: float, given: float) -> None:
    await push.join([], ANN, asked, lambda: None)
    assert next(iter(push._broadcasts)).interval == pytest.approx(given)


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.write = self.written.append


async def _lined(push: Push, sub: int = 0) -> tuple[Slot, Transport, Line]:
    slot = await push.join(["*/level"], ANN, 0.1, lambda: None)
    await _settle()
    _drain(slot)
    transport = Transport()
    slot.line, slot.sub = Line(transport), sub
    slot.line.lend(lambda: None)
    return slot, transport, slot.line


async def test_what_nothing_waits_before_goes_out_at_once(site, push: Push) -> None:
    event, frame = await _lined(push), await _lined(push, sub=7)
    site.plant.set("north/plc1/level", 6.5)
    await _settle()
    assert b'"value":[6.5]' in event[1].written[0]
    assert decode_frame(frame[1].written[0][2:]).sub == 7
    assert (event[2].frames, event[2].bytes) == (1, len(event[1].written[0]))
    assert event[0].take() is None


async def test_nothing_overtakes_what_waits(site, push: Push) -> None:
    slot, transport, line = await _lined(push)
    line.pause()
    site.plant.set("north/plc1/level", 1.0)
    await _settle()
    line._room, line.writable = True, True
    site.plant.set("north/plc1/level", 2.0)
    await _settle()
    assert transport.written == []
    assert [item[0].update.values.tolist() for item in iter(slot.take, None)] == [[1.0], [2.0]]
    site.plant.set("north/plc1/level", 3.0)
    await _settle()
    assert b'"value":[3.0]' in transport.written[0]


async def test_a_beat_rides_once_for_all(site) -> None:
    beat = Beat()
    push = Push(site.plant, site.clock, beat)
    lined = [await _lined(push) for _ in range(2)]
    beat.number, beat.riding = 5, True
    beat.make(b"event: heartbeat\n\n", b"")
    for number in range(2):
        site.plant.set("north/plc1/level", float(number))
        await _settle()
    assert [line.beaten for _, _, line in lined] == [5, 5]
    assert all([w.count(b"heartbeat") for w in transport.written] == [1, 0] for _, transport, _ in lined)
    await push.close()


async def test_many_are_served_in_turns_and_all_of_them(site) -> None:
    push = Push(site.plant, SystemClock(), Beat())
    lined = [await _lined(push) for _ in range(2 * TURN + 3)]
    site.plant.set("north/plc1/level", 8.0)
    await _settle()
    assert {len(transport.written) for _, transport, _ in lined} == {1}
    await push.close()


async def test_who_wants_each_at_once_gets_a_rest_between(site) -> None:
    class Slow(SystemClock):
        """Each look at the clock is a millisecond later."""

        now = 0.0
        slept: ClassVar[list[float]] = []

        def monotonic(self) -> float:
            self.now += 0.001
            return self.now

        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)
            await asyncio.sleep(0)

    clock = Slow()
    push = Push(site.plant, clock, Beat())
    await push.join([], ANN, 0.0, lambda: None)
    await _settle()
    assert clock.slept == [0, pytest.approx(0.001)]
    await push.close()


async def test_a_broadcast_outlives_its_last_client_for_a_while(site, push: Push) -> None:
    slot = await push.join([], ANN, 0.1, lambda: None)
    await push.leave(slot, linger=True)
    await site.clock.advance(LINGER - 1)
    again = await push.join([], ANN, 0.1, lambda: None)
    assert again.broadcast is slot.broadcast
    await site.clock.advance(2 * LINGER)
    assert not site.plant.subscriptions[0].closed
    await push.leave(again, linger=True)
    await push.leave(again, linger=True)
    await site.clock.advance(LINGER)
    assert site.plant.subscriptions[0].closed
    assert len(push) == 0


async def test_few_may_linger(site, push: Push) -> None:
    for number in range(MOST_LINGERING + 2):
        await push.leave(await push.join([], ANN, 1.0 + number / 10, lambda: None), linger=True)
    assert len(push) == MOST_LINGERING
    await push.close()
    assert all(subscription.closed for subscription in site.plant.subscriptions)
