"""The control loops of the PLCs: chlorine dose, intake flow, and how a valve is positioned."""

from __future__ import annotations

from typing import Any

from .machines import Valve

DOSE_LIMIT = 4.0


class ChlorineLoop:
    """A PI controller of the dose (mg/L), clamped to 0..4; the integral stops where the dose does.

    Held while there is nothing to measure; bumpless from manual.
    """

    def __init__(self, dose: float) -> None:
        self.dose = dose
        self._integral = dose

    def step(self, error: float, gain: float, reset_time: float, dt: float) -> float:
        """The dose for an `error` (wanted minus measured, mg/L)."""
        step = gain * error * dt / reset_time
        unclamped = gain * error + self._integral + step
        self.dose = min(DOSE_LIMIT, max(0.0, unclamped))
        if self.dose == unclamped or (unclamped < 0.0) == (step > 0.0):
            self._integral += step
        return self.dose

    def follow(self, dose: float, error: float, gain: float) -> float:
        """In manual: keep ready to take over from `dose`."""
        self.dose = dose
        self._integral = dose - gain * error
        return dose


class IntakeLoop:
    """Moves the intake valve so that the flow follows what the clear-water tank needs."""

    SPAN = 500.0
    TIME = 20.0
    DEADBAND = 3.0

    def __init__(self, opening: float) -> None:
        self.opening = opening

    def step(self, wanted: float, flow: float, dt: float) -> float:
        """The opening (0..1) for a `wanted` and a present flow, m3/h."""
        error = wanted - flow
        if wanted <= 0.0:
            self.opening = 0.0
        elif abs(error) > self.DEADBAND:
            self.opening = min(1.0, max(0.05, self.opening + error / self.SPAN * min(1.0, dt / self.TIME)))
        return self.opening


class ValveControl:
    """A valve: in automatic at the PLC's opening, in manual at the set-point."""

    CLOSED, OPENING, OPEN, CLOSING, RESTING = range(5)

    def __init__(self, name: str, position: str, valve: Valve) -> None:
        self.name = name
        self.position = position
        self.valve = valve

    @property
    def state(self) -> int:
        """Code as the PLC shows it."""
        valve = self.valve
        if valve.moving:
            return self.OPENING if valve.moving > 0 else self.CLOSING
        return self.OPEN if valve.position >= 1.0 else self.CLOSED if valve.position <= 0.0 else self.RESTING

    def fast(self) -> dict[str, Any]:
        """Its quick tags."""
        return {
            self.position: self.valve.position * 100.0,
            f"{self.name}_state": self.state,
            f"{self.name}_opened": self.valve.position >= 1.0,
            f"{self.name}_closed": self.valve.position <= 0.0,
        }

    def slow(self) -> dict[str, Any]:
        """Its slow tags."""
        return {f"{self.name}_strokes": self.valve.strokes}
