"""Guards over ports made by hand: what they send, in whose name, and when they do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import ROLES, Actor, Right
from sereno.agents.guards import WATCH_AGAIN, GuardRule, Guards
from sereno.client import Update, guard_json
from sereno.client._guards import parse_guard
from sereno.model import Ack, AckState, Clock, Command, NotFoundError, Quality, SystemClock, TagSpec, Verb
from sereno.testing import JumpingClock, run_jumping

X, Y, OUT = "a/d/x", "a/d/y", "a/d/out"
RULE = GuardRule(name="g", when=f"{X} > 5", inputs=(X,), target=OUT, value=0, actor="guard/g", cooldown=0.0)
EMPTY = np.empty(0, np.int32)


class Ports:
    """Live values by hand, commands kept."""

    def __init__(self, paths: Sequence[str]) -> None:
        self.tags = tuple(TagSpec(path=path) for path in paths)
        self.updates: asyncio.Queue[Update] = asyncio.Queue()
        self.sent: list[tuple[Command, Actor]] = []
        self.asked: list[Sequence[str]] = []
        self.closed = False
        self.answers: list[AckState] = []

    async def subscribe(self, globs: Sequence[str], actor: Actor, **_: Any) -> Ports:
        assert all(actor.may(Right.READ, path) and not actor.may(Right.WRITE, path) for path in globs)
        self.asked.append(globs)
        return self

    def __aiter__(self) -> Ports:
        return self

    async def __anext__(self) -> Update:
        return await self.updates.get()

    async def close(self) -> None:
        self.closed = True

    async def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:
        self.sent.append((command, actor))
        state = self.answers.pop(0) if self.answers else AckState.REFUSED
        yield Ack(key=command.key, state=state, t=1, reason="" if state is AckState.DONE else "the interlock")

    async def tell(self, value: float, quality: int = 0, at: int = 0) -> None:
        index = np.array([at], np.int32)
        columns = (np.array([value]), np.array([1]), np.array([quality], np.uint16))
        self.updates.put_nowait(Update(1, 1, False, index, *columns, EMPTY, np.empty(0, np.int64)))
        for _ in range(10):
            await asyncio.sleep(0)


async def running(ports: Ports, *rules: GuardRule, clock: Clock | None = None) -> tuple[Guards, asyncio.Task[None]]:
    guards = Guards(rules, ports, ports, clock or SystemClock())  # type: ignore[arg-type]
    return guards, asyncio.create_task(guards.run())


async def test_it_may_call_a_command_and_nothing_else() -> None:
    ports = Ports([X])
    rule = GuardRule(
        name="g", when=f"{X} > 5", inputs=(X,), target="a/dome", value=None, actor="guard/g", call="close",
        arguments=(True,),
    )  # fmt: skip
    guards, task = await running(ports, rule)
    await ports.tell(9.0)
    ((command, actor),) = ports.sent
    assert (command.target, command.verb, command.name, command.arguments) == ("a/dome", Verb.CALL, "close", (True,))
    assert actor.may(Right.CALL, "a/dome")
    assert not actor.may(Right.WRITE, "a/dome")
    (status,) = await guards.guards(Actor("v", (ROLES["viewer"],)))
    assert status.command == "a/dome close(True)"
    told = parse_guard(json.loads(json.dumps(guard_json(status))))
    assert (told.command, told.arguments) == (status.command, (True,))
    await stopped(task)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_one_command_in_its_own_name_that_is_not_repeated_when_refused() -> None:
    ports = Ports([X])
    guards, task = await running(ports, RULE)
    for value in (9.0, 10.0, 11.0):
        await ports.tell(value)
    ((command, actor),) = ports.sent
    assert (command.target, command.value, command.actor, command.origin) == (OUT, 0, "guard/g", "guard g")
    assert "a/d/x > 5 (a/d/x 9)" in command.comment
    assert actor.may(Right.WRITE, OUT)
    assert not any(
        actor.may(right, path) for right in Right for path in (X, OUT) if (right, path) != (Right.WRITE, OUT)
    )
    (status,) = await guards.guards(Actor("v", (ROLES["viewer"],)))
    assert (status.state, status.acted, status.outcome) == ("fired", 1, "refused: the interlock")
    await ports.tell(1.0)
    await ports.tell(9.0, int(Quality.SUBSTITUTED))
    assert "a/d/x 9 substituted" in ports.sent[1][0].comment
    await stopped(task)
    assert ports.closed


@pytest.mark.parametrize(("act", "sent"), [(False, 0), (True, 1)])
async def test_what_a_stale_input_does_is_declared(act: bool, sent: int) -> None:
    ports = Ports([X])
    rule = GuardRule(name="g", when=f"{X} > 5", inputs=(X,), target=OUT, value=0, actor="guard/g", act_on_stale=act)
    _, task = await running(ports, rule)
    await ports.tell(9.0, int(Quality.STALE))
    assert len(ports.sent) == sent
    await stopped(task)


async def test_nothing_is_judged_before_every_input_has_spoken() -> None:
    ports = Ports([X, Y])
    rule = GuardRule(name="g", when=f"not good({X}) or {Y} > 5", inputs=(X, Y), target=OUT, value=0, actor="guard/g")
    _, task = await running(ports, rule)
    await ports.tell(9.0, at=1)
    assert ports.sent == []
    await ports.tell(1.0)
    assert len(ports.sent) == 1
    await stopped(task)


async def test_without_rules_nothing_is_subscribed() -> None:
    ports = Ports([])
    _, task = await running(ports)
    await settled()
    assert ports.asked == []
    await stopped(task)


async def test_other_rules_are_watched_from_now_on_and_the_same_ones_go_on_as_they_are() -> None:
    ports = Ports([X])
    guards, task = await running(ports, RULE)
    await ports.tell(9.0)
    other = GuardRule(name="h", when=f"{X} > 100", inputs=(X,), target=OUT, value=1, actor="guard/h")
    guards.replace([RULE, other])
    await settled()
    assert len(ports.asked) == 2
    await ports.tell(10.0)
    assert [command.actor for command, _ in ports.sent] == ["guard/g"]
    await ports.tell(101.0)
    assert [command.actor for command, _ in ports.sent] == ["guard/g", "guard/h"]
    assert [status.name for status in await guards.guards(Actor("v", (ROLES["viewer"],)))] == ["g", "h"]
    guards.replace([other])
    await settled()
    assert [status.name for status in await guards.guards(Actor("v", (ROLES["viewer"],)))] == ["h"]
    await stopped(task)


def test_a_command_that_was_not_done_goes_out_again_until_it_is_and_people_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock, viewer = JumpingClock(), Actor("v", (ROLES["viewer"],))

    async def played() -> None:
        ports = Ports([X])
        ports.answers = [AckState.FAILED, AckState.UNKNOWN, AckState.TIMED_OUT, AckState.REFUSED, AckState.DONE]
        rule = replace(RULE, cooldown=5.0, retry=True)
        guards, task = await running(ports, rule, clock=clock)
        await ports.tell(9.0)
        told = []
        for number in range(1, 6):
            (status,) = await guards.guards(viewer)
            told.append((len(ports.sent), status.state, status.failed, bool(guards.problem)))
            assert len(ports.sent) == number
            await clock.sleep(5.0)
            await settled()
        assert told == [
            (1, "retrying", 1, False),
            (2, "retrying", 2, False),
            (3, "retrying", 3, False),
            (4, "retrying", 4, True),
            (5, "fired", 0, False),
        ]
        assert [command.comment[-11:] for command, _ in ports.sent[1:3]] == [", attempt 2", ", attempt 3"]
        assert len({command.key for command, _ in ports.sent}) == 5
        await clock.sleep(60.0)
        assert len(ports.sent) == 5  # done: whoever undoes it has his reasons
        await stopped(task)

    run_jumping(played(), clock=clock)
    assert "a guard keeps failing" in capsys.readouterr().out


def test_what_another_command_is_doing_already_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    clock = JumpingClock()

    class Busy(Ports):
        async def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:
            self.sent.append((command, actor))
            details = {"kind": "RefusedError", "text": "busy", "fields": {"being_done": True}}
            yield Ack(key=command.key, state=AckState.REFUSED, t=1, reason="of guard/h", details=details)

    async def played() -> None:
        ports = Busy([X])
        guards, task = await running(ports, replace(RULE, cooldown=5.0, retry=True), clock=clock)
        await ports.tell(9.0)
        for number in range(1, 7):
            assert len(ports.sent) == number, "it goes on: the other one may fail"
            await clock.sleep(5.0)
            await settled()
        (status,) = await guards.guards(Actor("v", (ROLES["viewer"],)))
        assert (status.failed, status.outcome, guards.problem) == (0, "refused: of guard/h", "")
        await stopped(task)

    run_jumping(played(), clock=clock)
    printed = capsys.readouterr().out
    assert "keeps failing" not in printed
    assert "was not done" not in printed


def test_nothing_is_repeated_for_a_guard_that_is_gone_or_a_node_that_stops() -> None:
    clock = JumpingClock()

    async def played() -> None:
        ports = Ports([X])
        guards, task = await running(ports, replace(RULE, cooldown=5.0, retry=True), clock=clock)
        await ports.tell(9.0)
        guards.replace([])
        await settled()
        await clock.sleep(30.0)
        assert len(ports.sent) == 1
        await stopped(task)

    run_jumping(played(), clock=clock)


def test_a_call_that_is_never_answered_counts_as_not_done() -> None:
    clock = JumpingClock()

    class Hanging(Ports):
        async def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:
            self.sent.append((command, actor))
            yield Ack(key=command.key, state=AckState.ACCEPTED, t=1)
            await clock.sleep(1e6)

    async def played() -> None:
        ports = Hanging([X])
        rule = replace(RULE, target="a/dome", value=None, call="close", cooldown=5.0, retry=True)
        guards, task = await running(ports, rule, clock=clock)
        await ports.tell(9.0)
        for number in range(1, 6):
            assert len(ports.sent) == number
            await clock.sleep(61.0)
            await settled()
        assert guards.problem == "guard g: not done 5 times, under way, before: no answer within 60 s"
        await stopped(task)

    run_jumping(played(), clock=clock)


class Breaking(Ports):
    """Values whose subscription breaks, or ends, now and then."""

    def __init__(self, paths: Sequence[str], *ends: Exception) -> None:
        super().__init__(paths)
        self.ends = list(ends)

    async def __anext__(self) -> Update:
        if self.ends:
            raise self.ends.pop(0)
        return await super().__anext__()


@pytest.mark.parametrize("end", [ValueError("a defect"), NotFoundError("no tag a/d/x"), StopAsyncIteration()])
def test_guards_watch_again_whatever_ended_their_watch_and_people_are_told(
    end: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = JumpingClock()

    async def played() -> None:
        ports = Breaking([X], end)
        guards, task = await running(ports, RULE, clock=clock)
        await settled()
        assert guards.problem.startswith("guards do not watch: ")
        await clock.sleep(WATCH_AGAIN + 0.1)
        await ports.tell(9.0)
        assert (guards.problem, len(ports.sent), len(ports.asked)) == ("", 1, 2)
        await stopped(task)

    run_jumping(played(), clock=clock)
    assert "guards do not watch" in capsys.readouterr().out


def test_new_rules_are_watched_at_once_also_while_nothing_is() -> None:
    clock = JumpingClock()

    async def played() -> None:
        ports = Breaking([X], ValueError("a defect"))
        guards, task = await running(ports, RULE, clock=clock)
        await settled()
        guards.replace([RULE, replace(RULE, name="h")])
        await settled()
        await ports.tell(9.0)
        assert (guards.problem, len(ports.sent)) == ("", 2)
        await stopped(task)

    run_jumping(played(), clock=clock)


async def test_a_guard_that_cannot_be_judged_for_a_defect_keeps_no_other_from_acting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ports = Ports([X])
    guards, task = await running(ports, RULE, replace(RULE, name="h"))
    await settled()

    def broken(*_: object) -> None:
        raise ArithmeticError("a defect")

    monkeypatch.setattr(guards._guards[0].expression, "evaluate", broken)
    await ports.tell(9.0)
    assert [command.actor for command, _ in ports.sent] == ["guard/g"]
    assert "guard g cannot be judged: a defect" in guards.problem
    monkeypatch.undo()
    await ports.tell(9.0)
    assert (guards.problem, len(ports.sent)) == ("", 2)
    await stopped(task)
    assert capsys.readouterr().out.count("a guard cannot be judged") == 1
