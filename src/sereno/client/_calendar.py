"""Buckets of a calendar: hours, days, weeks, months and shifts as people of a time zone count them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]

_EVERY = re.compile(r"(\d{1,5})?\s*(s|min|m|h|d|w|mo|y|shift|all)\Z")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600}
_DAY = 86400
_MONTHS = {"mo": 1, "y": 12}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORMS = "15min, 1h, 1d, 1w, 1mo, 1y, shift or all"


@dataclass(frozen=True, slots=True)
class Calendar:
    """How a site counts time: its IANA time zone, and the local times ("06:00") at which its shifts begin."""

    timezone: str = "UTC"
    shifts: tuple[str, ...] = ()

    def zone(self) -> ZoneInfo:
        """The time zone. Raises ValueError."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"unknown time zone {self.timezone!r}, expected a name such as Europe/Madrid") from None

    def shift_times(self) -> tuple[time, ...]:
        """When shifts begin, in order. Raises ValueError."""
        try:
            return tuple(sorted({time.fromisoformat(text) for text in self.shifts}))
        except ValueError:
            raise ValueError(f"shifts {', '.join(self.shifts)} are no times of day such as 06:00") from None


@dataclass(frozen=True, slots=True)
class Every:
    """The length of a bucket: `count` times `unit`, which is s, min, h, d, w, mo, y or shift; all = the whole range."""

    count: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Every:
        """Of "15min", "1d", "shift". Raises ValueError, saying what is accepted."""
        found = _EVERY.match(text.strip())
        count = int(found[1] or 1) if found else 0
        if not found or not count:
            raise ValueError(f"{text[:40]!r} is no length of a bucket, expected for example {_FORMS}")
        every = cls(count, "min" if found[2] == "m" else found[2])
        every._check(text)
        return every

    def _check(self, text: str) -> None:
        if self.unit in _SECONDS and _DAY % (self.count * _SECONDS[self.unit]):
            raise ValueError(f"{text!r} does not divide a day; expected for example {_FORMS}")
        if self.unit == "mo" and 12 % self.count:
            raise ValueError(f"{text!r} does not divide a year; expected 1mo, 2mo, 3mo, 4mo, 6mo or 1y")
        if self.unit in ("shift", "all") and self.count > 1:
            raise ValueError(f"{text!r}: these are not put together, expected {self.unit}")


def edges_of(start: int, end: int, every: Every, calendar: Calendar, most: int = 2048) -> Iterator[I64]:
    """The edges of the buckets of [start, end) ns UTC, in pieces of at most `most` buckets; a piece begins with the
    last edge of the one before it. The first and the last bucket are cut to the range. Raises ValueError.
    """
    kept = [np.array([start], np.int64)]
    held = 1
    for edges in _days(start, end, every, calendar):
        inner = edges[(edges > start) & (edges < end)]
        kept.append(inner)
        held += len(inner)
        while held > most:
            joined = np.concatenate(kept)
            yield joined[: most + 1]
            kept, held = [joined[most:]], held - most
    yield np.concatenate([*kept, np.array([end], np.int64)])


def _days(start: int, end: int, every: Every, calendar: Calendar) -> Iterator[I64]:
    """All edges in the calendar from a little before `start` to a little after `end`, increasing."""
    zone = calendar.zone()
    if every.unit == "all":
        return
    first, last = (_local(t, zone).date() + timedelta(days) for t, days in ((start, -1), (end, 1)))
    if every.unit == "shift":
        times = calendar.shift_times()
        if not times:
            raise ValueError('this site declares no shifts; [plant] shifts = ["06:00", "14:00", "22:00"]')
        yield from _increasing(_instants(((d, t) for t in times), zone) for d in _dates(first, last, Every(1, "d")))
    elif every.unit in _SECONDS:
        yield from _increasing(_within_day(d, every, zone) for d in _dates(first, last, Every(1, "d")))
    else:
        yield from _increasing(_instants([(d, time())], zone) for d in _dates(first, last, every))


def _within_day(day: date, every: Every, zone: ZoneInfo) -> I64:
    """Up to an hour by the clock that never jumps, from midnight on; longer ones by what clocks on the wall say."""
    width = every.count * _SECONDS[every.unit]
    if width <= _SECONDS["h"]:
        midnight, following = _instants([(day, time()), (day + timedelta(1), time())], zone).tolist()
        return np.arange(midnight, following, width * 10**9, dtype=np.int64)
    starts = range(0, 24 * 3600, width)
    return _instants(((day, time(s // 3600, s % 3600 // 60, s % 60)) for s in starts), zone)


def _dates(first: date, last: date, every: Every) -> Iterator[date]:
    """The dates on which buckets begin, in [first, last] and the one before."""
    if every.unit in _MONTHS:
        step = every.count * _MONTHS[every.unit]
        month = (first.year * 12 + first.month - 1) // step * step
        while (day := date(month // 12, month % 12 + 1, 1)) <= last:
            yield day
            month += step
        return
    step = every.count * (7 if every.unit == "w" else 1)
    offset = 1 if every.unit == "w" else 0  # ordinal 1 is a Monday
    ordinal = (first.toordinal() - offset) // step * step + offset
    for number in range(max(1, ordinal), last.toordinal() + 1, step):
        yield date.fromordinal(number)


def _increasing(parts: Iterable[I64]) -> Iterator[I64]:
    """Without what is not later than all before it: a change of the clocks may make two edges of one moment."""
    latest = -(1 << 63)
    for part in parts:
        highest = np.maximum.accumulate(np.concatenate((np.array([latest], np.int64), part)))
        found = part[highest[1:] > highest[:-1]]
        latest = int(found[-1]) if len(found) else latest
        yield found


def _instants(moments: Iterable[tuple[date, time]], zone: ZoneInfo) -> I64:
    """ns UTC of local moments; one that the clocks skip is when they skip it, of two the first counts."""
    since = (datetime.combine(day, at, zone).astimezone(UTC) - _EPOCH for day, at in moments)
    return np.array([(d.days * _DAY + d.seconds) * 10**9 + d.microseconds * 1000 for d in since], np.int64)


def _local(t: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=t // 1000)).astimezone(zone)
