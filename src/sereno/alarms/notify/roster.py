"""Rosters: who is on duty at a moment, by the clock of a place. Nothing here waits or reads a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
MIDNIGHT = time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """People on duty from `start` to `end` by the local clock, on the weekdays (0 = Monday) on which it begins.

    `end` at or before `start` is on the next day. `turn` days: only one of `people` has it at a time, the first from
    the day `since` on, the next after so many days. `first`, `last`: the days between which it holds.
    """

    people: tuple[str, ...]
    start: time = MIDNIGHT
    end: time = MIDNIGHT
    weekdays: frozenset[int] = frozenset(range(7))
    turn: int = 0
    since: date = date(2024, 1, 1)
    first: date | None = None
    last: date | None = None

    def begins_on(self, day: date) -> bool:
        """True if there is such a shift on this day."""
        inside = (self.first is None or self.first <= day) and (self.last is None or day <= self.last)
        return inside and day.weekday() in self.weekdays

    def holders(self, day: date) -> tuple[str, ...]:
        """Whose shift it is that begins on this day."""
        if not self.turn:
            return self.people
        return (self.people[(day - self.since).days // self.turn % len(self.people)],)


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterChange:
    """From `start` to `end` (ns UTC) `takes` is on duty in place of `leaves`; "" for nobody on either side."""

    id: int
    roster: str
    start: int
    end: int
    leaves: str
    takes: str
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Shifts by the clock of one time zone. `holidays` are days on which only shifts with dates of their own begin."""

    name: str
    timezone: str
    shifts: tuple[Shift, ...]
    holidays: frozenset[date] = frozenset()

    def on_duty(self, t: int, changes: Iterable[RosterChange] = ()) -> tuple[str, ...]:
        """Who is on duty at `t` ns UTC, in the order of the declaration."""
        local = local_time(t, self.timezone)
        found = dict.fromkeys(person for shift in self.shifts for person in self._present(shift, local))
        for change in changes:
            if change.roster == self.name and change.start <= t < change.end:
                found.pop(change.leaves, None)
                if change.takes:
                    found[change.takes] = None
        return tuple(found)

    def plan(
        self, start: int, end: int, changes: Sequence[RosterChange] = ()
    ) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """(from, to, people) without gaps over [start, end) ns UTC."""
        edges = sorted({start, *(t for t in self._edges(start, end, changes) if start < t < end), end})
        since, people = start, self.on_duty(start, changes)
        for t in edges[1:-1]:
            now = self.on_duty(t, changes)
            if now != people:
                yield since, t, people
                since, people = t, now
        if since < end:
            yield since, end, people

    def _present(self, shift: Shift, local: datetime) -> tuple[str, ...]:
        day, clock = local.date(), local.time()
        overnight = shift.end <= shift.start
        found: tuple[str, ...] = ()
        if overnight and clock < shift.end and self._begins(shift, day - DAY):
            found += shift.holders(day - DAY)
        if clock >= shift.start and (overnight or clock < shift.end) and self._begins(shift, day):
            found += shift.holders(day)
        return found

    def _begins(self, shift: Shift, day: date) -> bool:
        return shift.begins_on(day) and (day not in self.holidays or shift.first is not None)

    def _edges(self, start: int, end: int, changes: Sequence[RosterChange]) -> Iterator[int]:
        zone = ZoneInfo(self.timezone)
        day, last = local_time(start, self.timezone).date() - DAY, local_time(end, self.timezone).date() + DAY
        clocks = {clock for shift in self.shifts for clock in (shift.start, shift.end)}
        while day <= last:
            for clock in clocks:
                for fold in (0, 1):
                    yield ns_of(datetime.combine(day, clock, zone).replace(fold=fold))
            yield from _clock_changes(day, zone)
            day += DAY
        for change in changes:
            yield from (change.start, change.end)


def local_time(t: int, timezone: str) -> datetime:
    """Wall time of a place at `t` ns UTC, to the second."""
    return datetime.fromtimestamp(t // 10**9, UTC).astimezone(ZoneInfo(timezone))


def ns_of(moment: datetime) -> int:
    """ns UTC of an aware datetime."""
    return round(moment.timestamp()) * 10**9


def next_of(minutes: Iterable[int], timezone: str, t: int) -> int:
    """The first moment after `t` at which the local clock shows one of these minutes of the day."""
    zone = ZoneInfo(timezone)
    day = local_time(t, timezone).date()
    moments = (
        ns_of(datetime.combine(day + DAY * ahead, time(minute // 60, minute % 60), zone))
        for ahead in range(3)
        for minute in minutes
    )
    return min(moment for moment in moments if moment > t)


def _clock_changes(day: date, zone: ZoneInfo) -> Iterator[int]:
    """When the clocks of the place are changed on this day, if they are: a shift may begin or end there."""
    start = ns_of(datetime.combine(day, MIDNIGHT, zone))
    before = datetime.fromtimestamp(start // 10**9, zone).utcoffset()
    for quarter in range(1, 101):
        t = start + quarter * 900 * 10**9
        if datetime.fromtimestamp(t // 10**9, zone).utcoffset() != before:
            yield t
            return
