"""Who is supervised, commanded by several people at once while it ends, hangs and cannot be started."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sereno.access.actor import ROLES, Actor
from sereno.agents.simulators import SimulatorRule, SimulatorRun, Simulators
from sereno.agents.supervision import AgentState, Patience, Supervision
from sereno.agents.supervisor import AgentRule, SupervisedAgent, Supervisor
from sereno.client import DeviceStatus
from sereno.hub.hub import Hub
from sereno.model import Clock, LinkState, OperationalState, OperationError, RefusedError
from sereno.testing import JumpingClock, jumping

LIMIT, WITHIN = 2, 60.0
PEOPLE = ("start", "stop", "restart")
TROUBLES = ("dies", "hangs", "breaks", "mends", "lingers")


class Machine:
    """A SimulatorControl that takes time to begin and to end, and finds out who begins it twice."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.now: SimulatorRun | None = None
        self.answers, self.broken, self.ending = True, False, 0.3
        self.begun: list[float] = []

    def run(self, device: str) -> SimulatorRun | None:
        del device
        if self.now is not None and self.answers and self.now.exit_code is None:
            self.now = replace(self.now, answers=self.now.answers + 1)
        return self.now

    async def start(self, device: str, scenario: str) -> None:
        del scenario
        assert self.now is None, "it runs already"
        await self.clock.sleep(0.2)
        if self.broken:
            raise OperationError(f"{device} cannot be started")
        self.answers = True
        self.now = SimulatorRun(1, self.clock.monotonic(), ready=True)
        self.begun.append(self.clock.monotonic())

    async def stop(self, device: str) -> None:
        del device
        await self.clock.sleep(self.ending)
        self.now = None

    def suffer(self, what: str) -> None:
        match what:
            case "dies" if self.now is not None:
                self.now = replace(self.now, exit_code=1)
            case "hangs":
                self.answers = False
            case "breaks" | "mends":
                self.broken = what == "breaks"
            case "lingers":
                self.ending = 0.3 if self.ending > 1 else 12.0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(PEOPLE + TROUBLES), st.sampled_from([0.0, 0.1, 0.6, 2.5, 14.0])), max_size=14)
)
def test_whatever_happens_it_is_as_the_last_person_wants_or_given_up(events: list[tuple[str, float]]) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        control = Machine(clock)
        rule = SimulatorRule("plc", Patience(5.0, LIMIT, WITHIN))
        simulators = Simulators([rule], control, Hub(clock), clock)
        (member,) = simulators.simulators
        await simulators.begin()
        watching = asyncio.create_task(simulators.run())
        said: list[asyncio.Task[None]] = []
        try:
            wanted = True
            for what, pause in events:
                if what in PEOPLE:
                    refused = what == "start" and not member.resting
                    wanted = wanted if refused else what != "stop"
                    said.append(asyncio.create_task(member.call(what, ())))
                    await asyncio.sleep(0)
                else:
                    control.suffer(what)
                await clock.sleep(pause)
            control.suffer("mends")
            control.ending = 0.3
            await clock.sleep(60.0)
            assert all(task.done() for task in said)
            runs = control.now is not None and control.now.exit_code is None
            state = member.machine.state
            assert state in (AgentState.RUNNING, AgentState.GIVEN_UP) if wanted else state is AgentState.STOPPED
            assert runs is (state is AgentState.RUNNING)
            assert member.state is state, "what lingers has ended by then"
        finally:
            watching.cancel()
            await asyncio.gather(watching, *said, return_exceptions=True)

    run()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["late", "well", "slow", *PEOPLE]), st.floats(0.0, 40.0)), max_size=60))
def test_of_itself_it_is_started_again_within_its_limit_and_told_of_once_given_up(
    events: list[tuple[str, float]],
) -> None:
    machine, now = Supervision(Patience(5.0, LIMIT, WITHIN)), 0.0
    restarts: list[float] = []
    for what, pause in events:
        now += pause
        match what:
            case "stop":
                machine.stop("stopped by somebody")
                assert machine.state is AgentState.STOPPED
                continue
            case "start" | "restart":
                machine.start()
                restarts.clear()
                assert (machine.state, machine.why) == (AgentState.STARTING, "")
                continue
        before = machine.state
        done = machine.judge(1.0 if what == "late" else -1.0, "silent", now, ready=what == "well")
        restarts += [now] if done == "restart" else []
        assert sum(now - t <= WITHIN for t in restarts) <= LIMIT
        assert (done == "stop") is (machine.state is AgentState.GIVEN_UP and before is not AgentState.GIVEN_UP)
        if before in (AgentState.STOPPED, AgentState.GIVEN_UP):
            assert (done, machine.state) == ("", before)
        elif what != "late":
            assert machine.state is (AgentState.RUNNING if what == "well" else AgentState.STARTING)


