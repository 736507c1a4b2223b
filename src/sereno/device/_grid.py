"""When a scan group is due: points on a grid of monotonic time, so that no scan shifts the next one. Pure."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grid:
    """The points start + k * period, k = 0, 1, 2 ... in monotonic seconds."""

    start: float
    period: float

    def due(self, point: int) -> float:
        """When a point is due."""
        return self.start + point * self.period

    def after(self, t: float) -> int:
        """The first point later than `t`."""
        point = max(0, math.floor((t - self.start) / self.period) + 1)
        while point > 0 and self.due(point - 1) > t:
            point -= 1
        while self.due(point) <= t:
            point += 1
        return point

    def follow(self, point: int, t: float) -> tuple[int, int]:
        """The point to scan after the scan of `point` ended at `t`, and how many were missed meanwhile.

        A scan that ends exactly when the next one is due has missed nothing.
        """
        if t <= self.due(point + 1):
            return point + 1, 0
        following = self.after(t)
        if self.due(following - 1) == t:
            following -= 1
        return following, following - point - 1


def spread(device: str, group: str, period: float) -> float:
    """A phase in [0, period) that follows from the names alone, so that not all groups scan at once."""
    digest = hashlib.blake2b(f"{device}/{group}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "little") / 2**48 * period
