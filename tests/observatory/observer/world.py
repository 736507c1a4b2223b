"""Instruments in a few lines, for the pure execution: orders go in, what is seen comes out, time is a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sereno_observatory.images.shot import Shot
from sereno_observatory.instruments import Detector, Instruments, Seen
from sereno_observatory.observer.execution import Execution, Numbered
from sereno_observatory.observer.goal import Answer, Order
from sereno_observatory.sequences import Entry, Slot

VIS, NIR = Detector("Visible camera", "vis", "wheel", "focus"), Detector("Near-infrared camera", "nir")
PARTS = Instruments("mount", "dome", "plc/shutter", (VIS, NIR))
DIRECTION = (0.7123, 41.269)
Judge = Callable[[Order], tuple[Answer, str]]


@dataclass(slots=True)
class World:
    """`judge` answers orders; what is accepted happens after `delay` seconds."""

    judge: Judge = lambda _: (Answer.DONE, "")
    delay: float = 2.0
    lost: set[str] = field(default_factory=set)
    now: float = 0.0
    values: dict[str, Any] = field(default_factory=dict)
    coming: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    orders: list[tuple[float, Order]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values = {"mount/state": "parked", "mount/parked": True, "mount/right_ascension": 0.0}
        self.values |= {"mount/declination": 0.0, "mount/azimuth": 0.0, "plc/shutter": "open"}
        self.values |= {"dome/azimuth": 0.0, "dome/turning": False, "wheel/state": "idle", "wheel/filter": "g"}
        self.values |= {"focus/position": 0, "focus/moving": False}
        for camera in ("vis", "nir"):
            self.values |= {f"{camera}/state": "idle", f"{camera}/images": 0, f"{camera}/image": ""}
            self.values |= {f"{camera}/trouble": "", f"{camera}/binning": 1}

    def seen(self) -> Seen:
        """What answers of it."""
        for at, change in sorted(self.coming, key=lambda one: one[0]):
            if at <= self.now:
                self.values |= change
        self.coming = [one for one in self.coming if one[0] > self.now]
        return Seen({path: v for path, v in self.values.items() if path.partition("/")[0] not in self.lost})

    def take(self, order: Order) -> tuple[Answer, str]:
        """Do what is ordered, as `judge` says."""
        self.orders.append((self.now, order))
        answer, why = self.judge(order)
        if answer is Answer.DONE:
            getattr(self, f"_{order.name}")(order.device, *order.arguments)
        return answer, why

    def later(self, seconds: float, **change: Any) -> None:
        """Let tags have values so many seconds from now; their paths with __ for /."""
        self.coming.append((self.now + seconds, {path.replace("__", "/"): v for path, v in change.items()}))

    def _unpark(self, mount: str) -> None:
        self.values |= {f"{mount}/parked": False, f"{mount}/state": "idle"}

    def _slew(self, mount: str, ra: float, dec: float) -> None:
        self.values[f"{mount}/state"] = "slewing"
        there = {"mount__right_ascension": ra, "mount__declination": dec, "mount__azimuth": 90.0}
        self.later(self.delay * 5, mount__state="tracking", **there)

    def _turn(self, dome: str, azimuth: float) -> None:
        self.values[f"{dome}/turning"] = True
        self.later(self.delay, dome__azimuth=azimuth, dome__turning=False)

    def _select(self, wheel: str, name: str) -> None:
        self.values[f"{wheel}/state"] = "moving"
        self.later(self.delay, wheel__state="idle", wheel__filter=name)

    def _move(self, focuser: str, position: int) -> None:
        self.values[f"{focuser}/moving"] = True
        self.later(self.delay, focus__position=position, focus__moving=False)

    def _write(self, device: str, name: str, value: Any) -> None:
        self.values[f"{device}/{name}"] = value

    def _expose(self, camera: str, seconds: float, _frame: str) -> None:
        assert self.values[f"{camera}/state"] == "idle", "told to expose while it is busy"
        self.values[f"{camera}/state"] = "exposing"
        count = self.values[f"{camera}/images"] + 1
        done = {f"{camera}/state": "idle", f"{camera}/images": count, f"{camera}/image": f"{camera}-{count}.fits"}
        self.coming.append((self.now + seconds + 1.0, done))

    def _abort(self, device: str) -> None:
        self.coming = [(at, c) for at, c in self.coming if not any(path.startswith(f"{device}/") for path in c)]
        if device in ("vis", "nir"):
            self.values |= {f"{device}/state": "idle", f"{device}/trouble": ""}
        else:
            self.values[f"{device}/state"] = "idle"


@dataclass(slots=True)
class Run:
    """An execution in a world, half a second at a time."""

    entry: Entry
    world: World = field(default_factory=World)
    direction: tuple[float, float] | None = DIRECTION
    left: float = 3600.0
    keeping: str = ""
    kept: list[Slot] = field(default_factory=list)
    shots: list[Shot] = field(default_factory=list)
    execution: Execution = field(init=False)

    def __post_init__(self) -> None:
        self.execution = Execution(self.entry, PARTS, self.direction, 90.0)

    def step(self, seconds: float = 0.5) -> None:
        """One look."""
        now = self.world.now
        for numbered in self.execution.step(now, self.world.seen(), self.left - now):
            self._take(numbered)
        for shot in self.execution.shots():
            self.kept.append(shot.slot)
            self.shots.append(shot)
            self.execution.kept(shot.slot, self.keeping)
        self.world.now += seconds

    def go(self, seconds: float = 2000.0, until: Callable[[Run], bool] = lambda _: False) -> Run:
        """Until it is over, or the condition holds, for so long at most."""
        end = self.world.now + seconds
        while self.world.now < end and not self.execution.over and not until(self):
            self.step()
        return self

    def _take(self, numbered: Numbered) -> None:
        answer, why = self.world.take(numbered.order)
        self.execution.answered(numbered.number, answer, why, self.world.now, round(self.world.now * 1e9))

    def ordered(self, name: str) -> list[float]:
        """When an order of this name was given."""
        return [at for at, order in self.world.orders if order.name == name]
