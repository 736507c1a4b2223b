"""Slow random wandering about a mean, exact for any step."""

from __future__ import annotations

import math
import random


class Drift:
    """An Ornstein-Uhlenbeck process: standard deviation `spread` about `mean`, correlated over `tau` seconds."""

    __slots__ = ("_decay", "_dt", "_kick", "_random", "mean", "spread", "tau", "value")

    def __init__(self, mean: float, spread: float, tau: float, source: random.Random) -> None:
        self.mean = mean
        self.spread = spread
        self.tau = tau
        self.value = mean
        self._random = source
        self._dt = -1.0
        self._decay = 1.0
        self._kick = 0.0

    def step(self, dt: float) -> float:
        """Advance by `dt` seconds and return the new value."""
        if dt != self._dt:
            self._dt = dt
            self._decay = math.exp(-dt / self.tau)
            self._kick = self.spread * math.sqrt(1.0 - self._decay * self._decay)
        self.value = self.mean + (self.value - self.mean) * self._decay + self._random.gauss(0.0, self._kick)
        return self.value
