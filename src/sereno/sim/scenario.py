"""Scenario files of simulators: a list that begins with the number of iterations, then events."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sereno.model import ConfigurationError, Fault


@dataclass(frozen=True, slots=True)
class Event:
    """What `simulator` does at an iteration: a table for a PLC, the name of a file for users."""

    time: int
    simulator: str
    action: Any
    where: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario, in the order of its times."""

    iterations: int
    events: tuple[Event, ...]

    def due(self, iteration: int, simulator: str) -> Iterator[Any]:
        """What this simulator does at this iteration, the first one being 1."""
        return (event.action for event in self.events if event.time == iteration and event.simulator == simulator)


def read_scenario(path: Path) -> Scenario:
    """A scenario file. Raises ConfigurationError with every fault."""
    try:
        return parse_scenario(json.loads(path.read_text("utf-8")), str(path))
    except OSError as error:
        raise ConfigurationError([Fault(str(path), f"cannot be read: {error.strerror}")]) from None
    except json.JSONDecodeError as error:
        found = f"is no JSON: {error.msg} at column {error.colno}"
        raise ConfigurationError([Fault(f"{path}:{error.lineno}", found)]) from None
    except ValueError as error:
        raise ConfigurationError([Fault(str(path), f"is no JSON: {error}")]) from None


def parse_scenario(data: Any, where: str) -> Scenario:
    """A scenario from its JSON. Raises ConfigurationError with every fault."""
    if not isinstance(data, list) or not data or not _is_count(data[0]):
        raise ConfigurationError([Fault(where, "is no scenario", "[ITERATIONS, {...}, ...]")])
    events: list[Event] = []
    faults: list[Fault] = []
    for at, entry in enumerate(data[1:], 1):
        time = entry.get("time") if isinstance(entry, Mapping) else None
        actions = [pair for pair in entry.items() if pair[0] != "time"] if isinstance(entry, Mapping) else []
        if not _is_count(time) or not actions:
            faults.append(Fault(where, f"event {at} is {entry!r:.80}", '{"time": ITERATION, "SIMULATOR": ACTION}'))
            continue
        events += [Event(int(time or 0), simulator, action, f"{where}: event {at}") for simulator, action in actions]
        faults += [
            Fault(f"{where}: event {at}", f"{name!r} is no simulator", "such as plcSimulator")
            for name, _ in actions
            if not name.endswith("Simulator")
        ]
    if faults:
        raise ConfigurationError(faults)
    return Scenario(int(data[0]), tuple(sorted(events, key=lambda event: event.time)))


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
