"""What the town takes: a daily curve with a morning and an evening peak, and noise."""

from __future__ import annotations

import random

from .drift import Drift

CURVE = (
    0.42, 0.36, 0.33, 0.34, 0.42, 0.72, 1.25, 1.68, 1.60, 1.32, 1.14, 1.08,
    1.12, 1.16, 1.06, 0.98, 0.96, 1.04, 1.22, 1.46, 1.50, 1.24, 0.90, 0.60,
)  # fmt: skip
"""Factor on the mean at the start of each hour (UTC); straight lines between."""

_MEAN = sum(CURVE) / len(CURVE)


def curve(day_seconds: float) -> float:
    """Factor on the mean demand at a time of day; its mean over a day is 1."""
    hour, part = divmod(day_seconds / 3600.0, 1.0)
    first = CURVE[int(hour) % 24]
    return (first + (CURVE[(int(hour) + 1) % 24] - first) * part) / _MEAN


class Demand:
    """Demand of one zone, m3/s."""

    def __init__(self, mean: float, source: random.Random) -> None:
        self.mean = mean
        self.flow = mean
        self._slow = Drift(0.0, 0.06, 900.0, source)
        self._quick = Drift(0.0, 0.02, 20.0, source)

    def step(self, dt: float, day_seconds: float) -> float:
        """Advance by `dt` seconds and return the demand, m3/s."""
        noise = 1.0 + self._slow.step(dt) + self._quick.step(dt)
        self.flow = self.mean * curve(day_seconds) * max(0.05, noise)
        return self.flow
