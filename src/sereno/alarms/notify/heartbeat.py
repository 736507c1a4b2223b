"""The heartbeat to the outside: a message whose absence tells that the node is dead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sereno.model import Clock, OperationError

from .roster import next_of

LOOK = 60.0
"""Seconds after which the clock is looked at again: it may have been set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatSpec:
    """By `way`, to `person` where the way needs one, every so many seconds, or at minutes of the local day."""

    name: str
    way: str
    person: str = ""
    every: float = 0.0
    at: tuple[int, ...] = ()
    timezone: str = "UTC"

    def next(self, t: int) -> int:
        """The first of its times of day after `t`, ns UTC."""
        return next_of(self.at, self.timezone, t)


@dataclass(slots=True)
class Beat:
    """How a heartbeat does: when it last went out, and what became of it."""

    spec: HeartbeatSpec
    last: int = 0
    outcome: str = ""


class Heartbeat:
    """Sends one heartbeat when it is due; the first at the start, unless it has times of day."""

    def __init__(self, spec: HeartbeatSpec, clock: Clock, send: Callable[[HeartbeatSpec], Awaitable[str]]) -> None:
        self.beat = Beat(spec)
        self._clock = clock
        self._send = send

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            if self.beat.spec.at:
                await self._until_next()
            await self._once()
            if not self.beat.spec.at:
                await self._clock.sleep(self.beat.spec.every)

    async def _until_next(self) -> None:
        """The next of its times of day, also where the clock is set meanwhile."""
        due = self.beat.spec.next(self._clock.wall_ns())
        while (now := self._clock.wall_ns()) < due:
            due = min(due, self.beat.spec.next(now))
            await self._clock.sleep(min((due - now) / 1e9, LOOK))

    async def _once(self) -> None:
        beat = self.beat
        try:
            beat.outcome = await self._send(beat.spec)
        except OperationError as error:
            beat.outcome = str(error)
        beat.last = self._clock.wall_ns()
