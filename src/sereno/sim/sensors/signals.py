"""What a simulated sensor measures: functions of the time since its start."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Signal = Callable[[float], float]
SHAPES = ("sawtooth", "sine", "steps", "noise")
LEVELS = (-1.0, -0.25, 0.5, 1.0, 0.0)
"""What `steps` goes through, a period each."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a signal looks: `period` in seconds, `duty` the part of it in which a sawtooth rises (0 to 1)."""

    name: str = "sawtooth"
    period: float = 1.0
    amplitude: float = 1.0
    duty: float = 0.5
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.name not in SHAPES:
            raise ValueError(f"shape {self.name!r}, expected one of {', '.join(SHAPES)}")
        if self.period <= 0 or not 0 <= self.duty <= 1:
            raise ValueError(f"period {self.period} s, duty {self.duty}: expected more than 0, and 0 to 1")

    def signal(self) -> Signal:
        """The function of time; noise is the same again for the same seed."""
        if self.name == "noise":
            chance = random.Random(self.seed)  # noqa: S311 - repeatable
            return lambda _: self.amplitude * chance.gauss(0.0, 1.0)
        form = {"sawtooth": self._sawtooth, "sine": self._sine, "steps": self._steps}[self.name]
        return lambda t: self.amplitude * form(t)

    def _sawtooth(self, t: float) -> float:
        """From -1 to 1 in the part `duty` of the period, and back in the rest."""
        phase = math.fmod(t, self.period) / self.period
        if phase < self.duty:
            return 2.0 * phase / self.duty - 1.0
        return 1.0 - 2.0 * (phase - self.duty) / (1.0 - self.duty) if self.duty < 1 else -1.0

    def _sine(self, t: float) -> float:
        return math.sin(2.0 * math.pi * t / self.period)

    def _steps(self, t: float) -> float:
        return LEVELS[int(t / self.period) % len(LEVELS)]


def values_of(file: Path) -> list[float]:
    """The numbers of a text file: of each line the last field, between commas or blanks; lines with # are left out.

    Raises ValueError with the line for what is no number, OSError as it comes.
    """
    found = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        fields = line.replace(",", " ").split()
        if not fields or fields[0].startswith("#"):
            continue
        try:
            found.append(float(fields[-1]))
        except ValueError:
            if found or number > 1:  # the first line may be a heading
                raise ValueError(f"{file}:{number}: {fields[-1]!r} is no number") from None
    if not found:
        raise ValueError(f"{file}: no number in it")
    return found


def replayed(values: Sequence[float], dt: float) -> Signal:
    """The values one after another, every `dt` seconds, and then again."""
    return lambda t: values[round(t / dt) % len(values)]
