"""What the majordome does: a machine that takes what is known and gives one order at most."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """AUTO: the majordome opens and closes. MANUAL: people do; the guards stay."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"


class Status(StrEnum):
    """What it is at."""

    IDLE = "IDLE"
    PAUSED = "PAUSED"
    RUNNING = "RUNNING"
    SHUTDOWN = "SHUTDOWN"


class Order(StrEnum):
    """What it wants done now."""

    NOTHING = "nothing"
    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known; None where it is not. `safe_for` seconds since nothing has called for action."""

    night: bool
    safe: bool | None
    safe_for: float
    shutter: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """Status, order, and why in words."""

    status: Status
    order: Order
    why: str


def decide(mode: Mode, known: Known, hold: float) -> Decision:
    """What follows. It opens only into a night that has been safe for `hold` seconds, and closes in every doubt."""
    shut = known.shutter == "closed"
    if mode is Mode.MANUAL:
        return Decision(Status.PAUSED, Order.NOTHING, "manual: people open and close")
    if not known.night:
        if shut:
            return Decision(Status.IDLE, Order.NOTHING, "it is day")
        return Decision(Status.SHUTDOWN, _close(known), "the night is over")
    if not known.safe:
        why = "the environment is not known" if known.safe is None else "the environment is not safe"
        return Decision(Status.PAUSED, Order.NOTHING if shut else _close(known), why)
    if known.shutter == "open":
        return Decision(Status.RUNNING, Order.NOTHING, "the night is safe and the dome open")
    if known.shutter is None:
        return Decision(Status.PAUSED, Order.NOTHING, "nobody knows where the shutter is")
    if known.safe_for < hold:
        return Decision(Status.PAUSED, Order.NOTHING, f"safe for {known.safe_for:.0f} s of {hold:.0f} s")
    return Decision(Status.RUNNING, Order.OPEN if shut else Order.NOTHING, "the night is safe")


def _close(known: Known) -> Order:
    """An order to close what closes already would be one too many."""
    return Order.NOTHING if known.shutter == "closing" else Order.CLOSE


class Nightfall:
    """Night begins when the sun sinks below `below` degrees and ends when it has risen `margin` above that."""

    def __init__(self, below: float, margin: float = 0.5) -> None:
        self._below = below
        self._margin = margin
        self.night: bool | None = None

    def at(self, altitude: float) -> bool:
        """Whether it is night with the sun at this altitude; near the edge what it was before."""
        if self.night is None or altitude <= self._below:
            self.night = altitude <= self._below
        elif altitude > self._below + self._margin:
            self.night = False
        return self.night
