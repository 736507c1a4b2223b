"""The operational state of a device as a pure machine: conditions in, steps through the table out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sereno.model import OperationalState, path_between


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is known of a device. `held` is the state that it says itself to be in while it answers."""

    started: bool = False
    connected: bool = False
    answering: bool = False
    faulty: bool = False
    held: OperationalState = OperationalState.ENABLED

    @property
    def state(self) -> OperationalState:
        """The state that these conditions call for."""
        if not self.started:
            return OperationalState.OFFLINE
        if self.faulty:
            return OperationalState.FAULT
        if not self.connected:
            return OperationalState.STANDBY
        if self.held is OperationalState.FAULT:
            return OperationalState.FAULT
        return self.held if self.answering else OperationalState.DISABLED


class Operation:
    """Walks from state to state, only along the table of transitions."""

    def __init__(self) -> None:
        self.state = OperationalState.OFFLINE
        self.conditions = Conditions()

    def update(self, **changes: Any) -> list[OperationalState]:
        """Change conditions; the states passed through, the last one being where it is now (empty = no change)."""
        self.conditions = replace(self.conditions, **changes)
        steps = path_between(self.state, self.conditions.state)
        if steps:
            self.state = steps[-1]
        return steps
