"""Steps and rates of set-points: no way around them in small commands."""

from __future__ import annotations

from typing import Any

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.hub.router import CommandRouter
from sereno.model import Access, Ack, AckState, Command, Quality, Setpoint, TagSpec

OLGA = Actor("olga", (ROLES["operator"],))
S = AckState


class Line:
    """A device with one set-point whose scans follow every write."""

    def __init__(self, plant: Any, **limits: Any) -> None:
        self.plant, self.clock = plant, plant.clock
        self.spec = TagSpec(path="a/plc/dose", access=Access.READ_WRITE, unit="%", setpoint=Setpoint(**limits))
        self.group = plant.group(self.spec)
        self.now = 10.0
        self.written: list[float] = []
        self.router = CommandRouter(plant.hub, plant.clock, handlers={"a/plc": self})
        self.scan()

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        self.now = value
        self.written.append(value)

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        raise AssertionError

    def scan(self, quality: int = 0) -> None:
        self.plant.publish(self.group, [self.now], quality)

    async def ask(self, value: float) -> Ack:
        stream = self.router.submit(Command(target="a/plc/dose", value=value), OLGA)
        for _ in range(3):
            await self.clock.advance(0)
            self.scan()
        return [ack async for ack in stream][-1]


async def test_one_step(plant: Any) -> None:
    line = Line(plant, max_step=5.0)
    ack = await line.ask(15.1)
    assert ack.state is S.REFUSED
    assert ack.reason == "from 10 % to 15.1 % is a step of 5.1, a/plc/dose takes at most 5 at once"
    assert (await line.ask(4.9)).state is S.REFUSED
    assert (await line.ask(15.0)).state is S.DONE
    assert (await line.ask(20.0)).state is S.DONE
    assert line.written == [15.0, 20.0]


async def test_many_small_commands_get_no_further_than_one(plant: Any) -> None:
    line = Line(plant, max_rate=1.0)
    await line.clock.advance(10)
    assert (await line.ask(20.0)).state is S.DONE
    ack = await line.ask(20.5)
    assert ack.state is S.REFUSED
    assert ack.reason.endswith("0.0 s after the last; a/plc/dose takes at most 1 per second, so wait 0.5 s more")
    for _ in range(40):
        await line.clock.advance(0.5)
        for step in (2.0, 0.6, 0.4):
            await line.ask(line.now + step)
    passed = line.clock.now - 1000
    assert 25 < line.now <= 10 + passed
    assert all(b - a <= 1.0 for a, b in zip(line.written[1:], line.written[2:], strict=False))


@pytest.mark.parametrize("quality", [Quality.STALE, Quality.SUBSTITUTED, Quality.WAITING])
async def test_without_a_good_value_nothing_moves(plant: Any, quality: Quality) -> None:
    line = Line(plant, max_step=5.0)
    line.scan(quality)
    ack = await line.ask(11.0)
    assert ack.state is S.REFUSED
    assert "how far a/plc/dose would move cannot be judged" in ack.reason
    assert line.written == []


async def test_the_present_value_is_the_one_of_the_moment_of_the_check(plant: Any) -> None:
    line = Line(plant, max_step=5.0)
    stream = line.router.submit(Command(target="a/plc/dose", value=15.0), OLGA)
    line.now = 30.0
    line.scan()
    assert [ack async for ack in stream][-1].state is S.REFUSED
    assert line.written == []
