"""The alerts of a scenario: what each action means, found out before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from sereno.model import Clock, ConfigurationError, Fault
from sereno.sim.scenario import Scenario

from .events import KINDS, Burst, burst, retraction
from .transport import VOEvent, read

ACTOR = "alertSimulator"
EXPECTED = '"burst", "test", "retraction", {"event": "burst", "ra": 83.63, "dec": 22.01, "error": 0.05}, or a file'

Maker = Callable[["Story"], VOEvent]


class Story:
    """Makes events one after the other; a retraction takes back the last burst."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._number = 0
        self._last = ""

    def tell(self, kind: str, what: Burst | None = None, of: str = "") -> VOEvent:
        """An event of a kind, that happens now. Raises ValueError for a retraction of nothing."""
        self._number += 1
        now = self._clock.wall_ns()
        if kind == "retraction":
            if not (of or self._last):
                raise ValueError("there is no burst to take back")
            return retraction(of or self._last, now, self._number)
        event = burst(what or Burst(), now, self._number, test=kind == "test")
        if kind == "burst":
            self._last = event.ivorn
        return event


def makers_of(scenario: Scenario, folder: Path) -> list[tuple[int, Maker]]:
    """Iteration and maker of each alert, in their order. Raises ConfigurationError with every fault."""
    made: list[tuple[int, Maker]] = []
    faults: list[Fault] = []
    burst_before = False
    for event in scenario.events:
        if event.simulator != ACTOR:
            continue
        where = f"event at {event.time}"
        if not 1 <= event.time <= scenario.iterations:
            faults.append(Fault(where, "never comes", f"1 to {scenario.iterations}"))
        try:
            kind, maker = _maker(event.action, folder)
            if kind == "retraction" and not burst_before:
                raise ValueError("there is no burst before it to take back")
            burst_before = burst_before or kind == "burst"
            made.append((event.time, maker))
        except (ValueError, OSError) as error:
            faults.append(Fault(where, str(error), EXPECTED))
    if faults:
        raise ConfigurationError(faults)
    return made


async def play(
    makers: list[tuple[int, Maker]], publish: Callable[[VOEvent], object], clock: Clock, period: float
) -> None:
    """Publish each event at its iteration, of `period` seconds."""
    begun, story = clock.monotonic(), Story(clock)
    for iteration, maker in makers:
        await clock.sleep(max(0.0, begun + (iteration - 1) * period - clock.monotonic()))
        publish(maker(story))


def _maker(action: Any, folder: Path) -> tuple[str, Maker]:
    if isinstance(action, str) and action not in KINDS:
        found = read((folder / action).read_bytes())
        if not isinstance(found, VOEvent):
            raise ValueError(f"{action} is no VOEvent")
        return "file", lambda _: found
    given = {"event": action} if isinstance(action, str) else action
    if not isinstance(given, dict) or given.get("event") not in KINDS:
        raise ValueError(f"{action!r:.80} is no alert")
    kind = str(given["event"])
    what = msgspec.convert({name: value for name, value in given.items() if name != "event"}, Burst)
    return kind, lambda story: story.tell(kind, what)
