"""Is this machine's clock kept right? Told where people and monitoring look."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from sereno.model import Clock, SystemClock

from .platform import HostClock, host_clock

OFF = 1.0
"""Seconds that a clock which is kept right may be wrong by before somebody should look."""


def clock_fault(clock: HostClock | None = None) -> str:
    """In words what is wrong with this machine's clock; empty where nothing is, or nobody knows."""
    found = clock or host_clock()
    if found.synchronised is False:
        return "this machine's clock is not synchronised: times of samples and records may be wrong"
    if found.synchronised and found.max_error > OFF:
        return f"this machine's clock may be wrong by {found.max_error:.1f} s"
    return ""


class Timekeeping(StrEnum):
    """What can be said of the clock that a node runs on."""

    UNKNOWN = "unknown"
    UNSYNCHRONISED = "unsynchronised"
    SYNCHRONISED = "synchronised"
    SIMULATED = "simulated"


def timekeeping(clock: Clock, *, demo: bool, host: HostClock | None = None) -> Timekeeping:
    """Simulated: not the machine's time, or a demo's, where nothing but simulators goes by it."""
    if not isinstance(clock, SystemClock):
        return Timekeeping.SIMULATED
    found = host or host_clock()
    if found.synchronised:
        return Timekeeping.SYNCHRONISED
    if demo:
        return Timekeeping.SIMULATED
    return Timekeeping.UNKNOWN if found.synchronised is None else Timekeeping.UNSYNCHRONISED


def clock_figures(clock: HostClock | None = None) -> Mapping[str, float]:
    """For metrics: 1 synchronised, 0 not, -1 unknown; and the most that it may be wrong by, in seconds."""
    found = clock or host_clock()
    known = -1 if found.synchronised is None else int(found.synchronised)
    return {"clock_synchronised": known, "clock_max_error_s": found.max_error}
