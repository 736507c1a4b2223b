"""The supervisor: watches agents by their heartbeats, starts them again, and gives up with an alarm."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from sereno.client import AlarmSpec, DeviceStatus, IngestPort
from sereno.model import Clock, LinkState

from .stops import NoStops, Stops
from .supervised import Supervised, Watch, given_up_alarm
from .supervision import AgentState, Heartbeats, Patience

BELOW = "supervision"
DRIVER = "supervisor"
STARTUP = 60.0
"""Seconds that an agent may take to start, as every device may."""


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


class SupervisedAgent(Supervised):
    """An agent: judged by the timers of its device."""

    noun = "agent"
    driver = DRIVER

    def __init__(
        self,
        rule: AgentRule,
        control: AgentControl,
        ingest: IngestPort,
        clock: Clock,
        stopped: Callable[[str, str], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(rule, ingest, clock, stopped)
        self._down_since: float | None = None
        self._beats = Heartbeats(rule.patience.silent)
        self._control = control

    def _lateness(self) -> tuple[float, str]:
        status, now = self._control.status(self.rule.device), self._clock.monotonic()
        if status.link is LinkState.UP:
            self._down_since = None
            rounds = {group.name: (group.scans, group.period) for group in status.groups}
            late, self.silence, timer = self._beats.overdue(rounds, now)
            return late, f"timer {timer!r} has been silent for {self.silence:.0f} s"
        self._beats.begin()
        self._down_since = now if self._down_since is None else self._down_since
        self.silence = now - self._down_since
        return self.silence - STARTUP, f"not started within {STARTUP:g} s: {status.last_error}"

    @property
    def ready(self) -> bool:
        """Its device is there."""
        return self._control.status(self.rule.device).link is LinkState.UP

    def _waits(self) -> str:
        if self.machine.state is not AgentState.STARTING or self._down_since is None:
            return ""
        gone = self._clock.monotonic() - self._down_since
        words = f"not started yet, {gone:.0f} s of {STARTUP:g} s are over"
        error = self._control.status(self.rule.device).last_error
        return f"{words}: {error}" if error else words

    def adapt(self, rule: AgentRule) -> None:
        """Forgive as this rule says from now on; it has the same device."""
        if rule != self.rule:
            self.rule = rule
            self.machine.patience = rule.patience
            self._beats = Heartbeats(rule.patience.silent)

    def renewed(self) -> None:
        """Its device starts anew, by its declaration: it has its time for that, unless a person has stopped it."""
        self._beats.begin()
        self._down_since = None
        if self.machine.state is not AgentState.STOPPED:
            self.machine.start()

    async def _begin(self) -> None:
        self._beats.begin()
        self._down_since = None
        await self._control.start(self.rule.device)

    async def _cease(self) -> None:
        await self._control.stop(self.rule.device)


class Supervisor(Watch[SupervisedAgent]):
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
        super().__init__({}, ingest, clock)
        self._control = control
        self._stops = stops or NoStops()
        self._known: dict[str, str] = {}
        self.rules: list[AgentRule] = []
        self.put(rules)

    async def load(self) -> list[str]:
        """Devices of the agents that a person has stopped and nobody has started since. Raises StoreError."""
        self._known = await self._stops.load()
        stopped = [agent for agent in self.members.values() if agent.rule.device in self._known]
        for agent in stopped:
            agent.machine.stop(self._known[agent.rule.device])
        return [agent.rule.device for agent in stopped]

    def put(self, rules: Sequence[AgentRule]) -> None:
        """Watch these agents from now on. Who stays goes on as it is; who comes and was stopped by a person is stopped.

        Nothing is started or ended. Raises ValueError for tags that are taken.
        """
        self.rules = list(rules)
        wanted = {rule.path: rule for rule in rules}
        for path in [path for path in self.members if path not in wanted]:
            self.drop(path)
        for path, rule in wanted.items():
            if path in self.members:
                self.members[path].adapt(rule)
                continue
            agent = SupervisedAgent(rule, self._control, self._ingest, self._clock, self._remember)
            if rule.device in self._known:
                agent.machine.stop(self._known[rule.device])
            self.add(path, agent)

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Nobody starts or stops an agent meanwhile, neither people nor the supervisor."""
        async with AsyncExitStack() as stack:
            for agent in list(self.members.values()):
                await stack.enter_async_context(agent.busy)
            yield

    def stopped_before(self, rules: Sequence[AgentRule]) -> list[str]:
        """The devices of those of these agents that are not watched now, and that a person stopped when they were."""
        return [rule.device for rule in rules if rule.path not in self.members and rule.device in self._known]

    def resting(self) -> set[str]:
        """The devices of the agents that are not to run."""
        return {agent.rule.device for agent in self.members.values() if agent.resting}

    def unended(self, device: str) -> bool:
        """True of an agent that was to end, has not in time, and is still at it."""
        return any(agent.rule.device == device and agent.unended for agent in self.members.values())

    def renewed(self, devices: Collection[str]) -> None:
        """These devices start anew, by their declaration."""
        for agent in self.members.values():
            if agent.rule.device in devices:
                agent.renewed()

    async def _remember(self, device: str, why: str) -> None:
        if why:
            self._known[device] = why
        elif self._known.pop(device, None) is None:
            return
        await self._stops.keep(self._known)


def agent_alarms(rules: Sequence[AgentRule]) -> list[AlarmSpec]:
    """An alarm for each agent: it has been given up."""
    return [
        given_up_alarm(
            rule.path,
            1,
            cause="It was started again as often as is allowed and fell silent each time",
            consequence="What it does is not done; what depends on it counts it as stale",
            response=f"See its log, mend the cause, then: sereno agent start {rule.device}",
        )
        for rule in rules
    ]
