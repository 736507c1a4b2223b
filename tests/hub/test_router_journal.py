"""Who listens, what is kept on record, and what a stop of the node does to commands."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from sereno.access.actor import NOBODY, ROLES, Actor
from sereno.hub.journal import MemoryJournal
from sereno.hub.router import DEFAULT_EXPIRY, CommandRouter
from sereno.model import (
    Ack,
    AckState,
    Command,
    NotFoundError,
    OperationError,
    TagSpec,
    Verb,
)

S = AckState
OLGA = Actor("olga", (ROLES["operator"],))


def states(acks: list[Ack]) -> list[AckState]:
    return [ack.state for ack in acks]


ALL_THE_WAY = [S.REQUESTED, S.AUTHORISED, S.ACCEPTED, S.PROGRESS, S.DONE]


async def test_a_command_goes_on_when_nobody_listens(bench: Any) -> None:
    command = bench.command()
    listener = bench.submit(command)
    await bench.settle()
    listener.cancel()
    await bench.settle()
    bench.scan()
    await bench.settle()
    assert states(await bench.router.acks(command.key, OLGA)) == ALL_THE_WAY
    unread = bench.command("mode", 1)
    bench.router.submit(unread, OLGA)
    await bench.settle()
    bench.scan()
    await bench.settle()
    assert states(await bench.router.acks(unread.key, OLGA)) == ALL_THE_WAY


async def test_acks_are_for_those_who_may_read_the_target(bench: Any) -> None:
    command = bench.command()
    collected = bench.submit(command)
    await bench.settle()
    assert states(await bench.router.acks(command.key, OLGA)) == ALL_THE_WAY[:-1]
    with pytest.raises(NotFoundError):
        await bench.router.acks(command.key, NOBODY)
    with pytest.raises(NotFoundError, match="no command with the key 'nonsense'"):
        await bench.router.acks("nonsense", OLGA)
    bench.scan()
    await collected


class Story(MemoryJournal):
    """A journal that also notes the order of things."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []
        self.broken: Exception | None = None
        self.intents: list[tuple[str, Any, Any]] = []

    async def intend(self, command: Command, tag: TagSpec | None, old_value: Any) -> list[Ack] | None:
        if self.broken:
            raise self.broken
        self.events.append("intend")
        self.intents.append((command.actor, tag and tag.path, old_value))
        return await super().intend(command, tag, old_value)

    async def record(self, ack: Ack) -> None:
        if self.broken:
            raise self.broken
        self.events.append(ack.state)
        await super().record(ack)


async def test_the_intent_is_kept_before_the_first_byte(make_bench: Any, plant: Any) -> None:
    journal = Story()
    bench = make_bench(plant, journal)
    bench.device.gate = asyncio.Event()
    collected = bench.submit()
    await bench.settle()
    assert bench.device.entered == 1
    assert journal.events == ["intend", "requested", "authorised", "accepted"]
    assert journal.intents == [("olga", "river/plc1/speed", 10.0)]
    bench.device.gate.set()
    await bench.settle()
    bench.scan()
    acks = await collected
    assert (await bench.journal.known(acks[0].key))[1] == acks


@pytest.mark.parametrize("name", ["speed", "reset"])
async def test_a_slow_disk_makes_no_late_write(make_bench: Any, plant: Any, name: str) -> None:
    class SlowDisk(MemoryJournal):
        async def intend(self, command: Command, tag: TagSpec | None, old_value: Any) -> list[Ack] | None:
            plant.clock.now += DEFAULT_EXPIRY
            return await super().intend(command, tag, old_value)

    bench = make_bench(plant, SlowDisk())
    acks = await bench.finish(bench.command(name, 1))
    assert (acks[-1].state, acks[-1].reason) == (S.TIMED_OUT, "its time was over before it could be sent; never sent")
    call = Command(target="river/plc1", verb=Verb.CALL, name="add")
    assert (await bench.finish(call))[-1].state is S.TIMED_OUT
    assert bench.device.entered == 0


@pytest.mark.parametrize("error", [OSError("disk full"), OperationError("database is locked")])
async def test_what_cannot_be_recorded_is_not_sent(make_bench: Any, plant: Any, error: Exception) -> None:
    journal = Story()
    bench = make_bench(plant, journal)
    journal.broken = error
    with capture_logs() as logs:
        acks = await bench.finish()
    assert acks[-1].state is S.REFUSED
    assert acks[-1].reason == f"the command could not be recorded, so it is not sent: {error}"
    assert bench.device.entered == 0
    assert bench.router.statistics()["unrecorded"] == len(logs) == 1


async def test_a_journal_that_breaks_later_costs_no_ack(make_bench: Any, plant: Any) -> None:
    journal = Story()
    bench = make_bench(plant, journal)
    collected = bench.submit()
    await bench.settle()
    journal.broken = OSError("disk full")
    bench.scan()
    with capture_logs():
        assert states(await collected) == ALL_THE_WAY
    assert bench.router.statistics()["unrecorded"] == 1


async def test_a_journal_that_cannot_be_read_refuses(make_bench: Any, plant: Any) -> None:
    class Unreadable(MemoryJournal):
        async def known(self, key: str) -> tuple[Command, list[Ack]] | None:
            raise OSError("disk gone")

    bench = make_bench(plant, Unreadable())
    acks = await bench.finish()
    assert (states(acks), acks[0].reason) == ([S.REFUSED], "disk gone")


