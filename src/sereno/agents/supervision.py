"""When an agent is started again, and when that has been done too often: a machine without clock or tasks."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AgentState(StrEnum):
    """What the supervisor has an agent do. STOPPING is only told: of one that was to end, did not in time, and runs."""

    STARTING = "starting"
    RUNNING = "running"
    STOPPED = "stopped"
    GIVEN_UP = "given_up"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Patience:
    """`silent` seconds without a heartbeat are too long; more than `limit` restarts `within` seconds are too many."""

    silent: float = 10.0
    limit: int = 5
    within: float = 300.0


class Heartbeats:
    """Named timers of an agent: one is silent when it has not completed a round for its patience."""

    def __init__(self, silent: float) -> None:
        self._silent = silent
        self._seen: dict[str, tuple[int, float]] = {}

    def begin(self) -> None:
        """From now on, as if nothing had been heard."""
        self._seen.clear()

    def overdue(self, rounds: Mapping[str, tuple[int, float]], now: float) -> tuple[float, float, str]:
        """How many seconds the worst timer is late beyond its patience (at most 0: none is), its silence, its name.

        `rounds` is the number of completed rounds and the period of each timer.
        """
        worst = (-self._silent, 0.0, "")
        for name, (count, period) in rounds.items():
            known = self._seen.get(name)
            if known is None or known[0] != count:
                self._seen[name] = (count, now)
                known = self._seen[name]
            silence = now - known[1]
            worst = max(worst, (silence - max(self._silent, 3.0 * period), silence, name))
        return worst


class Supervision:
    """One agent. `judge` says what to do now: nothing, "restart" or "stop" (given up)."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.state = AgentState.STARTING
        self.restarts = 0
        self.why = ""
        self._recent: deque[float] = deque()

    def start(self) -> None:
        """A person (or the node) starts it: earlier restarts do not count any more."""
        self.state, self.why = AgentState.STARTING, ""
        self._recent.clear()

    def stop(self, why: str) -> None:
        """A person stops it."""
        self.state, self.why = AgentState.STOPPED, why

    def give_up(self, why: str) -> None:
        """It cannot be started or ended, unless a person has stopped it."""
        if self.state is not AgentState.STOPPED:
            self.state, self.why = AgentState.GIVEN_UP, why

    def judge(self, late: float, why: str, now: float, *, ready: bool = True) -> str:
        """What follows from its being `late` seconds beyond its patience, which `why` says in words.

        One that is not `ready` yet is starting.
        """
        if self.state in (AgentState.STOPPED, AgentState.GIVEN_UP):
            return ""
        if late <= 0:
            self.state = AgentState.RUNNING if ready else AgentState.STARTING
            return ""
        while self._recent and now - self._recent[0] > self.patience.within:
            self._recent.popleft()
        self.why = why
        if len(self._recent) >= self.patience.limit:
            self.why += f", {len(self._recent)} restarts within {self.patience.within:g} s did not help"
            self.state = AgentState.GIVEN_UP
            return "stop"
        self._recent.append(now)
        self.restarts += 1
        self.state = AgentState.STARTING
        return "restart"
