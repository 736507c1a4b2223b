"""The execution of one sequence: pointing, then a lane for each detector at the same time, until it ends with a reason.

Pure: `step` takes what is seen, `answered` and `kept` take what became of orders and images; orders come out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sereno_observatory.images.shot import Shot
from sereno_observatory.instruments import Detector, Instruments, Seen
from sereno_observatory.sequences.model import Entry, Slot, Target
from sereno_observatory.sequences.status import Event
from sereno_observatory.sky import apart

from .goal import Answer, Goal, Order
from .lane import Lane, Phase

POINTING, TURNING, GRACE, ENDING = 300.0, 300.0, 10.0, 10.0
"""Seconds for the telescope, for the dome, for something to be amiss, and for cameras to stop."""
HALT_AGAIN, TURN_AGAIN = 2.0, 30.0
"""Seconds after which a camera is told again to stop, and the dome again to follow."""
NEAR, NEAR_DOME = 0.05, 3.0
"""Degrees within which telescope and dome are there."""


class Stage(StrEnum):
    """What an observer is at; IDLE is one without a sequence."""

    IDLE = "IDLE"
    POINTING = "POINTING"
    EXPOSING = "EXPOSING"
    KEEPING = "KEEPING"
    STOPPING = "STOPPING"
    OVER = "OVER"


@dataclass(frozen=True, slots=True)
class Numbered:
    """An order with the number that its answer shall bear."""

    number: int
    order: Order


@dataclass(slots=True)
class Execution:
    """Executes what is missing of a sequence. `direction` is where to point: right ascension (h), declination (deg).

    `turn` is the azimuth that the dome is turned to, None when it is not.
    """

    entry: Entry
    instruments: Instruments
    direction: tuple[float, float] | None
    turn: float | None = None
    lanes: list[Lane] = field(default_factory=list, init=False)
    goals: list[Goal] = field(default_factory=list, init=False)
    outcome: Event | None = field(default=None, init=False)
    why: str = field(default="", init=False)
    began: float | None = field(default=None, init=False)
    pointed_after: float | None = field(default=None, init=False)
    ended: float = field(default=0.0, init=False)
    taken: int = field(default=0, init=False)
    _orders: dict[int, tuple[Lane | None, Goal | None]] = field(default_factory=dict, init=False)
    _number: int = field(default=0, init=False)
    _keeping: set[Slot] = field(default_factory=set, init=False)
    _amiss: dict[str, float] = field(default_factory=dict, init=False)
    _stop_by: float | None = field(default=None, init=False)
    _halted: float = field(default=0.0, init=False)
    _stopped: bool = field(default=False, init=False)
    _turned: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        missing = self.entry.missing()
        for number, album in enumerate(self.entry.sequence.albums):
            slots = [slot for slot in missing if slot.album == number]
            known = self.instruments.at(album.detector)
            lane = Lane(known or Detector(album.detector, ""), album, slots)
            self.lanes.append(lane)
            if known is None and slots:
                lane.fail("there is no such detector")
        if self.direction is not None:
            self.goals = self._pointing(self.direction)

    @property
    def stage(self) -> Stage:
        """What it is at."""
        if self._stopped:
            return Stage.OVER
        if self.outcome is not None:
            return Stage.STOPPING
        if self.goals:
            return Stage.POINTING
        return Stage.EXPOSING if not all(lane.phase.over for lane in self.lanes) else Stage.KEEPING

    @property
    def over(self) -> bool:
        """It has ended: `outcome` and `why` say how."""
        return self._stopped

    def step(self, now: float, seen: Seen, left: float) -> list[Numbered]:
        """Orders for now. `left`: seconds until the window is over."""
        if self.began is None:
            self.began = now
        if self._stopped:
            return []
        self._watch(now, seen, left)
        orders = [] if self._ending else self._work(now, seen, left)
        return [*orders, *self._stop(now, seen)] if self._ending else orders

    @property
    def _ending(self) -> bool:
        return self.outcome is not None

    def _work(self, now: float, seen: Seen, left: float) -> list[Numbered]:
        orders = [] if "dome" in self._amiss else self._point(now, seen)
        if self._ending:
            return orders
        orders += self._follow(now, seen)
        pointed = not self.goals and not self._amiss
        for lane in self.lanes:
            if "dome" in self._amiss:
                lane.spoiled_sky("the dome was not open all the time")
            for goal, order in lane.step(now, seen, pointed=pointed, left=left):
                orders.append(self._numbered(order, lane, goal))
        self._conclude()
        return orders

    def answered(self, number: int, answer: Answer, why: str, now: float, t_ns: int) -> None:
        """What became of an order, and when (ns UTC)."""
        lane, goal = self._orders.pop(number, (None, None))
        if goal is not None:
            goal.answered(answer, why, now)
        elif lane is not None:
            lane.accepted(answer, why, now, t_ns)

    def shots(self) -> list[Shot]:
        """Images that were taken since the last time: `kept` is to be told of each."""
        found = [shot for lane in self.lanes for shot in lane.shots]
        for lane in self.lanes:
            lane.shots = []
        self._keeping |= {shot.slot for shot in found}
        return found

    def kept(self, slot: Slot, why: str = "") -> None:
        """An image is kept and on record; `why` says that it is not."""
        self._keeping.discard(slot)
        if not why:
            self.taken += 1
            return
        self.lanes[slot.album].spoil(why)

    def end(self, outcome: Event, why: str) -> None:
        """End it: cameras are told to stop with the next step. The first reason counts."""
        if self.outcome is None and not self._stopped:
            self.outcome, self.why = outcome, why

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - (self.ended if self.began is None else self.began)

    def overhead(self, now: float) -> float:
        """Seconds so far in which not even the busiest detector was exposing. One that is stopped exposed in vain."""
        until = self.ended if self._stopped else now
        elapsed = 0.0 if self.began is None else until - self.began
        exposed = [lane.exposed if self._stopped else lane.exposed_at(now) for lane in self.lanes]
        return max(0.0, elapsed - max(exposed, default=0.0))

    def _pointing(self, direction: tuple[float, float]) -> list[Goal]:
        telescope, dome = self.instruments.telescope, self.instruments.dome
        unpark = Goal(
            "unparking", Order(telescope, "unpark"), lambda seen: seen.of(telescope, "parked") is False, POINTING
        )
        slew = Goal("the telescope", Order(telescope, "slew", direction), self._on_target, POINTING)
        goals = [unpark, slew]
        if dome and self.turn is not None:
            goals.append(Goal("the dome", Order(dome, "turn", (self.turn,)), self._dome_turned, TURNING))
        return goals

    def _on_target(self, seen: Seen) -> bool:
        now = seen.pointing(self.instruments.telescope)
        if now is None or self.direction is None or seen.of(self.instruments.telescope, "state") != "tracking":
            return False
        return apart(now, self.direction) <= NEAR

    def _dome_turned(self, seen: Seen) -> bool:
        azimuth: float | None = seen.of(self.instruments.dome, "azimuth")
        if azimuth is None or self.turn is None or seen.of(self.instruments.dome, "turning") is not False:
            return False
        return abs((azimuth - self.turn + 180.0) % 360.0 - 180.0) <= NEAR_DOME

    def _point(self, now: float, seen: Seen) -> list[Numbered]:
        orders: list[Numbered] = []
        for goal in self.goals:
            order = goal.step(now, seen)
            if order is not None:
                orders.append(self._numbered(order, None, goal))
            if goal.failed:
                self.end(Event.FAIL if goal.refused else Event.RETRY, goal.failed)
                return orders
            if goal.name == "unparking" and not goal.there(seen):
                break
        if self.goals and all(goal.there(seen) for goal in self.goals):
            self.goals = []
            self.pointed_after = now - (now if self.began is None else self.began)
        return orders

    def _follow(self, now: float, seen: Seen) -> list[Numbered]:
        """The dome goes with the telescope."""
        dome, azimuth = self.instruments.dome, seen.of(self.instruments.telescope, "azimuth")
        if self.goals or not dome or self.turn is None or azimuth is None or now - self._turned < TURN_AGAIN:
            return []
        if abs((azimuth - self.turn + 180.0) % 360.0 - 180.0) <= NEAR_DOME:
            return []
        self.turn, self._turned = as_azimuth(azimuth), now
        return [self._numbered(Order(dome, "turn", (self.turn,)), None, None)]

    def _watch(self, now: float, seen: Seen, left: float) -> None:
        """What ends an execution from outside."""
        if left <= 0.0:
            self.end(Event.ABORT, "its window is over")
        if self.entry.sequence.needs_sky and self.instruments.shutter:
            shut = seen.values.get(self.instruments.shutter) != "open"
            self._tolerate("dome", shut, now, Event.INTERRUPT, "the dome is not open")
        if self.direction is not None and not self.goals:
            lost = not self._on_target(seen)
            if seen.pointing(self.instruments.telescope) is None:
                self._tolerate("telescope", lost, now, Event.RETRY, "the telescope is not known")
            else:
                self._tolerate("telescope", lost, now, Event.FAIL, "the telescope left its target")

    def _tolerate(self, what: str, amiss: bool, now: float, outcome: Event, why: str) -> None:
        if not amiss:
            self._amiss.pop(what, None)
        elif now - self._amiss.setdefault(what, now) >= GRACE:
            self.end(outcome, why)

    def _conclude(self) -> None:
        if not all(lane.phase.over for lane in self.lanes) or self._keeping or any(lane.shots for lane in self.lanes):
            return
        failed = [lane for lane in self.lanes if lane.phase is Phase.FAILED]
        why = "; ".join(lane.why for lane in failed)
        if not failed:
            self.end(Event.FINISH, "")
        elif all("no time left" in lane.why for lane in failed):
            self.end(Event.ABORT, why)
        else:
            self.end(Event.RETRY if all(lane.later for lane in failed) else Event.FAIL, why)

    def _stop(self, now: float, seen: Seen) -> list[Numbered]:
        """Once: tell what moves or exposes to stop. Then wait until images are kept and cameras at rest, not long."""
        orders: list[Order] = []
        if self._stop_by is None:
            self._stop_by, self._halted = now + ENDING, now
            orders = self._halting(seen)
        elif now - self._halted >= HALT_AGAIN and self.outcome is not Event.FINISH:
            self._halted = now
            orders = [Order(lane.detector.camera, "abort") for lane in self.lanes if _busy(lane, seen)]
        unkept = self._keeping or any(lane.shots for lane in self.lanes)
        busy = self.outcome is not Event.FINISH and any(_busy(lane, seen) for lane in self.lanes)
        if not (unkept or busy or orders or self._orders) or now >= self._stop_by:
            self._stopped, self.ended = True, now
        return [self._numbered(order, None, None) for order in orders]

    def _halting(self, seen: Seen) -> list[Order]:
        busy = [lane.detector.camera for lane in self.lanes if lane.busy]
        orders = [Order(camera, "abort") for camera in busy]
        if self.goals and seen.of(self.instruments.telescope, "state") == "slewing":
            orders.append(Order(self.instruments.telescope, "abort"))
        for lane in self.lanes:
            if not lane.phase.over:
                lane.fail(self.why)
        return orders

    def _numbered(self, order: Order, lane: Lane | None, goal: Goal | None) -> Numbered:
        self._number += 1
        self._orders[self._number] = (lane, goal)
        return Numbered(self._number, order)


def as_azimuth(direction: float) -> float:
    """Degrees as a dome is told them, 0 to below 360 in hundredths."""
    return round(direction, 2) % 360.0


def _busy(lane: Lane, seen: Seen) -> bool:
    return seen.of(lane.detector.camera, "state") in ("exposing", "reading", "waiting")


def direction_of(target: Target | None) -> tuple[float, float] | None:
    """Right ascension and declination of a target that has them."""
    if target is None or target.right_ascension is None or target.declination is None:
        return None
    return target.right_ascension, target.declination
