"""The clock of a device against ours: noticed when it is off, told once, and again when it is right."""

from __future__ import annotations

import structlog

USUAL = 5.0
"""Seconds that the times of a driver may be off before it is said; tags declare their own."""
log = structlog.get_logger(__name__)


class DeviceClock:
    """One clock that is seen at every scan. `offset` s: how far it is before ours, None before it was seen."""

    def __init__(self, name: str, tolerance: float = USUAL) -> None:
        self.offset: float | None = None
        self._name = name
        self._tolerance = tolerance
        self._off = False

    def seen(self, theirs: float, ours: float) -> None:
        """What it showed at a time of ours, both in seconds since 1970."""
        self.offset = theirs - ours
        off = abs(self.offset) > self._tolerance
        if off is not self._off:
            self._off = off
            level = log.warning if off else log.info
            level("the clock of a device is off" if off else "the clock of a device is right again", clock=self.words)

    @property
    def fault(self) -> str:
        """What is wrong with it, in words; empty while nothing is."""
        return self.words if self._off else ""

    @property
    def words(self) -> str:
        """One line for people."""
        if self.offset is None:
            return f"{self._name} was not seen yet"
        return f"{self._name} is {_span(abs(self.offset))} {'ahead' if self.offset > 0 else 'behind'}"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
