"""The night played at a site that is pretended: what is done when, and that it ends."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sereno.client import Reading
from sereno.model import Ack, AckState, OperationalState, TagSpec, ValueType
from sereno.testing import JumpingClock, run_jumping
from sereno_observatory.night.play import AFTER, NIGHT
from sereno_observatory.night.script import KINDS

SHOWN = {
    "id": 1, "status": "EXECUTING", "images": [], "changes": [], "sequence": {"name": "Field 1", "albums": []},
}  # fmt: skip
ANSWERS = {"find": json.dumps([{"id": 70, "t_changed": 1}]), "show": json.dumps(SHOWN)}
NOON = 1_795_896_000 * 10**9


@dataclass
class Pretended:
    """Stage, client and simulators in one."""

    clock: JumpingClock
    folder: Path
    seed: int = 1
    told: list[tuple[str, str]] = field(default_factory=list)
    forced: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    people: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.client = self.simulators = self

    def seen_by(self, name: str, role: str) -> Pretended:
        self.people.add((name, role))
        return self

    def say(self, t: int, who: str, what: str) -> None:
        assert t <= self.clock.wall_ns()
        self.told.append((who, what))

    async def devices(self) -> list[Any]:
        return [SimpleNamespace(path="observatory/sequences", state=OperationalState.ENABLED)]

    async def commands(self, since: int) -> AsyncIterator[Any]:
        for one in ():
            yield one

    def force(self, name: str, action: Mapping[str, Any]) -> None:
        self.forced[name] += 1

    def silence(self, name: str, *, silent: bool) -> None:
        self.forced[f"silence {name}"] += 1 if silent else -1

    def watch_shutter(self, seen: Callable[[str, bool], None] | None) -> None:
        if seen is not None:
            self.clock.call_later(3600.0, lambda: seen("closing", True))

    async def subscribe(self, *tags: str) -> Pretended:
        return self

    def __aiter__(self) -> Pretended:
        return self

    async def __anext__(self) -> None:
        await self.clock.sleep(1800.0)

    async def close(self) -> None:
        self.asked["close"] += 1

    async def read(self, *tags: str) -> list[Reading]:
        return [await self.get(tag) for tag in tags]

    async def get(self, tag: str) -> Reading:
        value = 0 if tag == "observatory/observer/sequence" else "IDLE"
        return Reading(TagSpec(path=tag, type=ValueType.STRING), value, 0, "", self.clock.wall_ns(), 0.0)

    async def alarm_journal(self, **_: Any) -> list[Any]:
        return []

    async def write(self, path: str, value: Any, **_: Any) -> Ack:
        self.asked[path] += 1
        return Ack(key="k", state=AckState.REFUSED, t=0)

    async def call(self, device: str, name: str, *_: Any) -> Ack:
        self.asked[name] += 1
        return Ack(key="k", state=AckState.DONE, t=0, value=ANSWERS.get(name, [self.asked[name]]))


def test_it_does_what_is_due_and_ends_after_dawn(tmp_path: Path) -> None:
    begin, end = NIGHT.times(NOON, 0)
    clock = JumpingClock(epoch_ns=begin)
    here = Pretended(clock, tmp_path)

    async def whole() -> Any:
        async with asyncio.timeout(86_400):
            return await NIGHT.run(here)

    outcome = run_jumping(whole(), clock=clock)
    assert clock.wall_ns() == end
    assert end - begin > AFTER * 1e9
    happened = [what for who, what in here.told if who == "it happens"]
    assert len(happened) == len(KINDS) == sum(who == "it ends" for who, _ in here.told)
    assert here.forced["silence plc"] == 0
    assert here.forced["plc"] >= 2 * (len(KINDS) - 2)
    assert here.forced["cameraVIS"] == 1
    assert here.asked["add"] >= 30 + len(KINDS)
    assert here.people == {("vera", "engineer"), ("simulator/users", "operator")}
    assert here.asked["show"] == len(KINDS)  # what was not touched in this night is not asked for
    assert outcome.figures["program"] == f"{len(KINDS)} EXECUTING"
    assert any("stated result" in promise and "sequence" in promise for promise in outcome.broken)
    assert here.asked["site/plc/dome_open"] >= len(KINDS) - 1
    assert ("the dome", "closing, by itself: nobody was heard") in here.told
    assert ("majordome/activity", "IDLE") in here.told
    assert outcome.figures["dome_opened"] == 0
    assert any("opened again" in promise for promise in outcome.broken)