class Slow:
    """An AgentControl of one that begins at once and ends in half a second."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.runs, self.begun = True, 0

    def status(self, device: str) -> DeviceStatus:
        """It is up, and has no timers."""
        state, link = OperationalState.ENABLED, LinkState.UP
        return DeviceStatus(
            path=device, driver="", url="", state=state, link=link, last_error="", since=0, stale_after=1
        )

    async def start(self, device: str) -> None:
        del device
        self.runs, self.begun = True, self.begun + 1

    async def stop(self, device: str) -> None:
        del device
        await self.clock.sleep(0.5)
        self.runs = False


def agent(clock: Clock, control: Slow, seconds: float = 0.0) -> SupervisedAgent:
    async def remember(device: str, why: str) -> None:
        del device
        await clock.sleep(seconds if why else 0.0)

    return SupervisedAgent(AgentRule("lab/agent", Patience()), control, Hub(clock), clock, remember)  # type: ignore[arg-type]


@jumping
async def test_a_start_right_after_a_stop_counts_even_when_the_stop_takes_long_to_be_remembered(
    clock: JumpingClock,
) -> None:
    control = Slow(clock)
    one = agent(clock, control, 1.0)
    stop = asyncio.create_task(one.call("stop", ()))
    await clock.sleep(0.1)
    await one.call("start", ())
    with pytest.raises(RefusedError, match="overtaken by a later start of lab/agent"):
        await stop
    assert (one.machine.state, control.runs) == (AgentState.STARTING, True)


class Stubborn(Slow):
    """One that ends after half a minute, and may not be begun before."""

    async def start(self, device: str) -> None:
        assert not self.runs, "a second one is begun beside it"
        await super().start(device)

    async def stop(self, device: str) -> None:
        await self.clock.sleep(30.0 if self.runs else 0.0)
        await super().stop(device)


@jumping
async def test_one_that_is_stopped_and_does_not_end_is_told_to_run_until_it_has_ended(clock: JumpingClock) -> None:
    control = Stubborn(clock)
    supervisor = Supervisor([AgentRule("lab/agent")], control, hub := Hub(clock), clock)  # type: ignore[arg-type]
    (one,) = supervisor.members.values()
    watching = asyncio.create_task(supervisor.run())
    reader = Actor("reader", (ROLES["viewer"],))

    async def told() -> object:
        return (await hub.read(["lab/agent/supervision/state"], reader))[0].value

    with pytest.raises(RefusedError, match="does not end within 10 s, and still runs"):
        await one.call("stop", ())
    await clock.sleep(1.5)
    assert (await told(), one.machine.state) == ("stopping", AgentState.STOPPED)
    assert one.status().status.endswith("; it does not end, and still runs")
    with pytest.raises(RefusedError, match="does not end within"):
        await one.call("start", ())
    assert control.begun == 0
    with suppress(RefusedError):
        await one.call("stop", ())
    await clock.sleep(30.0)
    assert (await told(), control.runs) == ("stopped", False)
    assert "does not end" not in one.status().status
    await one.call("start", ())
    assert (control.runs, control.begun) == (True, 1)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@jumping
async def test_one_that_was_to_start_anew_does_so_when_it_has_ended_after_all(clock: JumpingClock) -> None:
    control = Stubborn(clock)
    one = agent(clock, control)
    with pytest.raises(RefusedError, match="does not end within"):
        await one.call("restart", ())
    assert one.state is AgentState.STOPPING
    await clock.sleep(25.0)
    await one.look()
    assert (one.machine.state, control.runs, control.begun) == (AgentState.RUNNING, True, 1)


@jumping
async def test_two_people_who_restart_it_at_once_restart_it_once(clock: JumpingClock) -> None:
    control = Slow(clock)
    one = agent(clock, control)
    said = await asyncio.gather(*(one.call("restart", ()) for _ in range(2)), return_exceptions=True)
    assert [type(answer) for answer in said] == [RefusedError, type(None)]
    assert control.begun == 1


@jumping
async def test_one_that_does_not_end_and_that_a_person_stopped_meanwhile_is_not_given_up(clock: JumpingClock) -> None:
    control = Machine(clock)
    control.ending = 1e6
    simulators = Simulators([SimulatorRule("plc", Patience(5.0, 3))], control, Hub(clock), clock)
    (member,) = simulators.simulators
    control.now = SimulatorRun(1, clock.monotonic(), ready=True, exit_code=1)
    task = asyncio.create_task(simulators.run())
    await clock.sleep(3.0)
    assert member.machine.restarts == 1
    with suppress(RefusedError):
        await member.call("stop", ())
    assert (member.machine.state, member.machine.why[:10]) == (AgentState.STOPPED, "stopped by")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@jumping
async def test_one_that_cannot_be_started_with_the_node_keeps_nobody_else_from_it(clock: JumpingClock) -> None:
    control = Machine(clock)
    control.broken = True
    simulators = Simulators([SimulatorRule("plc")], control, Hub(clock), clock)
    await simulators.begin()
    (member,) = simulators.simulators
    task = asyncio.create_task(simulators.run())
    await clock.sleep(3.0)
    assert (member.machine.state, member.status().status) == (AgentState.GIVEN_UP, "simulator/plc cannot be started")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