async def test_a_replay_after_a_restart(bench: Any) -> None:
    command = bench.command()
    acks = await bench.finish(command)
    router = CommandRouter(bench.hub, bench.clock, journal=bench.journal, handlers={"river/plc1": bench.device})
    assert [a async for a in router.submit(command, OLGA)] == acks
    assert await router.acks(command.key, OLGA) == acks
    other = [a async for a in router.submit(bench.command(value=1.0, key=command.key), OLGA)]
    assert "was used for another command" in other[0].reason
    assert len(bench.device.writes) == 1


async def test_a_command_cut_off_by_the_end_of_the_process_is_unknown(bench: Any) -> None:
    command = bench.command(actor="olga")
    await bench.journal.intend(command, None, 10.0)
    await bench.journal.record(Ack(key=command.key, state=S.ACCEPTED, t=1))
    acks = await bench.finish(command)
    assert states(acks) == [S.ACCEPTED, S.UNKNOWN]
    assert "whether it was executed is unknown" in acks[-1].reason
    assert (await bench.journal.known(command.key))[1] == acks
    intended_only = bench.command(actor="olga")
    await bench.journal.intend(intended_only, None, 10.0)
    assert states(await bench.finish(intended_only))[-1] is S.UNKNOWN
    assert bench.device.entered == 0


async def test_stopping_the_node(bench: Any) -> None:
    bench.device.gate = asyncio.Event()
    sending = bench.submit(bench.command("mode", 1))
    queued = bench.submit(bench.command("auto", True))
    await bench.settle()
    fresh = bench.submit()
    closing = asyncio.create_task(bench.router.close())
    await closing
    assert states(await sending)[-1] is S.UNKNOWN
    assert states(await queued)[-1] is S.CANCELLED
    assert (await fresh)[-1].state is S.CANCELLED
    assert (await bench.submit())[-1].reason == "the node is stopping"
    assert bench.device.writes == []
    assert bench.router.statistics()["under_way"] == 0
    await bench.router.close()


async def test_stopping_while_a_readback_is_awaited(bench: Any) -> None:
    collected = bench.submit()
    await bench.settle()
    await bench.router.close()
    acks = await collected
    assert (acks[-1].state, acks[-1].reason) == (S.UNKNOWN, "the node stopped")


async def test_a_command_that_never_began_to_run_still_ends(bench: Any) -> None:
    stream = bench.router.submit(bench.command(), OLGA)
    await bench.router.close()
    assert (await anext(stream)).state is S.REQUESTED
    assert [a.state async for a in stream][-1].final


async def test_statistics_and_memory(bench: Any) -> None:
    for number in range(5):
        await bench.finish(bench.command("mode", number % 2))
    await bench.finish(bench.command("mode", 9))
    figures = bench.router.statistics()
    assert (figures["done"], figures["refused"], figures["peak"]) == (5, 1, 1)
    journal = MemoryJournal(kept=2)
    for key in "abc":
        await journal.intend(Command(target="a/b", key=key), None, None)
    await journal.record(Ack(key="a", state=S.DONE, t=1))
    assert await journal.known("a") is None
    assert await journal.intend(Command(target="a/b", key="c"), None, None) == []


class Gate(MemoryJournal):
    """A disk that takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()

    async def intend(self, command: Command, tag: TagSpec | None, old_value: Any) -> list[Ack] | None:
        await self.free.wait()
        return await super().intend(command, tag, old_value)


async def test_a_slow_disk_holds_up_its_command_and_nothing_else(make_bench: Any, plant: Any) -> None:
    journal = Gate()
    bench = make_bench(plant, journal)
    collected = bench.submit()
    await bench.settle()
    assert bench.device.entered == 0, "the intent comes first"
    call = Command(target="river/plc1", verb=Verb.CALL, name="nothing", key="other")
    bench.submit(call)
    await bench.settle()
    assert (await bench.router.acks("other", OLGA))[-1].state is S.AUTHORISED
    journal.free.set()
    await bench.settle()
    bench.scan()
    assert states(await collected) == ALL_THE_WAY


async def test_a_stop_while_the_intent_is_written_leaves_a_cancelled_command_on_record(
    make_bench: Any, plant: Any
) -> None:
    journal = Gate()
    bench = make_bench(plant, journal)
    collected = bench.submit()
    await bench.settle()
    closing = asyncio.create_task(bench.router.close())
    await bench.settle()
    assert not closing.done(), "an intent is either on record or not: it is not broken off"
    journal.free.set()
    await closing
    acks = await collected
    assert states(acks)[-1] is S.CANCELLED
    assert journal._entries[acks[0].key].acks == acks
    assert bench.device.entered == 0


async def test_acks_of_the_past_are_for_who_sent_it_and_for_readers_also_after_a_restart(bench: Any) -> None:
    command = bench.command()
    acks = await bench.finish(command)
    router = CommandRouter(bench.hub, bench.clock, journal=bench.journal, handlers={"river/plc1": bench.device})
    assert await router.acks(command.key, Actor("olga")) == acks, "who sent it, even without any right by now"
    assert await router.acks(command.key, Actor("vera", (ROLES["viewer"],))) == acks
    with pytest.raises(NotFoundError):
        await router.acks(command.key, NOBODY)
    other = [a async for a in router.submit(command, Actor("otto", OLGA.roles))]
    assert [a.state for a in other] == [S.REFUSED]
