"""The supervisor: watches agents by their heartbeats, starts them again, and gives up with an alarm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import structlog

from sereno.client import (
    ASKED_BY,
    AlarmKind,
    AlarmSpec,
    CommandSpec,
    DeviceStatus,
    GroupSpec,
    GroupStatus,
    IngestPort,
)
from sereno.model import (
    Clock,
    LinkState,
    NotFoundError,
    OperationalState,
    Quality,
    RefusedError,
    RowIndex,
    TagSpec,
    ValueType,
    seal,
)

from .stops import NoStops, Stops, stopped_words
from .supervision import AgentState, Heartbeats, Patience, Supervision

log = structlog.get_logger(__name__)
BELOW = "supervision"
DRIVER = "supervisor"
PERIOD = 1.0
_STALE = 15.0
_STATES = tuple(state.value for state in AgentState)
_STOP_TIMEOUT = 10.0
STARTUP = 60.0
"""Seconds that an agent may take to start, as every device may."""
_COMMANDS = ("start", "stop", "restart")


@dataclass(frozen=True, slots=True)
class AgentRule:
    """An agent as declared: its device, and how much silence is forgiven."""

    device: str
    patience: Patience = field(default_factory=Patience)

    @property
    def path(self) -> str:
        """Where its supervision is told and commanded."""
        return f"{self.device}/{BELOW}"


class AgentControl(Protocol):
    """Agents as they run."""

    def status(self, device: str) -> DeviceStatus:
        """The agent's device as it is."""

    async def start(self, device: str) -> None:
        """Let it run. It is not running."""

    async def stop(self, device: str) -> None:
        """Let it end; returns when nothing of it is under way."""


class Supervised:
    """One agent under supervision: a device of its own (a CommandHandler) with state, restarts and silence."""

    def __init__(
        self,
        rule: AgentRule,
        control: AgentControl,
        ingest: IngestPort,
        clock: Clock,
        stopped: Callable[[str, str], Awaitable[None]] | None = None,
    ) -> None:
        self.rule = rule
        self._stopped = stopped
        self.machine = Supervision(rule.patience)
        self.late = self.silence = 0.0
        self._down_since: float | None = None
        self._beats = Heartbeats(rule.patience.silent)
        self._control = control
        self._ingest = ingest
        self._clock = clock
        self._busy = asyncio.Lock()
        specs = (
            TagSpec(path=f"{rule.path}/restarts", type=ValueType.UINT32, description="Restarts since the node started"),
            TagSpec(
                path=f"{rule.path}/silence",
                unit="s",
                decimals=0,
                description="Of the timer that is latest",
            ),
            TagSpec(path=f"{rule.path}/state", type=ValueType.ENUM, labels=_STATES, description="What it is to do"),
        )
        self._index = RowIndex(ingest.register_tags(specs).tolist())
        self._group = ingest.register_group(GroupSpec(DRIVER, rule.path, PERIOD, _STALE, self._index))
        self._since = clock.wall_ns()
        self.published = 0

    async def look(self) -> None:
        """Judge its heartbeats, do what follows, and tell how it is."""
        status = self._control.status(self.rule.device)
        self.late, why = self._lateness(status)
        match self.machine.judge(self.late, why, self._clock.monotonic()):
            case "restart":
                log.warning("agent is started again", agent=self.rule.device, why=self.machine.why)
                await self._again()
            case "stop":
                log.error("agent is given up", agent=self.rule.device, why=self.machine.why)
                await self._stop()
        self.publish()

    def _lateness(self, status: DeviceStatus) -> tuple[float, str]:
        """How many seconds it is beyond its patience, and in what. It has its time to start, and to start again."""
        now = self._clock.monotonic()
        if status.link is LinkState.UP:
            self._down_since = None
            rounds = {group.name: (group.scans, group.period) for group in status.groups}
            late, self.silence, timer = self._beats.overdue(rounds, now)
            return late, f"timer {timer!r} has been silent for {self.silence:.0f} s"
        self._beats.begin()
        self._down_since = now if self._down_since is None else self._down_since
        self.silence = now - self._down_since
        return self.silence - STARTUP, f"not started within {STARTUP:g} s: {status.last_error}"

    def publish(self) -> None:
        """One batch of how it is now."""
        values = np.array([self.machine.restarts, self.silence, _STATES.index(self.machine.state)], np.float64)
        now = self._clock.wall_ns()
        self._ingest.publish(
            seal(self._group, self.published, self._index, values, now, np.full(3, Quality.GOOD, np.uint16))
        )
        self.published += 1

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        """See CommandHandler: nothing may be written."""
        del value, deadline
        raise RefusedError(f"{path} tells how the agent is; its commands are {', '.join(_COMMANDS)}")

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        """See CommandHandler: start, stop, restart."""
        del deadline
        if name not in _COMMANDS:
            raise NotFoundError(f"an agent has no command {name!r}, only {', '.join(_COMMANDS)}")
        if arguments:
            raise RefusedError(f"{name} takes no arguments, given: {len(arguments)}")
        runs = self.machine.state in (AgentState.RUNNING, AgentState.STARTING)
        if name == "stop":
            why = stopped_words(ASKED_BY.get(), self._clock.wall_ns())
            self.machine.stop(why)
            try:
                await self._remember(why)  # before it has ended: one that hangs is to stay stopped all the same
            finally:
                await self._stop()
        elif name == "start" and runs:
            raise RefusedError(f"{self.rule.device} runs already; restart starts it anew")
        else:
            self.machine.start()
            await self._remember("")
            await self._again()
        self.publish()

    def status(self) -> DeviceStatus:
        """As a device."""
        now = self._clock.wall_ns()
        group = GroupStatus(DRIVER, PERIOD, 0.0, 3, self.published, 0, 0, 0.0, 0.0, now, False)
        return DeviceStatus(
            path=self.rule.path,
            driver=DRIVER,
            url="",
            state=OperationalState.ENABLED,
            link=LinkState.UP,
            last_error="",
            since=self._since,
            stale_after=_STALE,
            groups=(group,),
            description=f"Watches {self.rule.device}",
            status=self.machine.why,
            commands=tuple(CommandSpec(name=name) for name in _COMMANDS),
        )

    async def _remember(self, why: str) -> None:
        if self._stopped is not None:
            await self._stopped(self.rule.device, why)

    async def _again(self) -> None:
        """Who is told to stop meanwhile stays stopped."""
        async with self._busy:
            await self._ended()
            if self.machine.state in (AgentState.STOPPED, AgentState.GIVEN_UP):
                return
            self._beats.begin()
            self._down_since = None
            await self._control.start(self.rule.device)

    async def _stop(self) -> None:
        async with self._busy:
            await self._ended()

    async def _ended(self) -> None:
        """Raises RefusedError for one that does not end in time; nothing of it is started again then."""
        try:
            async with self._clock.timeout(_STOP_TIMEOUT):
                await self._control.stop(self.rule.device)
        except TimeoutError:
            raise RefusedError(f"{self.rule.device} does not end within {_STOP_TIMEOUT:g} s") from None


