"""Reconnection as a pure state machine: events in, actions out. `_keeper` performs the actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sereno.model import LinkState

from ._config import RetryConfig

UNANSWERED_LIMIT = 3
"""So many scans in a row must have gone unanswered before a link counts as silent."""


@dataclass(frozen=True, slots=True)
class Start:
    """Event: keep the link connected from now on."""


@dataclass(frozen=True, slots=True)
class Connected:
    """Event: the attempt has succeeded."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Event: the attempt has failed."""

    error: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Event: the connection ended by itself."""

    error: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Event: a device on the link has answered."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Event: at monotonic time `t` a device on the link had not answered."""

    t: float
    error: str


@dataclass(frozen=True, slots=True)
class Due:
    """Event: the wait is over."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Event: close and stay closed."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Action: try once, then say Connected or Failed."""


@dataclass(frozen=True, slots=True)
class Close:
    """Action: close what there is."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Action: say Due after `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """Action: the link is in this state now."""

    state: LinkState
    error: str


@dataclass(frozen=True, slots=True)
class Complain:
    """Action: log the outage. Once per outage."""

    error: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """Action: log the end of the outage, after so many attempts."""

    attempts: int


Event = Start | Connected | Failed | Lost | Answered | Unanswered | Due | Stop
Action = Connect | Close | Wait | Report | Complain | Recovered


class Phase(StrEnum):
    """Where the machine is."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    WAITING = "waiting"
    UP = "up"


class Reconnection:
    """Keeps one link connected. An outage ends, and the back-off starts anew, only when a device has answered.

    So a peer that accepts and hangs up at once is tried ever more rarely. `draw` gives random numbers in [0, 1).
    An event that does not fit the phase (an attempt that ended after Stop) has no actions.
    """

    def __init__(self, retry: RetryConfig, draw: Callable[[], float]) -> None:
        self._retry = retry
        self._draw = draw
        self.phase = Phase.STOPPED
        self.attempts = 0
        self._next_wait = retry.initial
        self._outage = False
        self._error = ""
        self._lost_early: str | None = None
        self._unanswered = 0
        self._unanswered_since = 0.0

    @property
    def settled(self) -> bool:
        """True if a further Answered would change nothing."""
        return self.phase is not Phase.UP or not (self.attempts or self._outage or self._unanswered)

    def on(self, event: Event) -> list[Action]:
        """What to do now, in this order."""
        match event, self.phase:
            case Start(), Phase.STOPPED:
                self._answered()
                return self._connect()
            case Stop(), Phase.CONNECTING | Phase.WAITING | Phase.UP:
                self.phase = Phase.STOPPED
                return [Close(), Report(LinkState.DOWN, "stopped")]
            case Due(), Phase.WAITING:
                return self._connect()
            case Connected(), Phase.CONNECTING:
                return self._connected()
            case Failed(error), Phase.CONNECTING:
                return self._down(error)
            case Lost(error), Phase.CONNECTING:
                self._lost_early = error
            case Lost(error), Phase.UP:
                return self._down(error)
            case Answered(), Phase.UP:
                return self._answered()
            case Unanswered(t, error), Phase.UP:
                return self._silent(t, error)
        return []

    def _connect(self) -> list[Action]:
        self.phase = Phase.CONNECTING
        self._lost_early = None
        return [Report(LinkState.CONNECTING, self._error), Connect()]

    def _connected(self) -> list[Action]:
        if self._lost_early is not None:
            return self._down(self._lost_early)
        self.phase = Phase.UP
        self._unanswered = 0
        return [Report(LinkState.UP, "")]

    def _down(self, error: str) -> list[Action]:
        self.phase = Phase.WAITING
        self._error = error
        wait = self._backoff()
        complaint: list[Action] = [] if self._outage else [Complain(error)]
        self._outage = True
        return [Close(), Report(LinkState.DOWN, error), *complaint, Wait(wait)]

    def _backoff(self) -> float:
        full = self._next_wait
        self._next_wait = min(self._retry.max, full * self._retry.factor)
        self.attempts += 1
        return full * (1.0 - self._retry.jitter * self._draw())

    def _answered(self) -> list[Action]:
        outage, attempts = self._outage, self.attempts
        self._outage, self.attempts, self._unanswered, self._error = False, 0, 0, ""
        self._next_wait = self._retry.initial
        return [Recovered(attempts)] if outage else []

    def _silent(self, t: float, error: str) -> list[Action]:
        if self._unanswered == 0:
            self._unanswered_since = t
        self._unanswered += 1
        silence = t - self._unanswered_since
        if self._unanswered < UNANSWERED_LIMIT or silence < self._retry.silence:
            return []
        return self._down(f"no answer for {silence:.1f} s ({error})")
