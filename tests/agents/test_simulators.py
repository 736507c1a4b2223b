"""Simulators under supervision, with processes that are made up: ended, hung, chosen scenarios, begun and not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from sereno.access.actor import ROLES, Actor
from sereno.agents.simulators import (
    NONE,
    SimulatorRule,
    SimulatorRun,
    Simulators,
    SupervisedSimulator,
    simulator_alarms,
)
from sereno.agents.supervision import Patience
from sereno.app.serve.server import DeviceServer
from sereno.client import Client
from sereno.device import Environment
from sereno.expression.compiler import compile_expression
from sereno.model import AckState, OperationError, severity
from sereno.testing import JumpingClock, jumping

ADMIN = Actor("admin", (ROLES["admin"],))
PATH = "simulator/plc"


class Launcher:
    """A SimulatorControl without processes: what was begun, and how it is."""

    def __init__(self, clock: JumpingClock) -> None:
        self.clock = clock
        self.begun: list[str] = []
        self.now: SimulatorRun | None = None
        self.answers = self.becomes_ready = True
        self.broken = ""
        self.member: SupervisedSimulator | None = None

    def run(self, device: str) -> SimulatorRun | None:
        assert device == PATH
        if self.now is None or self.now.exit_code is not None or not self.answers:
            return self.now
        self.now = replace(self.now, answers=self.now.answers + 1)
        return self.now

    async def start(self, device: str, scenario: str) -> None:
        assert device == PATH
        if self.broken:
            raise OperationError(self.broken)
        self.begun.append(scenario)
        self.now = SimulatorRun(100 + len(self.begun), self.clock.monotonic(), ready=self.becomes_ready)

    async def stop(self, device: str) -> None:
        assert device == PATH
        await self.clock.sleep(0.3)
        self.now = None

    def dies(self, code: int, words: str = "") -> None:
        assert self.now is not None
        self.now = replace(self.now, exit_code=code, last_words=words)


@asynccontextmanager
async def simulated(clock: JumpingClock, **declared: Any) -> AsyncIterator[tuple[Launcher, Client]]:
    async with DeviceServer([], Environment(clock=clock)) as server:
        launcher = Launcher(clock)
        rule = SimulatorRule("plc", **{"patience": Patience(5.0, 3), "url": "tcp://127.0.0.1:5003", **declared})
        simulators = Simulators([rule], launcher, server.hub, clock)
        (launcher.member,) = simulators.simulators
        server.router.register(PATH, launcher.member)
        await simulators.begin()
        await simulators.settled(5.0)
        task = asyncio.create_task(simulators.run())
        try:
            await clock.sleep(3.5)
            yield launcher, server.client(ADMIN)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def told(client: Client) -> tuple[str, int]:
    return (await client.get(f"{PATH}/state")).value, (await client.get(f"{PATH}/restarts")).value


@jumping
async def test_who_answers_is_left_alone_and_who_ends_is_back_within_seconds(clock: JumpingClock) -> None:
    async with simulated(clock) as (launcher, client):
        await clock.sleep(60.0)
        assert await told(client) == ("running", 0)
        assert (await client.get(f"{PATH}/pid")).value == 101
        launcher.dies(-9)
        await clock.sleep(2.5)
        assert await told(client) == ("running", 1)
        assert (await client.get(f"{PATH}/pid")).value == 102
        assert launcher.begun == ["", ""]


@jumping
async def test_who_hangs_is_started_again_after_its_patience(clock: JumpingClock) -> None:
    async with simulated(clock) as (launcher, client):
        launcher.answers = False
        await clock.sleep(3.0)
        assert await told(client) == ("running", 0)
        await clock.sleep(4.0)
        launcher.answers = True
        await clock.sleep(3.0)
        assert await told(client) == ("running", 1)


@jumping
async def test_who_ends_again_and_again_is_given_up_with_its_last_words(clock: JumpingClock) -> None:
    async with simulated(clock) as (launcher, client):
        for _ in range(4):
            launcher.dies(1, "cannot listen on 127.0.0.1:5003")
            await clock.sleep(2.5)
        assert await told(client) == ("given_up", 3)
        assert severity((await client.get(f"{PATH}/pid")).quality) == "bad"
        await clock.sleep(60.0)
        assert len(launcher.begun) == 4
        assert "exit code 1: cannot listen on 127.0.0.1:5003, 3 restarts within" in why(launcher)
        assert (await client.call(PATH, "start")).state is AckState.DONE
        await clock.sleep(2.0)
        assert await told(client) == ("running", 3)


def why(launcher: Launcher) -> str:
    assert launcher.member is not None
    return launcher.member.status().status


@jumping
async def test_who_is_not_ready_is_starting_until_its_time_is_over(clock: JumpingClock) -> None:
    async with simulated(clock) as (launcher, client):
        launcher.becomes_ready = False
        await client.call(PATH, "restart")
        await clock.sleep(50.0)
        assert await told(client) == ("starting", 0)
        launcher.becomes_ready = True
        await clock.sleep(15.0)
        assert await told(client) == ("running", 1)


@jumping
async def test_how_long_it_may_take_is_its_own_and_told_meanwhile(clock: JumpingClock) -> None:
    async with simulated(clock, startup=8.0) as (launcher, client):
        launcher.becomes_ready = False
        await client.call(PATH, "restart")
        await clock.sleep(5.0)
        assert (await told(client), why(launcher)) == (("starting", 0), "not ready yet, 5 s of 8 s are over")
        await clock.sleep(4.5)
        assert await told(client) == ("starting", 1)
        assert why(launcher).startswith("it was not ready within 8 s; not ready yet, ")
        launcher.becomes_ready = True
        await clock.sleep(10.5)
        assert (await told(client), why(launcher)) == (("running", 2), "it was not ready within 8 s")


@jumping
async def test_one_that_is_starting_is_not_told_to_run_now_and_then(clock: JumpingClock) -> None:
    async with simulated(clock) as (launcher, client):
        launcher.becomes_ready = False
        await client.call(PATH, "restart")
        member, seen = launcher.member, set()
        assert member is not None
        publish = member.publish

        def noted() -> None:
            seen.add(str(member.machine.state))
            publish()

        member.publish = noted  # type: ignore[method-assign]
        await clock.sleep(10.0)
        assert seen == {"starting"}


@jumping
async def test_who_does_its_work_and_ends_is_not_started_again(clock: JumpingClock) -> None:
    async with simulated(clock, begins=False, ends=True) as (launcher, client):
        assert (await told(client), launcher.begun) == (("stopped", 0), [])
        await client.call(PATH, "start")
        await clock.sleep(2.0)
        assert await told(client) == ("running", 0)
        launcher.dies(4, "1 denied")
        await clock.sleep(30.0)
        assert (await told(client), launcher.begun) == (("stopped", 0), [""])
        assert why(launcher) == "it ended with exit code 4: 1 denied"
        await client.call(PATH, "start")
        launcher.dies(0, "4 requests: 4 accepted")
        await clock.sleep(2.0)
        assert (await told(client), why(launcher)) == (("stopped", 0), "it has done its work")


@jumping
async def test_a_scenario_is_chosen_at_a_start_and_kept_over_restarts(clock: JumpingClock) -> None:
    async with simulated(clock, scenarios=("plc", "full")) as (launcher, client):
        assert (await client.get(f"{PATH}/scenario")).value == NONE
        assert (await client.call(PATH, "restart", "full")).state is AckState.DONE
        launcher.dies(-9)
        await clock.sleep(3.0)
        assert launcher.begun == ["", "full", "full"]
        assert (await client.get(f"{PATH}/scenario")).value == "full"
        refused = await client.call(PATH, "restart", "rain")
        assert refused.state is not AckState.DONE
        assert "one scenario of none, plc, full; given: 'rain'" in refused.reason
        assert (await client.call(PATH, "restart", NONE)).state is AckState.DONE
        assert launcher.begun[-1] == ""
        assert (await client.call(PATH, "stop", "full")).state is not AckState.DONE


@jumping
async def test_one_that_is_restarted_by_hand_is_started_once(clock: JumpingClock) -> None:
    async with simulated(clock) as (launcher, client):
        for _ in range(5):
            await client.call(PATH, "restart")
            await clock.sleep(1.7)
        assert (await told(client), len(launcher.begun)) == (("running", 0), 6)


@jumping
async def test_what_cannot_be_started_is_given_up_and_says_why(clock: JumpingClock) -> None:
    async with simulated(clock) as (launcher, client):
        launcher.broken = "no more processes"
        launcher.dies(-9)
        await clock.sleep(2.0)
        assert (await told(client))[0] == "given_up"
        assert why(launcher) == "no more processes"


@jumping
async def test_a_stopped_one_stays_stopped_and_nothing_is_written(clock: JumpingClock) -> None:
    async with simulated(clock) as (launcher, client):
        assert (await client.call(PATH, "stop")).state is AckState.DONE
        await clock.sleep(30.0)
        assert (await told(client), len(launcher.begun)) == (("stopped", 0), 1)
        assert "stopped by admin at" in why(launcher)
        assert (await client.write(f"{PATH}/state", "running")).state is AckState.REFUSED


def test_an_alarm_of_its_own_for_each() -> None:
    (alarm,) = simulator_alarms([SimulatorRule("plc")])
    labels = ("starting", "running", "stopped", "given_up")
    made = compile_expression(alarm.condition, str, labels=lambda _: labels)
    assert [bool(made.evaluate([code], [0])[0]) for code in range(4)] == [False, False, False, True]
