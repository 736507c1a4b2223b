"""Simulators under supervision: programs that are started, asked for beats, and started again when they end or hang."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from sereno.client import AlarmSpec, CommandSpec, DeviceStatus, IngestPort, ParameterSpec
from sereno.model import Clock, OperationError, Quality, RefusedError, TagSpec, ValueType

from .supervised import COMMANDS, Supervised, Watch, given_up_alarm
from .supervision import AgentState, Heartbeats, Patience

AREA = "simulator"
DRIVER = "simulator"
NONE = "none"
"""What stands for no scenario."""
_NOT_YET = "is started when somebody asks"


@dataclass(frozen=True, slots=True)
class SimulatorRule:
    """A simulator as declared. `begins` with the node, or when somebody asks; one that `ends` is never started again.

    `startup`: seconds that it may take until it is ready. `scenarios` are names that may be chosen at a start,
    `scenario` the one at first, "" = none.
    """

    name: str
    patience: Patience = field(default_factory=Patience)
    startup: float = 60.0
    url: str = ""
    description: str = ""
    begins: bool = True
    ends: bool = False
    scenarios: tuple[str, ...] = ()
    scenario: str = ""

    @property
    def device(self) -> str:
        """Its path."""
        return f"{AREA}/{self.name}"

    @property
    def path(self) -> str:
        """Where it is told and commanded: itself."""
        return self.device


@dataclass(frozen=True, slots=True)
class SimulatorRun:
    """A simulator's process. `since` by the monotonic clock; `answers` to being asked for a beat, by its event loop."""

    pid: int
    since: float
    ready: bool = False
    answers: int = 0
    exit_code: int | None = None
    last_words: str = ""


class SimulatorControl(Protocol):
    """Simulators as they run."""

    def run(self, device: str) -> SimulatorRun | None:
        """The process as it is; None before the first, and of one that was told to end."""

    async def start(self, device: str, scenario: str) -> None:
        """Begin its process. It is not running. Raises OperationError."""

    async def stop(self, device: str) -> None:
        """Let it end, or end it; returns when nothing of it is under way."""


