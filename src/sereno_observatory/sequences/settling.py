"""Whether the wall clock may be believed with what cannot be taken back. Pure."""

from __future__ import annotations

STEP, STARTING, SETTLING = 60.0, 60.0, 600.0
"""Seconds that a clock that was set differs by; that it may need at the start; that it is watched after it was set."""


class Settling:
    """Fed with both clocks at each look: the wall's and the monotonic one, in seconds."""

    def __init__(self, wall: float, now: float) -> None:
        self._offset = wall - now
        self._by = now + STARTING

    def settled(self, wall: float, now: float) -> bool:
        """False for a while after the start, and after the wall clock was set forward or back."""
        offset = wall - now
        if abs(offset - self._offset) > STEP:
            self._by = max(self._by, now + SETTLING)
        self._offset = offset
        return now >= self._by
