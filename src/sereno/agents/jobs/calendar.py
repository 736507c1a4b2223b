"""When a job of the calendar is due: five fields as cron has them, in the plant's time zone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

FIELDS = "minute hour day month weekday"
SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * mon",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
_NAMES = {
    "month": ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
    "weekday": ("sun", "mon", "tue", "wed", "thu", "fri", "sat"),
}
_RANGES = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}
_PART = re.compile(r"(?:\*|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:/([0-9]{1,2}))?\Z")
_LONGEST = 366 * 8 + 2
"""Days: a 29th of February comes at least so often."""
_FOLD = timedelta(hours=3)
"""More than any zone sets its clocks by at once."""


class CalendarError(ValueError):
    """A calendar that cannot be read, in words."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Five fields in a zone. Where day and weekday are both given, either is enough, as cron has it.

    A time that the clocks jump over is due at once after the jump; one that comes twice is due the first time, unless
    every hour is meant: then it goes by hours that really pass.
    """

    text: str
    zone: ZoneInfo
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    hourly: bool

    def after(self, t: int) -> int:
        """The first time that is due after `t`, both ns UTC. Raises CalendarError if there is none for years."""
        earliest = datetime.fromtimestamp(t // 10**9, UTC)
        local = earliest.astimezone(self.zone).replace(tzinfo=None)
        found: datetime | None = None
        seen = local
        for naive in self._candidates(local - _FOLD):
            if found is not None and naive > seen + _FOLD:
                break
            for due in self._moments(naive):
                if due > earliest and (found is None or due < found):
                    found, seen = due, naive
        if found is None:
            raise CalendarError(f"{self.text!r} never comes")
        return round(found.timestamp()) * 10**9

    def _candidates(self, since: datetime) -> Iterator[datetime]:
        """Clock times that the fields name, in order."""
        for number in range(_LONGEST):
            day = since.date() + timedelta(days=number)
            if not self._on(day):
                continue
            for hour in self.hours:
                for minute in self.minutes:
                    naive = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - the zone comes later
                    if naive >= since:
                        yield naive

    def _on(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return (by_day or by_weekday) if self.either else (by_day and by_weekday)

    def _moments(self, naive: datetime) -> list[datetime]:
        """When the clocks show this: once, twice, or, where they jump over it, when they have jumped."""
        first, second = (naive.replace(tzinfo=self.zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first.astimezone(self.zone).replace(tzinfo=None) == naive:
            return [first, second] if self.hourly and second != first else [first]
        return [] if self.hourly else [_jump(second, first, self.zone)]


def _jump(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """When between these moments the offset changes."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle == low:
            break
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high


def parse_calendar(text: str, zone: str) -> Calendar:
    """`minute hour day month weekday` with `*`, lists, ranges, steps and English names, or `@daily` and the like.

    Raises CalendarError, also for a day that never comes.
    """
    fields = SHORT.get(text.strip().lower(), text).lower().split()
    if len(fields) != len(_RANGES):
        shorts = ", ".join(SHORT)
        raise CalendarError(f"{text!r} has {len(fields)} fields, expected five: {FIELDS}, or one of {shorts}")
    given = dict(zip(_RANGES, fields, strict=True))
    sets = {name: _field(name, field) for name, field in given.items()}
    made = Calendar(
        text=text,
        zone=ZoneInfo(zone),
        minutes=tuple(sorted(sets["minute"])),
        hours=tuple(sorted(sets["hour"])),
        days=frozenset(sets["day"]),
        months=frozenset(sets["month"]),
        weekdays=frozenset(number % 7 for number in sets["weekday"]),
        either=not given["day"].startswith("*") and not given["weekday"].startswith("*"),
        hourly=given["hour"].startswith("*"),
    )
    made.after(0)
    return made


def _field(name: str, text: str) -> set[int]:
    low, high = _RANGES[name]
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.match(part)
        if match is None:
            raise CalendarError(f"{part!r} is no {name}, expected such as {low}, {low}-{high}, * or */2")
        begin, end, step = match.groups()
        first = low if begin is None else _number(name, begin)
        open_ended = begin is None or step is not None
        last = _number(name, end) if end is not None else high if open_ended else first
        if last < first or step == "0":
            raise CalendarError(f"{part!r} of the {name} is empty")
        found.update(range(first, last + 1, int(step or 1)))
    return found


def _number(name: str, text: str) -> int:
    low, high = _RANGES[name]
    names = _NAMES.get(name, ())
    if text in names:
        return names.index(text) + low
    if not text.isdigit() or not low <= int(text) <= high:
        named = f" or {names[0]} to {names[-1]}" if names else ""
        raise CalendarError(f"{text!r} is no {name}, expected {low} to {high}{named}")
    return int(text)