class SupervisedSimulator(Supervised):
    """A simulator: judged by its process and by its answers."""

    noun = "simulator"
    driver = DRIVER

    def __init__(self, rule: SimulatorRule, control: SimulatorControl, ingest: IngestPort, clock: Clock) -> None:
        self._declared = rule
        self._choices = (NONE, *rule.scenarios)
        super().__init__(rule, ingest, clock)
        self.scenario = rule.scenario
        self._beats = Heartbeats(rule.patience.silent)
        self._control = control
        if not rule.begins:
            self.machine.stop(_NOT_YET)

    @property
    def settled(self) -> bool:
        """True once it is ready, or is not going to be."""
        run = self._control.run(self.rule.device)
        waits = self.machine.state in (AgentState.STARTING, AgentState.RUNNING)
        return not waits or (run is not None and (run.ready or run.exit_code is not None))

    async def begin(self) -> None:
        """Start with the node, if that is declared. What cannot be started is judged at the next look."""
        if self.machine.state is AgentState.STARTING:
            with suppress(OperationError):
                await self._again()

    @property
    def ready(self) -> bool:
        """It has said so."""
        run = self._control.run(self.rule.device)
        return run is not None and run.ready

    def _specs(self) -> tuple[TagSpec, ...]:
        path = self.rule.path
        pid = TagSpec(path=f"{path}/pid", type=ValueType.UINT32, description="Of its process")
        scenario = TagSpec(
            path=f"{path}/scenario", type=ValueType.ENUM, labels=self._choices, description="What it plays"
        )
        return (*super()._specs(), pid, *([scenario] if self._declared.scenarios else []))

    def _values(self) -> list[tuple[float, Quality]]:
        run = self._control.run(self.rule.device)
        runs = run is not None and run.exit_code is None
        pid = (float(run.pid), Quality.GOOD) if run is not None and runs else (0.0, Quality.OUT_OF_SERVICE)
        plays = [(float(self._choices.index(self.scenario or NONE)), Quality.GOOD)] if self._declared.scenarios else []
        return [*super()._values(), pid, *plays]

    def _lateness(self) -> tuple[float, str]:
        run, now = self._control.run(self.rule.device), self._clock.monotonic()
        if run is None:
            self.silence = 0.0
            return 1.0, "it does not run"
        if run.exit_code is not None:
            why = self._ended_words(run)
            if self._declared.ends and self.machine.state in (AgentState.STARTING, AgentState.RUNNING):
                self.machine.stop(why)
            return 1.0, why
        if not run.ready:
            self.silence = now - run.since
            startup = self._declared.startup
            return self.silence - startup, f"it was not ready within {startup:g} s"
        late, self.silence, _ = self._beats.overdue({"": (run.answers, 1.0)}, now)
        return late, f"it has not answered for {self.silence:.0f} s"

    def _ended_words(self, run: SimulatorRun) -> str:
        if self._declared.ends and run.exit_code == 0:
            return "it has done its work"
        said = f": {run.last_words}" if run.last_words else ""
        return f"it ended with exit code {run.exit_code}{said}"

    def _waits(self) -> str:
        run = self._control.run(self.rule.device)
        if self.machine.state is not AgentState.STARTING or run is None or run.ready or run.exit_code is not None:
            return ""
        return f"not ready yet, {self._clock.monotonic() - run.since:.0f} s of {self._declared.startup:g} s are over"

    async def _begin(self) -> None:
        self._beats.begin()
        await self._control.start(self.rule.device, self.scenario)

    async def _cease(self) -> None:
        await self._control.stop(self.rule.device)

    def _take(self, name: str, arguments: tuple[Any, ...]) -> None:
        """A scenario, with start and restart of those that have some."""
        known = self._declared.scenarios
        if name == "stop" or not known or not arguments:
            super()._take(name, arguments)
            return
        if len(arguments) > 1 or arguments[0] not in self._choices:
            given = ", ".join(map(repr, arguments))
            raise RefusedError(f"{name} takes one scenario of {', '.join(self._choices)}; given: {given}")
        self.scenario = "" if arguments[0] == NONE else str(arguments[0])

    def _commands(self) -> tuple[CommandSpec, ...]:
        kind = ParameterSpec(
            name="scenario", type=ValueType.ENUM, labels=self._choices, optional=True, default=self.scenario or NONE
        )
        given = {} if not self._declared.scenarios else {"start": (kind,), "restart": (kind,)}
        return tuple(CommandSpec(name=name, parameters=given.get(name, ())) for name in COMMANDS)

    def status(self) -> DeviceStatus:
        """See Supervised, with where it listens."""
        return replace(super().status(), url=self._declared.url, description=self._declared.description)


class Simulators(Watch[SupervisedSimulator]):
    """All simulators of a node. `begin`, then `run` until cancelled. What a person has stopped is not remembered."""

    def __init__(
        self, rules: Sequence[SimulatorRule], control: SimulatorControl, ingest: IngestPort, clock: Clock
    ) -> None:
        self.simulators = [SupervisedSimulator(rule, control, ingest, clock) for rule in rules]
        super().__init__({one.rule.path: one for one in self.simulators}, ingest, clock)
        self.rules = list(rules)

    async def begin(self) -> None:
        """Start those that begin with the node; none waits until another is ready."""
        for one in self.simulators:
            await one.begin()

    async def settled(self, timeout: float) -> None:
        """Until each is ready or has failed, or the time is over."""
        end = self._clock.monotonic() + timeout
        while self._clock.monotonic() < end and not all(one.settled for one in self.simulators):
            await self._clock.sleep(0.05)


def simulator_alarms(rules: Sequence[SimulatorRule]) -> list[AlarmSpec]:
    """An alarm for each simulator: it has been given up."""
    return [
        given_up_alarm(
            rule.path,
            3,
            cause="It was started again as often as is allowed and ended or fell silent each time",
            consequence="What it simulates does not answer",
            response=f"See its log, mend the cause, then: sereno simulator start {rule.name}",
        )
        for rule in rules
    ]
