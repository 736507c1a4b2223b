"""What a demo plays on the virtual clock, and what it is given for that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sereno.client import Client
from sereno.store.audit import AuditRecord

from .clock import PacedClock
from .simulators import Simulators


@dataclass(frozen=True, slots=True)
class Stage:
    """A running plant on its clock. `say(t, who, what)` tells people something, `t` in ns UTC.

    `client` is the plant in the eyes of an operator,
    `url` the address of its pages. `commands(since)` are acts on record from a time on.
    `seen_by(name, role)` is the plant in the eyes of another person with this role.
    """

    clock: PacedClock
    client: Client
    simulators: Simulators
    url: str
    folder: Path
    seed: int
    say: Callable[[int, str, str], None]
    commands: Callable[[int], AsyncIterator[AuditRecord]]
    seen_by: Callable[[str, str], Client]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a play went: figures by name, and what was promised and did not hold."""

    figures: Mapping[str, str | int | float]
    broken: Mapping[str, Sequence[str]]


class Play(Protocol):
    """`play` of a Demo: something that happens at its plant, with a beginning and an end."""

    @property
    def devices(self) -> Mapping[str, str]:
        """Simulator -> device of the plant that it stands for."""

    @property
    def periods(self) -> Mapping[str, float]:
        """Scan group -> seconds from scan to scan at least: what may be slower than in real time."""

    @property
    def title(self) -> str:
        """What people are told it is: "a night"."""

    def times(self, now: int, after: int) -> tuple[int, int]:
        """Beginning and end (ns UTC) of the one to play at `now`, none that begins before `after`."""

    async def run(self, stage: Stage) -> Outcome:
        """Play it, until its end."""
