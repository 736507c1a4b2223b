"""What the majordome does: a machine that takes what is known and gives orders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """AUTO: the majordome opens, observes and closes. MANUAL: people do; the guards stay."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"


class Status(StrEnum):
    """What it is at."""

    IDLE = "IDLE"
    PAUSED = "PAUSED"
    RUNNING = "RUNNING"
    EXECUTING = "EXECUTING"
    SHUTDOWN = "SHUTDOWN"


class Order(StrEnum):
    """What it wants done now."""

    OPEN = "open"
    CLOSE = "close"
    INTERRUPT = "interrupt"
    PARK = "park"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known; None where it is not. `safe_for` seconds since nothing has called for action.

    `sequence` is the number of the one that the observer executes, 0 for none; `own` that it was the majordome's idea.
    `dark` says that this one needs no sky. `due` is the one to execute now, `calibration` the one of those that need
    no sky. `parked` None: there is no telescope, or nobody knows. `parking`: it was told to, and is on its way.
    `hour` says why the clock cannot be believed, if so; `hour_told` that the node has said anything of its clock.
    """

    night: bool
    safe: bool | None
    safe_for: float
    shutter: str | None
    sequence: int | None = None
    own: bool = False
    due: int = 0
    parked: bool | None = None
    dark: bool = False
    calibration: int = 0
    parking: bool = False
    hour: str = ""
    hour_told: bool = True

    @property
    def next_number(self) -> int:
        """Of the sequence to execute now: by night what is due, by day what needs no sky."""
        return self.due if self.night else self.calibration


@dataclass(frozen=True, slots=True)
class Decision:
    """Status, orders, all to be given at once, and why in words; `counts` that only a number in these will change."""

    status: Status
    orders: tuple[Order, ...]
    why: str
    counts: bool = False

    def as_before(self, other: Decision | None) -> bool:
        """Nothing else than what was decided before, or the same count some seconds later."""
        if other is None or (self.status, self.orders) != (other.status, other.orders):
            return False
        return self.why == other.why or (self.counts and other.counts)


def decide(mode: Mode, known: Known, hold: float) -> Decision:
    """What follows. It opens only into a night that has been safe for `hold` seconds, and closes in every doubt."""
    if mode is Mode.MANUAL:
        leave = (Order.INTERRUPT,) if known.sequence and known.own else ()
        return Decision(Status.PAUSED, leave, "manual: people open and close")
    if known.hour:
        waits = known.night and known.safe and not known.hour_told  # a node that has just started says it in a moment
        return Decision(Status.PAUSED, () if waits else _shelter(known), known.hour)
    if not known.night:
        return _evening_off(known)
    if not known.safe:
        why = "the environment is not known" if known.safe is None else "the environment is not safe"
        return Decision(Status.PAUSED, _shelter(known), why)
    if known.shutter == "open":
        return _observe(known)
    if known.shutter is None:
        return Decision(Status.PAUSED, (), "nobody knows where the shutter is")
    if known.safe_for < hold:
        return Decision(Status.PAUSED, (), f"safe for {known.safe_for:.0f} s of {hold:.0f} s", counts=True)
    return Decision(Status.RUNNING, (Order.OPEN,) if known.shutter == "closed" else (), "the night is safe")


def _evening_off(known: Known) -> Decision:
    if known.shutter != "closed" or (known.sequence and not known.dark) or known.parked is False:
        return Decision(Status.SHUTDOWN, _shelter(known), "the night is over")
    if known.sequence:
        return Decision(Status.EXECUTING, (), f"calibration {known.sequence} is executed")
    if known.calibration and known.sequence is not None:
        return Decision(Status.EXECUTING, (Order.EXECUTE,), f"calibration {known.calibration} is due")
    return Decision(Status.IDLE, (), "it is day")


def _observe(known: Known) -> Decision:
    if known.sequence:
        return Decision(Status.EXECUTING, (), f"sequence {known.sequence} is executed")
    if known.due and known.sequence is not None:
        return Decision(Status.EXECUTING, (Order.EXECUTE,), f"sequence {known.due} is due")
    return Decision(Status.RUNNING, (), "the night is safe and the dome open")


def _shelter(known: Known) -> tuple[Order, ...]:
    """Abort, park, close: what is exposed to the sky is given up, and closing waits for nothing."""
    orders = [Order.INTERRUPT] if known.sequence and not known.dark else []
    if known.parked is False and not known.parking:
        orders.append(Order.PARK)
    if known.shutter not in ("closed", "closing"):  # an order to close what closes already would be one too many
        orders.append(Order.CLOSE)
    return tuple(orders)


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
