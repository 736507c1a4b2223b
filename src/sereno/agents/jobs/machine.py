"""When a job runs: a pure state machine for each, which knows no tags and does nothing. Never two runs at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from .calendar import Calendar


class JobState(StrEnum):
    """WAITING for its next run, RUNNING, or PAUSED: it runs only when it is asked to."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"


class Why(StrEnum):
    """What a run was begun by."""

    INTERVAL = "interval"
    AGAIN = "again"
    CALENDAR = "calendar"
    CHANGE = "change"
    ASKED = "asked"


class Moment(NamedTuple):
    """Now: monotonic seconds, and ns UTC."""

    t: float
    wall: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """`every` seconds from start to start, `again` seconds after the end; None = not by that."""

    every: float | None = None
    again: float | None = None
    calendar: Calendar | None = None


class JobMachine:
    """Feed it what happens; `tick` says whether the job starts now, and then it runs until `ended`.

    Times that pass while it runs or is paused are left out and counted, they are not made up for. A change while it
    runs is not forgotten: one more run follows.
    """

    def __init__(self, schedule: Schedule, now: Moment, *, last_start: int = 0, paused: bool = False) -> None:
        self.running = False
        self.paused = paused
        self.skipped = 0
        self._schedule = schedule
        self._asked = False
        self._changed = False
        since = max(0.0, (now.wall - last_start) / 1e9) if last_start else None
        every = schedule.every
        self._every_due = None if every is None else now.t + (max(0.0, every - since) if since is not None else 0.0)
        self._again_due = None if schedule.again is None else now.t
        self._calendar_due = None if schedule.calendar is None else schedule.calendar.after(now.wall)

    @property
    def state(self) -> JobState:
        """As people see it."""
        if self.running:
            return JobState.RUNNING
        return JobState.PAUSED if self.paused else JobState.WAITING

    def ask(self) -> bool:
        """Somebody wants it to run now; False if it runs already, or is about to because of another."""
        if self.running or self._asked:
            return False
        self._asked = True
        return True

    @property
    def asked(self) -> bool:
        """Somebody wants it to run as soon as it can."""
        return self._asked

    def change(self) -> None:
        """A tag that it listens to has changed."""
        if not self.paused:
            self._changed = True

    def pause(self) -> None:
        """No runs but those that are asked for; one under way goes on."""
        self.paused, self._changed = True, False

    def resume(self, now: Moment) -> None:
        """By its schedule again, from now on."""
        self.paused = False
        self._follow(now, self._pass_over(now))

    def reschedule(self, schedule: Schedule, now: Moment) -> None:
        """By another schedule from now on."""
        self._schedule = schedule
        self._every_due = None if schedule.every is None else now.t + schedule.every
        self._again_due = None if schedule.again is None else now.t + schedule.again
        self._calendar_due = None if schedule.calendar is None else schedule.calendar.after(now.wall)

    def tick(self, now: Moment) -> Why | None:
        """Why it starts at this moment, None if it does not. Once it has started it runs until `ended`."""
        if self.running:
            return None
        why = self._why(now)
        if why is None:
            return None
        self._asked = self._changed = False
        self._follow(now, self._due(now))
        self.running = True
        return why

    def ended(self, now: Moment) -> None:
        """The run is over."""
        self.running = False
        if self._schedule.again is not None:
            self._again_due = now.t + self._schedule.again
        passed = self._pass_over(now)
        self.skipped += bool(passed)
        self._follow(now, passed)

    def delay(self, now: Moment) -> float | None:
        """Seconds until `tick` would start it, None if only something that happens can."""
        if self.running:
            return None
        if self._asked or (self._changed and not self.paused):
            return 0.0
        if self.paused:
            return None
        dues = [due - now.t for due in (self._every_due, self._again_due) if due is not None]
        if self._calendar_due is not None:
            dues.append((self._calendar_due - now.wall) / 1e9)
        return max(0.0, min(dues)) if dues else None

    def _why(self, now: Moment) -> Why | None:
        if self._asked:
            return Why.ASKED
        if self.paused:
            return None
        return Why.CHANGE if self._changed else next(iter(self._due(now)), None)

    def _due(self, now: Moment) -> set[Why]:
        found = set()
        if self._every_due is not None and self._every_due <= now.t:
            found.add(Why.INTERVAL)
        if self._again_due is not None and self._again_due <= now.t:
            found.add(Why.AGAIN)
        if self._calendar_due is not None and self._calendar_due <= now.wall:
            found.add(Why.CALENDAR)
        return found

    def _pass_over(self, now: Moment) -> set[Why]:
        """Times of the interval and the calendar that have passed; the pause after a run is counted from its end."""
        return self._due(now) - {Why.AGAIN}

    def _follow(self, now: Moment, passed: set[Why]) -> None:
        """Put what has come or passed to its next time."""
        every, calendar = self._schedule.every, self._schedule.calendar
        if Why.INTERVAL in passed and every is not None and self._every_due is not None:
            self._every_due += every * (1 + (now.t - self._every_due) // every)
        if Why.CALENDAR in passed and calendar is not None:
            self._calendar_due = calendar.after(now.wall)
