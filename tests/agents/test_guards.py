"""Guards over ports made by hand: what they send, in whose name, and when they do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import numpy as np
import pytest

from sereno.access.actor import ROLES, Actor, Right
from sereno.agents.guards import GuardRule, Guards
from sereno.client import Update
from sereno.model import Ack, AckState, Command, Quality, SystemClock, TagSpec

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
        yield Ack(key=command.key, state=AckState.REFUSED, t=1, reason="the interlock")

    async def tell(self, value: float, quality: int = 0, at: int = 0) -> None:
        index = np.array([at], np.int32)
        columns = (np.array([value]), np.array([1]), np.array([quality], np.uint16))
        self.updates.put_nowait(Update(1, 1, False, index, *columns, EMPTY, np.empty(0, np.int64)))
        for _ in range(10):
            await asyncio.sleep(0)


async def running(ports: Ports, *rules: GuardRule) -> tuple[Guards, asyncio.Task[None]]:
    guards = Guards(rules, ports, ports, SystemClock())  # type: ignore[arg-type]
    return guards, asyncio.create_task(guards.run())


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
