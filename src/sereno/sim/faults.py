"""Faults of a simulated server, switched while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sereno.model import Clock


class FaultKind(StrEnum):
    """What goes wrong with a request.

    slow: answered `seconds` later. silent: neither executed nor answered. garbage: executed, answered with noise.
    exception: refused with `code`. cut: executed, half of the answer, then the connection is closed.
    restart: all connections dropped and refused for `seconds`; the registers are kept.
    """

    SLOW = "slow"
    SILENT = "silent"
    GARBAGE = "garbage"
    EXCEPTION = "exception"
    CUT = "cut"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class ServerFault:
    """One fault; `seconds` is for slow and restart, `code` for exception."""

    kind: FaultKind
    seconds: float = 1.0
    code: int = 4

    def __str__(self) -> str:
        if self.kind in (FaultKind.SLOW, FaultKind.RESTART):
            return f"{self.kind} {self.seconds:g}s"
        return f"{self.kind} {self.code}" if self.kind is FaultKind.EXCEPTION else str(self.kind)


class FaultPlan:
    """The fault in force: until cleared, for a time, or for a number of requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fault: ServerFault | None = None
        self._until: float | None = None
        self._requests: int | None = None

    def set(self, fault: ServerFault, *, duration: float | None = None, requests: int | None = None) -> None:
        """Put `fault` in force for `duration` seconds and at most `requests` requests; None = no such bound."""
        self._fault = fault
        self._until = None if duration is None else self._clock.monotonic() + duration
        self._requests = requests

    def clear(self) -> None:
        """Nothing is wrong any more."""
        self._fault = None

    def current(self) -> ServerFault | None:
        """The fault in force."""
        if self._fault is not None and self._until is not None and self._clock.monotonic() >= self._until:
            self._fault = None
        return self._fault

    def take(self) -> ServerFault | None:
        """The fault that meets the next request, which counts against the plan's `requests`."""
        if self._fault is None:
            return None
        fault = self.current()
        if fault is not None and self._requests is not None:
            self._requests -= 1
            if self._requests <= 0:
                self._fault = None
        return fault
