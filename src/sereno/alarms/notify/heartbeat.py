"""The heartbeat to the outside: a message whose absence tells that the node is dead."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sereno.model import Clock, OperationError

from .roster import next_of


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
        """The first moment after `t`, ns UTC."""
        return next_of(self.at, self.timezone, t) if self.at else t + round(self.every * 1e9)


@dataclass(slots=True)
class Beat:
    """How a heartbeat does: when it last went out, and what became of it."""

    spec: HeartbeatSpec
    last: int = 0
    outcome: str = ""
    sent: int = 0
    failed: int = 0


class Heartbeat:
    """Sends one heartbeat when it is due; the first at the start, unless it has times of day."""

    def __init__(self, spec: HeartbeatSpec, clock: Clock, send: Callable[[HeartbeatSpec], Awaitable[str]]) -> None:
        self.beat = Beat(spec)
        self._clock = clock
        self._send = send

    async def run(self) -> None:
        """Until cancelled."""
        spec, now = self.beat.spec, self._clock.wall_ns()
        due = spec.next(now) if spec.at else now
        while True:
            while (pause := (due - self._clock.wall_ns()) / 1e9) > 0:
                await self._clock.sleep(min(pause, 60.0))
            await self._once()
            due = spec.next(max(due, self._clock.wall_ns()) if spec.at else self._clock.wall_ns())

    async def _once(self) -> None:
        beat = self.beat
        try:
            beat.outcome = await self._send(beat.spec)
        except OperationError as error:
            beat.outcome = str(error)
            beat.failed += 1
        else:
            beat.sent += 1
        beat.last = self._clock.wall_ns()
