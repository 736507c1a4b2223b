"""Whatever the wires and the people do: no command is written twice or late, and each has exactly one end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sereno.access.actor import ROLES, Actor
from sereno.hub.journal import MemoryJournal
from sereno.hub.router import CommandRouter
from sereno.model import (
    Access,
    Ack,
    AckState,
    Act,
    Command,
    DeniedError,
    ExpiredError,
    NoAnswerError,
    NotConnectedError,
    NotFoundError,
    RefusedError,
    Say,
    Setpoint,
    TagSpec,
)

TAGS = ("a/plc/x", "a/plc/y", "a/far/x", "a/plc/selected", "a/far/approved", "a/plc/both")
DEVICES = ("a/plc", "a/far")
"""On one link."""
LIMITS = Setpoint(low=0, high=9, timeout=1.0)
MARKS = {"selected": {"select": 1.0}, "approved": {"approval": 1.5}, "both": {"select": 1.0, "approval": 1.5}}
ENGINEER = (ROLES["engineer"],)
PEOPLE = [
    Actor("olga", ENGINEER),
    Actor("otto", (ROLES["operator"],)),
    Actor("emil", ENGINEER),
    Actor("olga:script", ENGINEER, "token", bound=ENGINEER),
]
FATES = ["good", "good", "good", "deaf", "refuses", "no link", "lost before", "lost after"]
STEP = st.one_of(
    st.tuples(
        st.just("command"),
        st.integers(0, 5),  # key: few, so that they come again
        st.sampled_from(TAGS),
        st.sampled_from([-1, 0, 1, 4, 8, 10]),
        st.sampled_from([0.05, 0.3, 5.0]),
        st.integers(0, 1),
    ),
    st.tuples(st.just("say"), st.integers(0, 5), st.sampled_from(Say), st.integers(0, 3)),
    st.tuples(st.just("say"), st.integers(0, 5), st.sampled_from([Say.EXECUTE, Say.APPROVE]), st.sampled_from([0, 2])),
    st.tuples(st.just("fate"), st.sampled_from(FATES), st.sampled_from([0.0, 0.2, 1.0])),
    st.tuples(st.just("time"), st.sampled_from([0.0, 0.1, 0.4, 2.0])),
    st.tuples(st.just("listener leaves")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("kill")),
    st.tuples(st.just("disk"), st.sampled_from([0.0, 0.1, 0.4])),
)


class Wire:
    """A device on a bad line; it counts what really arrives."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.values = dict.fromkeys(TAGS, 0.0)
        self.received: list[tuple[str, float, int]] = []
        self.fate, self.delay = "good", 0.0
        self.turn = asyncio.Lock()

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        """One at a time, as on a link; what waits beyond its deadline is not sent."""
        async with self.turn:
            if deadline is not None and self.clock.monotonic() >= deadline:
                raise ExpiredError("its time was over while it waited")
            await self.send(path, value)

    async def send(self, path: str, value: Any) -> None:
        fate, started = self.fate, self.clock.wall_ns()
        if fate == "no link":
            raise NotConnectedError("no link")
        if fate != "lost before":
            self.received.append((path, value, started))
        await self.clock.sleep(self.delay)
        if fate == "refuses":
            raise RefusedError("no")
        if fate.startswith("lost"):
            raise NoAnswerError("no reply")
        if fate != "deaf":
            self.values[path] = value

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        raise AssertionError


class Disk:
    """The journal as one process has it: slow, and of no use to it any more once the process was killed."""

    def __init__(self, journal: MemoryJournal, clock: Any) -> None:
        self.journal, self.clock = journal, clock
        self.delay = 0.0
        self.killed = False

    async def wait(self) -> None:
        if self.delay:
            await self.clock.sleep(self.delay)
        if self.killed:
            await asyncio.Event().wait()

    async def intend(
        self, command: Command, tag: TagSpec | None, old_value: Any, held: Sequence[Ack] = ()
    ) -> list[Ack] | None:
        await self.wait()
        earlier = await self.journal.intend(command, tag, old_value, held)
        await self.wait()
        return earlier

    async def release(self, command: Command, ack: Ack) -> None:
        await self.wait()
        await self.journal.release(command, ack)
        await self.wait()

    async def note(self, command: Command, old_value: Any, act: Act) -> None:
        await self.wait()
        await self.journal.note(command, old_value, act)
        await self.wait()

    async def record(self, ack: Ack) -> None:
        await self.wait()
        await self.journal.record(ack)

    async def known(self, key: str) -> tuple[Command, list[Ack]] | None:
        await self.wait()
        return await self.journal.known(key)


