"""A lane: the images of one detector, one after another. Pure: what is seen goes in, orders come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from sereno_observatory.images.shot import Shot
from sereno_observatory.instruments import Detector, Seen
from sereno_observatory.sequences.model import Album, Frame, Plan, Slot

from .goal import Answer, Goal, Order

CALM, SETUP, LATE, TRIES = 20.0, 90.0, 150.0, 2
"""Seconds for a camera to come to rest, for filter and focus, for an image after its exposure; tries for an image."""


class Phase(StrEnum):
    """What a lane is at."""

    CALMING = "calming"
    READY = "ready"
    SETTING = "setting up"
    ASKING = "asking"
    EXPOSING = "exposing"
    DONE = "done"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        """Nothing more comes from it."""
        return self in (Phase.DONE, Phase.FAILED)


@dataclass(slots=True)
class Lane:
    """`missing` are the slots to take, in their order. `later`: what it failed of may be over another time."""

    detector: Detector
    album: Album
    missing: list[Slot]
    phase: Phase = field(default=Phase.CALMING, init=False)
    goals: list[Goal] = field(default_factory=list, init=False)
    shots: list[Shot] = field(default_factory=list, init=False)
    why: str = field(default="", init=False)
    later: bool = field(default=False, init=False)
    exposed: float = field(default=0.0, init=False)
    _note: str = field(default="", init=False)
    _known: int = field(default=0, init=False)
    _since: float = field(default=0.0, init=False)
    _begun: int = field(default=0, init=False)
    _at_begin: Seen = field(default_factory=Seen, init=False)
    _tries: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        camera = self.detector.camera
        rest = Goal("the camera", Order(camera, "abort"), lambda seen: seen.of(camera, "state") == "idle", CALM)
        self.goals = [rest]
        if not self.missing:
            self.phase = Phase.DONE

    @property
    def plan(self) -> Plan:
        """The plan of the next image."""
        return self.album.plans[self.missing[0].plan]

    @property
    def busy(self) -> bool:
        """Its camera exposes for it, or may."""
        return self.phase in (Phase.ASKING, Phase.EXPOSING)

    def exposed_at(self, now: float) -> float:
        """Seconds of its exposures, with what has passed of the one under way."""
        under_way = min(now - self._since, self.plan.exposure) if self.phase is Phase.EXPOSING and self.missing else 0.0
        return self.exposed + max(0.0, under_way)

    def step(self, now: float, seen: Seen, *, pointed: bool, left: float) -> list[tuple[Goal | None, Order]]:
        """Orders, each with the goal that it is for; an exposure has none.

        `pointed`: the telescope is there. `left`: seconds until the window of the sequence is over.
        """
        if self.phase.over:
            return []
        if self.phase is Phase.EXPOSING:
            self._look(now, seen)
        if self.phase is Phase.ASKING:
            return []
        orders = self._pursue(now, seen)
        if orders or self.goals or self.phase.over:
            return orders
        if self.phase is Phase.CALMING:
            self._set_up()
            return self.step(now, seen, pointed=pointed, left=left)
        if self.phase is Phase.SETTING and pointed:
            return self._expose(now, seen, left)
        return []

    def accepted(self, answer: Answer, why: str, now: float, t_ns: int) -> None:
        """What became of the order to expose. One that may have arrived is waited for as one that has."""
        if self.phase is not Phase.ASKING:
            return
        if answer is Answer.REFUSED:
            self._missed(f"the exposure was refused: {why}", later=False)
            return
        self.phase, self._since, self._begun = Phase.EXPOSING, now, t_ns

    def fail(self, why: str, *, later: bool = False) -> None:
        """Nothing more comes from this lane."""
        if not self.phase.over:
            self.phase, self.why, self.goals = Phase.FAILED, f"{self.detector.name}: {why}", []
            self.later = later

    def spoil(self, why: str) -> None:
        """An image of it is lost, after it was taken."""
        if self.phase is Phase.DONE:
            self.phase = Phase.EXPOSING
        self.fail(why)

    def spoiled_sky(self, why: str) -> None:
        """What is exposed now is not what was wanted; the image will say so."""
        if self.busy and self.plan.frame is Frame.LIGHT:
            self._note = why

    def _set_up(self) -> None:
        self.phase, self.goals = Phase.SETTING, goals_of(self.plan, self.detector)

    def _pursue(self, now: float, seen: Seen) -> list[tuple[Goal | None, Order]]:
        orders: list[tuple[Goal | None, Order]] = []
        for goal in self.goals:
            order = goal.step(now, seen)
            if order is not None:
                orders.append((goal, order))
            if goal.failed:
                self.fail(goal.failed, later=not goal.refused)
                return orders
        self.goals = [goal for goal in self.goals if not goal.there(seen)]
        return orders

    def _expose(self, now: float, seen: Seen, left: float) -> list[tuple[Goal | None, Order]]:
        plan, camera = self.plan, self.detector.camera
        known, state = seen.of(camera, "images"), seen.of(camera, "state")
        if known is None or state != "idle":
            self._since = self._since or now
            if now - self._since > CALM:
                self.fail("the camera is not known" if state is None else f"the camera is {state}", later=True)
            return []
        if plan.exposure > left:
            self.fail("no time left in the window", later=True)
            return []
        self._known, self._since, self._at_begin, self._note = int(known), now, seen, ""
        self.phase = Phase.ASKING
        return [(None, Order(camera, "expose", (plan.exposure, plan.frame.value)))]

    def _look(self, now: float, seen: Seen) -> None:
        """Whether the image is there."""
        camera, plan = self.detector.camera, self.plan
        count, trouble = seen.of(camera, "images"), seen.of(camera, "trouble")
        if count is not None and int(count) == self._known + 1:
            raw = str(seen.of(camera, "image") or "")
            slot = self.missing.pop(0)
            self.shots.append(Shot(slot, self.detector, plan, raw, self._begun, self._at_begin, self._note))
            self.exposed += plan.exposure
            self._tries, self._since = 0, 0.0
            self._next(plan)
        elif trouble and seen.of(camera, "state") == "error":
            self._missed(str(trouble))
        elif count is not None and int(count) < self._known:
            self._missed("the camera was started anew")
        elif now - self._since > plan.exposure + LATE:
            self._missed(f"no image {LATE:g} s after the exposure")

    def _next(self, before: Plan) -> None:
        if not self.missing:
            self.phase = Phase.DONE
        elif self.plan is before:
            self.phase, self.goals = Phase.SETTING, []
        else:
            self._set_up()

    def _missed(self, why: str, *, later: bool = True) -> None:
        """An image did not come: once more, from a camera at rest."""
        self._tries += 1
        if self._tries >= TRIES:
            self.fail(why, later=later)
            return
        camera = self.detector.camera
        self.phase, self._since = Phase.CALMING, 0.0
        self.goals = [Goal("the camera", Order(camera, "abort"), lambda seen: seen.of(camera, "state") == "idle", CALM)]


def goals_of(plan: Plan, detector: Detector) -> list[Goal]:
    """What has to be so before an image of a plan."""
    found = []
    wheel, focuser, camera = detector.wheel, detector.focuser, detector.camera
    if plan.filter and wheel:
        found.append(_goal("the filter", Order(wheel, "select", (plan.filter,)), _filter_in(wheel, plan.filter)))
    if plan.focus is not None and focuser:
        found.append(_goal("the focus", Order(focuser, "move", (plan.focus,)), _focused(focuser, plan.focus)))
    if plan.binning is not None:
        order = Order(camera, "write", ("binning", plan.binning))
        found.append(_goal("the binning", order, lambda seen: seen.of(camera, "binning") == plan.binning))
    return found


def _goal(name: str, order: Order, reached: Callable[[Seen], bool]) -> Goal:
    return Goal(name, order, reached, SETUP)


def _filter_in(wheel: str, name: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.of(wheel, "filter") == name and seen.of(wheel, "state") == "idle"


def _focused(focuser: str, position: int) -> Callable[[Seen], bool]:
    return lambda seen: seen.of(focuser, "position") == position and seen.of(focuser, "moving") is False
