"""The supervisor over real devices on a jumping clock: hung, failing, stopped, given up, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from sereno import Device, scan, tag
from sereno.access.actor import ROLES, Actor
from sereno.agents.supervision import Patience
from sereno.agents.supervisor import AgentRule, SupervisedAgent, Supervisor, agent_alarms
from sereno.app.agents import AgentDevices
from sereno.app.serve.server import DeviceServer
from sereno.client import Client
from sereno.device import Environment, device_configs
from sereno.expression.compiler import compile_expression
from sereno.hub.hub import Hub
from sereno.model import AckState, OperationError, RefusedError, severity
from sereno.testing import JumpingClock, jumping

ADMIN = Actor("admin", (ROLES["admin"],))
AGENT, WATCH = "lab/agent", "lab/agent/supervision"


class Agent(Device):
    """Counts its rounds; hangs or fails as told."""

    rounds: int = tag(scan="work")
    trouble = ""
    heals = False
    fails_to_start = False
    starts = 0
    watched: SupervisedAgent | None = None

    def startup(self) -> None:
        type(self).starts += 1
        if self.fails_to_start:
            raise OSError("the cable is out")
        if self.heals and self.starts > 1:
            type(self).trouble = ""

    @scan(period="1s")
    async def work(self) -> None:
        if self.trouble == "hang":
            await asyncio.get_running_loop().create_future()
        if self.trouble == "fail":
            raise RuntimeError("nothing works")
        self.rounds = int((await self.client.get("lab/agent/rounds")).value or 0) + 1


@asynccontextmanager
async def supervised(clock: JumpingClock, **patience: Any) -> AsyncIterator[tuple[type[Agent], Client]]:
    cls = type("Fresh", (Agent,), {"__module__": __name__, "__doc__": "One of its own."})
    async with DeviceServer(device_configs(cls, AGENT), Environment(clock=clock)) as server:
        rule = AgentRule(AGENT, Patience(**patience))
        supervisor = Supervisor([rule], AgentDevices(server.devices), server.hub, clock)
        cls.watched = supervisor.members[WATCH]
        server.router.register(WATCH, cls.watched)
        task = asyncio.create_task(supervisor.run())
        try:
            await clock.sleep(3.5)
            yield cls, server.client(ADMIN)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def told(client: Client) -> tuple[str, int]:
    return (await client.get(f"{WATCH}/state")).value, (await client.get(f"{WATCH}/restarts")).value


@jumping
async def test_who_works_is_left_alone(clock: JumpingClock) -> None:
    async with supervised(clock) as (cls, client):
        await clock.sleep(60)
        assert await told(client) == ("running", 0)
        assert cls.starts == 1
        assert (await client.get(f"{AGENT}/rounds")).value > 50


@jumping
async def test_who_works_is_told_now_and_then_and_who_is_silent_each_second(clock: JumpingClock) -> None:
    async with supervised(clock, silent=30.0) as (cls, client):
        await clock.sleep(60)
        quiet = [await _age(client, clock) for _ in range(20)]
        assert 4.0 <= max(quiet) <= 5.0
        cls.trouble = "hang"
        await clock.sleep(10)
        assert max([await _age(client, clock) for _ in range(10)]) <= 1.0
        assert (await client.get(f"{WATCH}/silence")).value > 15
        await client.call(WATCH, "stop")
        assert (await told(client))[0] == "stopped"


@jumping
async def test_who_is_heard_again_is_told_to_be_at_once(clock: JumpingClock) -> None:
    async with supervised(clock, silent=30.0) as (cls, client):
        cls.trouble = "fail"
        await clock.sleep(20)
        assert (await client.get(f"{WATCH}/silence")).value > 15
        before, cls.trouble = (await client.get(f"{AGENT}/rounds")).value, ""
        while (await client.get(f"{AGENT}/rounds")).value == before:
            await clock.sleep(0.1)
        await clock.sleep(1.5)
        assert (await client.get(f"{WATCH}/silence")).value < 2


async def _age(client: Client, clock: JumpingClock) -> float:
    """Seconds since it was told, after one more."""
    await clock.sleep(1)
    return (await client.get(f"{WATCH}/silence")).age


@pytest.mark.parametrize("trouble", ["hang", "fail"])
def test_who_falls_silent_is_started_again(trouble: str) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        async with supervised(clock, silent=5.0, limit=3) as (cls, client):
            cls.trouble, cls.heals = trouble, True
            await clock.sleep(20)
            assert await told(client) == ("running", 1)
            assert cls.starts == 2
            reading = await client.get(f"{AGENT}/rounds")
            assert severity(reading.quality) == "good"

    run()


@jumping
async def test_who_does_not_recover_is_given_up_until_somebody_starts_it(clock: JumpingClock) -> None:
    async with supervised(clock, silent=5.0, limit=2) as (cls, client):
        cls.trouble = "hang"
        await clock.sleep(40)
        assert await told(client) == ("given_up", 2)
        assert severity((await client.get(f"{AGENT}/rounds")).quality) == "bad"
        cls.trouble = ""
        await clock.sleep(60)
        assert cls.starts == 3
        assert (await client.call(WATCH, "start")).state is AckState.DONE
        await clock.sleep(5)
        assert await told(client) == ("running", 2)
        assert severity((await client.get(f"{AGENT}/rounds")).quality) == "good"


@jumping
async def test_who_cannot_start_has_its_time_and_is_given_up_then(clock: JumpingClock) -> None:
    async with supervised(clock, silent=5.0, limit=0) as (cls, client):
        cls.fails_to_start = True
        await client.call(WATCH, "restart")
        await clock.sleep(50.0)
        assert (await told(client))[0] == "starting"
        assert cls.watched is not None
        said = cls.watched.status().status
        assert said.startswith("not started yet, ")
        assert "s of 60 s are over" in said
        assert "the cable is out" in said
        await clock.sleep(20.0)
        assert (await told(client))[0] == "given_up"


@jumping
async def test_stop_restart_start_by_command(clock: JumpingClock) -> None:
    async with supervised(clock) as (cls, client):
        assert (await client.call(WATCH, "stop")).state is AckState.DONE
        await clock.sleep(60)
        assert await told(client) == ("stopped", 0)
        assert cls.starts == 1
        assert (await client.call(WATCH, "restart")).state is AckState.DONE
        await clock.sleep(3)
        again = await client.call(WATCH, "start")
        assert again.state is not AckState.DONE
        assert "runs already" in again.reason
        assert await told(client) == ("running", 0)
        assert cls.starts == 2
        assert (await client.call(WATCH, "dance")).state is not AckState.DONE
        assert (await client.write(f"{WATCH}/state", "running")).state is AckState.REFUSED


class SlowToEnd:
    """An agent that takes its time to end."""

    def __init__(self, clock: JumpingClock) -> None:
        self.clock = clock
        self.runs = True

    def status(self, device: str) -> Any:
        raise NotImplementedError(device)

    async def start(self, device: str) -> None:
        del device
        self.runs = True

    async def stop(self, device: str) -> None:
        del device
        await self.clock.sleep(0.5)
        self.runs = False


@jumping
async def test_who_is_stopped_while_it_is_started_again_stays_stopped(clock: JumpingClock) -> None:
    control = SlowToEnd(clock)
    agent = SupervisedAgent(AgentRule(AGENT, Patience()), control, Hub(clock), clock)
    again = asyncio.create_task(agent.call("restart", ()))
    await clock.sleep(0.1)
    await agent.call("stop", ())
    with pytest.raises(RefusedError, match="overtaken by a later stop"):
        await again
    assert (agent.machine.state, control.runs) == ("stopped", False)


class NeverEnds(SlowToEnd):
    """One that hangs in its end."""

    async def stop(self, device: str) -> None:
        del device
        await self.clock.sleep(1e6)


@jumping
async def test_who_is_stopped_and_does_not_end_is_remembered_as_stopped(clock: JumpingClock) -> None:
    known: dict[str, str] = {}

    async def remember(device: str, why: str) -> None:
        known[device] = why

    agent = SupervisedAgent(AgentRule(AGENT, Patience()), NeverEnds(clock), Hub(clock), clock, remember)
    with pytest.raises(RefusedError, match="does not end within"):
        await agent.call("stop", ())
    assert (agent.machine.state, known[AGENT].startswith("stopped by")) == ("stopped", True)
    await agent.forsake()


@jumping
async def test_who_is_stopped_ends_even_when_that_cannot_be_remembered(clock: JumpingClock) -> None:
    async def full(device: str, why: str) -> None:
        raise OperationError(f"the disk is full: {device} {why}")

    control = SlowToEnd(clock)
    agent = SupervisedAgent(AgentRule(AGENT, Patience()), control, Hub(clock), clock, full)
    with pytest.raises(OperationError, match="disk is full"):
        await agent.call("stop", ())
    assert (agent.machine.state, control.runs) == ("stopped", False)


def test_an_alarm_of_its_own_for_each() -> None:
    (alarm,) = agent_alarms([AgentRule(AGENT)])
    labels = ("starting", "running", "stopped", "given_up", "stopping")
    made = compile_expression(alarm.condition, str, labels=lambda _: labels)
    assert [bool(made.evaluate([code], [0])[0]) for code in range(5)] == [False, False, False, True, False]