class Trial:
    """One run of steps."""

    def __init__(self, plant: Any) -> None:
        self.plant, self.clock = plant, plant.clock
        specs = [TagSpec(path=p, access=Access.READ_WRITE, setpoint=replace(LIMITS, **marks(p))) for p in TAGS]
        self.group = plant.group(*specs)
        self.wire = Wire(self.clock)
        self.journal = MemoryJournal()
        self.router = self.new_router()
        self.listeners: list[tuple[Command, asyncio.Task[list[Ack]]]] = []
        self.commands: dict[str, Command] = {}
        self.said: list[tuple[str, Say, Actor, int]] = []
        self.killed: list[asyncio.Task[Any]] = []

    def new_router(self) -> CommandRouter:
        """A process begins, with a connection of its own."""
        self.disk = Disk(self.journal, self.clock)
        self.wire.turn = asyncio.Lock()
        return CommandRouter(self.plant.hub, self.clock, journal=self.disk, handlers=dict.fromkeys(DEVICES, self.wire))

    def kill(self) -> None:
        """The process ends at once: nothing is told or kept any more, what is on the wire goes its way."""
        self.disk.killed = True
        for _, listener in self.listeners:
            listener.cancel()
        self.listeners = []
        for flight in self.router._flights.values():
            if flight.task is not None:
                flight.task.cancel()
                self.killed.append(flight.task)
        self.router = self.new_router()

    async def take(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("command", number, target, value, seconds, person):
                expires = self.clock.wall_ns() + int(seconds * 1e9)
                # a value of its own for each command: the device can tell them apart
                wanted = value + number / 100 if 0 <= value < 9 else value
                command = Command(target=target, value=wanted, key=f"k{number}", expires=expires)
                stream = self.router.submit(command, PEOPLE[person])
                self.listeners.append((command, asyncio.create_task(collect(stream))))
                self.commands.setdefault(command.key, command)
            case ("say", number, say, person):
                await self.say(f"k{number}", say, PEOPLE[person])
            case ("fate", fate, delay):
                self.wire.fate, self.wire.delay = fate, delay
            case ("time", seconds):
                for _ in range(int(seconds / 0.1) + 1):
                    await self.clock.advance(0.1)
                    self.plant.publish(self.group, [self.wire.values[p] for p in TAGS])
            case ("listener leaves",) if self.listeners:
                self.listeners.pop()[1].cancel()
            case ("restart",):
                closing = asyncio.create_task(self.router.close())
                await self.clock.advance(5.0)
                await closing
                self.router = self.new_router()
            case ("kill",):
                self.kill()
            case ("disk", delay):
                self.disk.delay = delay

    async def say(self, key: str, say: Say, actor: Actor) -> None:
        """Somebody acts; what the router takes is noted."""
        consent, now = self.router.consent, self.clock.wall_ns()
        acts = {Say.EXECUTE: consent.execute, Say.APPROVE: consent.approve, Say.CANCEL: consent.cancel}
        doing = consent.decline(key, actor, reason="no") if say is Say.DECLINE else acts[say](key, actor)
        task = asyncio.create_task(doing)
        await self.clock.advance(0.5 if self.disk.delay else 0.0)
        if not task.done():  # of a process that is no more
            task.cancel()
            await self.clock.advance(0.0)
        if not task.cancelled() and not isinstance(task.exception(), DeniedError | RefusedError | NotFoundError):
            task.result()
            self.said.append((key, say, actor, now))

    async def end(self) -> None:
        await self.take(("time", 12.0))
        for command, listener in self.listeners:
            assert listener.done(), "every command ends"
            acks = listener.result()
            assert [a.state.final for a in acks] == [False] * (len(acks) - 1) + [True]
            assert {a.key for a in acks} == {command.key}
        self.disk.delay = 0.0
        for key in self.journal._entries:
            await self.router.acks(key, PEOPLE[0])
        await self.router.close()
        while left := [task for task in self.killed if not task.done()]:  # what it would still do waits for ever
            for task in left:
                task.cancel()
            await asyncio.sleep(0)
        self.judge()

    def judge(self) -> None:
        sent = Counter((path, value) for path, value, _ in self.wire.received)
        for key in self.journal._entries:
            acks = self.journal._entries[key].acks
            ends = [a.state for a in acks if a.state.final]
            assert len(ends) == 1, "one end, whoever asked how often"
            first = self.journal._entries[key].command
            count = sent.pop((first.target, first.value), 0)
            assert count <= 1, "never written twice"
            if ends[0] in (AckState.REFUSED, AckState.TIMED_OUT, AckState.CANCELLED):
                assert not count, "not sent means not sent"
            if ends[0] is AckState.DONE:
                assert count
            self.judge_people(self.journal._entries[key], bool(count))
            late = [t for p, v, t in self.wire.received if (p, v) == (first.target, first.value) and t >= first.expires]
            assert not late, "never after its expiry"
            if not 0 <= first.value <= 9:
                assert ends[0] is not AckState.DONE
                assert not count, "never outside the limits"
        assert not sent, "nothing that nobody asked for"

    def judge_people(self, entry: Any, sent: bool) -> None:
        command, wanted = entry.command, marks(entry.command.target)
        said = {s: (who, t) for key, s, who, t in self.said if key == command.key}
        if sent and "approval" in wanted:
            assert Say.APPROVE in said, "never without a second person"
            assert said[Say.APPROVE][0].person != command.actor, "never by the same person"
        if sent and "select" in wanted:
            assert Say.EXECUTE in said, "never without being executed"
            selected = [a.t for a in entry.acks if a.state is AckState.SELECTED]
            assert said[Say.EXECUTE][1] < selected[-1] + 1_000_000_000, "never after its selection"
        if not wanted:
            assert not said, "nobody has a say in what does not wait"


def marks(path: str) -> dict[str, float]:
    return MARKS.get(path.rpartition("/")[2], {})


async def collect(stream: Any) -> list[Ack]:
    return [ack async for ack in stream]


TICK = ("time", 0.1)
SELECTED = [TICK, ("command", 0, "a/plc/selected", 1, 5.0, 0), TICK, ("say", 0, Say.EXECUTE, 0), ("time", 1.0)]
BOTH = [TICK, ("command", 0, "a/plc/both", 1, 5.0, 1), TICK, ("say", 0, Say.APPROVE, 2), TICK]
BOTH += [("say", 0, Say.EXECUTE, 1), ("time", 1.0)]


@settings(max_examples=150)
@example(steps=SELECTED)
@example(steps=BOTH)
@example(
    steps=[
        ("time", 0.1),
        ("fate", "good", 1.0),
        ("command", 0, "a/plc/x", 1, 5.0, 0),
        ("command", 1, "a/far/x", 4, 0.3, 0),
        ("time", 2.0),
    ]
)
@given(steps=st.lists(STEP, min_size=3, max_size=25))
def test_commands_on_a_bad_line(make_plant: Any, make_clock: Any, steps: list[tuple[Any, ...]]) -> None:
    asyncio.run(run(Trial, make_plant(make_clock()), steps))


async def run(make: Any, plant: Any, steps: list[tuple[Any, ...]]) -> Any:
    trial = make(plant)
    for step in steps:
        await trial.take(step)
    await trial.end()
    return trial


@pytest.mark.parametrize("steps", [SELECTED, BOTH])
async def test_what_people_release_arrives(plant: Any, steps: list[tuple[Any, ...]]) -> None:
    """Or the other test would judge nothing."""
    assert (await run(Trial, plant, steps)).wire.received


ALONE = [TICK, ("command", 0, "a/far/approved", 1, 5.0, 0), TICK, ("say", 0, Say.APPROVE, 3), ("time", 1.0)]
TOO_LATE = [TICK, ("command", 0, "a/plc/selected", 1, 5.0, 0), ("time", 2.0), ("say", 0, Say.EXECUTE, 0), ("time", 1.0)]


def for_ever(hold: Any, seconds: float) -> None:
    hold.ends, hold.until = 1e9, 1


@pytest.mark.parametrize(
    ("steps", "where", "defect", "words"),
    [
        (ALONE, "sereno.hub.consent._check", lambda *_: None, "never by the same person"),
        (TOO_LATE, "sereno.hub.hold.Hold._wait", for_ever, "never after its selection"),
    ],
)
async def test_the_judge_catches_what_it_is_for(
    plant: Any, steps: list[tuple[Any, ...]], where: str, defect: Any, words: str
) -> None:
    with patch(where, defect), pytest.raises(AssertionError, match=words):
        await run(Trial, plant, steps)
