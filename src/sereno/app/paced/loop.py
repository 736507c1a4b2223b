"""PacedLoop: real sockets and real timers, and a paced clock that moves while there is nothing else to do."""

from __future__ import annotations

from .clock import PacedClock
from .outside import Event, OutsideLoop, SkippingSelector


class PacedLoop(OutsideLoop):
    """An event loop whose own time is real. Whenever nothing is ready, the clock goes to its next timer, if it may.

    It stands still while threads work and while something is at hand, so that no timeout of the clock is due to a
    slow machine; of what is at hand at sockets it hears after at most `SKIP` of its timers.
    """

    def __init__(self, clock: PacedClock) -> None:
        self.clock = clock
        super().__init__(_PacedSelector(self))

    def jump(self) -> None:
        """Called by the selector: nobody has anything to do before the clock's next timer."""
        for call in self.clock.jump():
            self.call_soon(call)


class _PacedSelector(SkippingSelector):
    def __init__(self, loop: PacedLoop) -> None:
        super().__init__()
        self._loop = loop

    def goes_on(self) -> bool:
        """See SkippingSelector: the clock goes to a timer that may fire now, unless a thread works."""
        if self._loop.waits_outside or self._loop.clock.due_in() != 0:
            return False
        self._loop.jump()
        return True

    def turn(self, events: list[Event], timeout: float | None) -> list[Event]:
        if timeout == 0 or (events and self._loop.waits_outside):
            return events
        if events:
            self._loop.clock.follow()
            return events
        if self._loop.waits_outside:
            return self.wait(timeout)
        due = self._loop.clock.due_in()
        if due == 0:
            self._loop.jump()
            return events
        events = self.wait(_sooner(timeout, due))
        self._loop.clock.follow()
        return events


def _sooner(one: float | None, other: float | None) -> float | None:
    known = [seconds for seconds in (one, other) if seconds is not None]
    return min(known) if known else None