class Supervisor:
    """All agents of a node. `load` before they are started, then `run` until cancelled.

    `stops` remembers whom a person has stopped: these are not to be started with the node.
    """

    def __init__(
        self,
        rules: Sequence[AgentRule],
        control: AgentControl,
        ingest: IngestPort,
        clock: Clock,
        stops: Stops | None = None,
    ) -> None:
        self.agents = {rule.path: Supervised(rule, control, ingest, clock, self._remember) for rule in rules}
        self._stops = stops or NoStops()
        self._known: dict[str, str] = {}
        self._ingest = ingest
        self._clock = clock

    @property
    def rules(self) -> list[AgentRule]:
        """The agents as declared."""
        return [agent.rule for agent in self.agents.values()]

    async def load(self) -> list[str]:
        """Devices of the agents that a person has stopped and nobody has started since. Raises StoreError."""
        self._known = await self._stops.load()
        stopped = [agent for agent in self.agents.values() if agent.rule.device in self._known]
        for agent in stopped:
            agent.machine.stop(self._known[agent.rule.device])
        return [agent.rule.device for agent in stopped]

    async def _remember(self, device: str, why: str) -> None:
        if why:
            self._known[device] = why
        elif self._known.pop(device, None) is None:
            return
        await self._stops.keep(self._known)

    async def run(self) -> None:
        """Look at every agent once a second."""
        for path in self.agents:
            self._ingest.report_link(path, LinkState.UP, "")
            self._ingest.report_state(path, OperationalState.ENABLED)
        async with asyncio.TaskGroup() as group:
            for agent in self.agents.values():
                group.create_task(self._watch(agent), name=f"supervisor {agent.rule.path}")

    def status(self) -> list[DeviceStatus]:
        """The supervision of each, as devices."""
        return [agent.status() for agent in self.agents.values()]

    async def _watch(self, agent: Supervised) -> None:
        """Apart from the others: one that does not end keeps nobody else unwatched."""
        while True:
            await self._look(agent)
            await self._clock.sleep(PERIOD)

    async def _look(self, agent: Supervised) -> None:
        try:
            await agent.look()
        except Exception as error:
            log.exception("agent could not be looked after", task="supervisor", agent=agent.rule.device)
            agent.machine.state, agent.machine.why = AgentState.GIVEN_UP, str(error)


def agent_alarms(rules: Sequence[AgentRule]) -> list[AlarmSpec]:
    """An alarm for each agent: it has been given up."""
    return [
        AlarmSpec(
            id=f"{rule.path}/given_up",
            source=f"{rule.path}/state",
            kind=AlarmKind.EXPRESSION,
            inputs=(f"{rule.path}/state",),
            condition=f"{rule.path}/state == '{AgentState.GIVEN_UP}'",
            priority=1,
            cause="It was started again as often as is allowed and fell silent each time",
            consequence="What it does is not done; what depends on it counts it as stale",
            response=f"See its log, mend the cause, then: sereno agent start {rule.device}",
        )
        for rule in rules
    ]
