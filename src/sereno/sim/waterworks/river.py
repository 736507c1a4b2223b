"""The river at the intake, and the weather over it."""

from __future__ import annotations

import math
import random

from .drift import Drift

DAY = 86400.0
RAIN_EVERY = 3 * DAY
RAIN_FADES = 8 * 3600.0
SHORTEST_STEP = 1.0


class River:
    """Level (m), turbidity (NTU), temperatures (degC), pH and conductivity (uS/cm); rain raises and dilutes."""

    def __init__(self, source: random.Random) -> None:
        self._random = source
        self._base_level = Drift(2.0, 0.08, 6 * 3600.0, source)
        self._base_turbidity = Drift(8.0, 1.0, 1800.0, source)
        self._acidity = Drift(7.6, 0.05, 3600.0, source)
        self._salt = Drift(420.0, 6.0, 3600.0, source)
        self._air = Drift(0.0, 1.0, 3600.0, source)
        self._waited = 0.0
        self.storm = 0.0
        self._runoff = 0.0
        self.air = 15.0
        self.temperature = 14.0

    @property
    def level(self) -> float:
        """Above the sill of the intake, m."""
        return max(0.05, self._base_level.value + 0.9 * self._runoff)

    @property
    def turbidity(self) -> float:
        """NTU."""
        return max(0.5, self._base_turbidity.value + 180.0 * self._runoff)

    @property
    def ph(self) -> float:
        """Acidity."""
        return self._acidity.value - 0.15 * min(self._runoff, 2.0)

    @property
    def conductivity(self) -> float:
        """uS/cm."""
        return self._salt.value / (1.0 + 0.3 * self._runoff)

    def rain(self, strength: float) -> None:
        """A storm of `strength` (1 = strong) falls now; the river follows within the hour."""
        self.storm = min(2.5, self.storm + strength)

    def step(self, dt: float, day_seconds: float) -> None:
        """Advance by `dt` seconds, in steps of a second at least; `day_seconds` is the time of day (UTC)."""
        self._waited += dt
        if self._waited < SHORTEST_STEP:
            return
        dt, self._waited = self._waited, 0.0
        if self._random.random() < dt / RAIN_EVERY:
            self.rain(self._random.uniform(0.2, 1.0))
        self.storm *= math.exp(-dt / RAIN_FADES)
        self._runoff += (self.storm - self._runoff) * -math.expm1(-dt / 1800.0)
        for drift in (self._base_level, self._base_turbidity, self._acidity, self._salt, self._air):
            drift.step(dt)
        warmth = math.cos((day_seconds - 15 * 3600.0) * (2 * math.pi / DAY))
        self.air = 15.0 + 6.0 * warmth - 2.0 * min(self.storm, 1.0) + self._air.value
        self.temperature += (13.0 + 0.2 * (self.air - 15.0) - self.temperature) * -math.expm1(-dt / (4 * 3600.0))
