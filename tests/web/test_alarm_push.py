"""One watch for all pages of the same rights; a slow page is told the latest of each alarm, in pieces."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from sereno.access.actor import ROLES, Actor
from sereno.client import AlarmKind, AlarmSpec, AlarmState, AlarmStatus, NoAlarms
from sereno.testing import JumpingClock, jumping
from sereno.web import alarm_push
from sereno.web.alarm_push import AlarmPush

OLGA, OTTO = Actor("olga", (ROLES["operator"],)), Actor("otto", (ROLES["operator"],))
VERA = Actor("vera", (ROLES["viewer"],))


def alarm(name: str, state: AlarmState = AlarmState.NORMAL) -> AlarmStatus:
    spec = AlarmSpec(id=name, source=name, kind=AlarmKind.EXPRESSION, inputs=(), priority=1)
    return AlarmStatus(spec=spec, state=state, active=state is not AlarmState.NORMAL)


class Port(NoAlarms):
    """Tells what the test puts in."""

    def __init__(self, first: list[AlarmStatus]) -> None:
        self.first = first
        self.queues: list[asyncio.Queue[list[AlarmStatus]]] = []

    async def watch(self, actor: Actor) -> AsyncIterator[list[AlarmStatus]]:
        queue: asyncio.Queue[list[AlarmStatus]] = asyncio.Queue()
        self.queues.append(queue)
        try:
            yield self.first
            while True:
                yield await queue.get()
        finally:
            self.queues.remove(queue)


def told(slot: Any) -> list[tuple[bool, dict[str, str]]]:
    messages = []
    while (text := slot.take()) is not None:
        message = json.loads(text)
        messages.append((message["whole"], {a["id"]: a["state"] for a in message["alarms"]}))
    return messages


@jumping
async def test_one_watch_for_the_same_rights(clock: JumpingClock) -> None:
    port = Port([alarm("a"), alarm("b", AlarmState.UNACKNOWLEDGED)])
    push = AlarmPush(port, clock)
    woken: list[int] = []
    first, second, other = (push.join(who, lambda n=n: woken.append(n)) for n, who in enumerate((OLGA, OTTO, VERA)))
    await asyncio.sleep(0.01)
    assert len(port.queues) == 2
    assert told(first) == told(other) == [(True, {"b": "unacknowledged"})], "what is normal is not told at first"
    port.queues[0].put_nowait([alarm("a", AlarmState.UNACKNOWLEDGED)])
    await asyncio.sleep(0.2)
    port.queues[0].put_nowait([alarm("a", AlarmState.ACKNOWLEDGED), alarm("b")])
    await asyncio.sleep(0.2)
    assert told(first) == [(False, {"a": "acknowledged", "b": "normal"})]
    assert told(first) == []
    assert 0 in woken
    late = push.join(OTTO, lambda: None)
    assert told(late) == [(True, {"a": "acknowledged"})]
    assert told(second) == [(True, {"b": "normal", "a": "acknowledged"})], "it had taken nothing so far"
    for slot in (first, second, late, other):
        await push.leave(slot)
    assert port.queues == []
    again = push.join(OLGA, lambda: None)
    assert again.take() is None, "nothing is known yet"
    await push.close()
    assert port.queues == []


@jumping
async def test_a_flood_comes_in_pieces(clock: JumpingClock) -> None:
    many = [alarm(f"a{i}", AlarmState.UNACKNOWLEDGED) for i in range(2 * alarm_push.AT_ONCE + 1)]
    push = AlarmPush(Port(many), clock)
    slot = push.join(OLGA, lambda: None)
    await asyncio.sleep(0.01)
    messages = told(slot)
    assert [(whole, len(alarms)) for whole, alarms in messages] == [(True, 500), (False, 500), (False, 1)]
    assert {name for _, alarms in messages for name in alarms} == {one.spec.id for one in many}
    await push.close()


def test_states_are_kept_small() -> None:
    encoded = alarm_push._encoded(replace(alarm("a", AlarmState.SHELVED), note="x"))
    assert len(encoded) < 400
