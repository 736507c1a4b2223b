"""When reports are due, and of which time. Nothing here waits or reads a clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sereno.client import edges_of, parse_time

from .spec import ReportSpec

LATE = 900 * 10**9
"""A report that is made so much after it was due says so."""
_DAYS = {"h": 2, "d": 3, "w": 16, "mo": 65, "shift": 3}
_DAY_NS = 86_400 * 10**9
_WEEK = re.compile(r"(\d{4})-W(\d{1,2})\Z")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """[start, end) ns UTC."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be made now, the oldest first, and how many before these are too many to be made late."""

    periods: tuple[Period, ...]
    skipped: int


def due(spec: ReportSpec, after: int, now: int) -> Due:
    """The periods that end after `after` and whose report is due at `now`; all before have been dealt with."""
    found = [one for one in _periods(spec, after, now) if after < one.end and due_at(spec, one) <= now]
    kept = found[-spec.catch_up :]
    return Due(tuple(kept), len(found) - len(kept))


def following(spec: ReportSpec, after: int) -> Period:
    """The first period that ends after `after`."""
    return next(one for one in _periods(spec, after, after) if one.end > after)


def containing(spec: ReportSpec, t: int) -> Period:
    """The period that `t` lies in."""
    return next(one for one in _periods(spec, t, t) if one.start <= t < one.end)


def last_ended(spec: ReportSpec, now: int) -> Period:
    """The newest period that is over at `now`."""
    return [one for one in _periods(spec, now, now) if one.end <= now][-1]


def due_at(spec: ReportSpec, period: Period) -> int:
    """When the report of a period is to be made, ns UTC."""
    settled = period.end + round(spec.delay * 1e9)
    if spec.at is None:
        return settled
    zone, clock = ZoneInfo(spec.calendar.timezone), time(spec.at // 60, spec.at % 60)
    day = _local(period.end, zone).date()
    moments = (_ns(datetime.combine(day + timedelta(ahead), clock, zone)) for ahead in range(3))
    return max(settled, min(moment for moment in moments if moment >= period.end))


def key_of(spec: ReportSpec, period: Period) -> str:
    """The name of a period: 2026-11-27, 2026-W48, 2026-11, and 2026-11-27T0600+0100 where a day has several."""
    start = _local(period.start, ZoneInfo(spec.calendar.timezone))
    forms = {"d": "%Y-%m-%d", "mo": "%Y-%m", "w": "%G-W%V"}
    return start.strftime(forms.get(spec.every.unit, "%Y-%m-%dT%H%M%z"))


def period_of(spec: ReportSpec, text: str, now: int) -> Period:
    """What somebody asks for: see ReportOrder. "now" ends at `now`. Raises ValueError."""
    if text in ("", "last"):
        return last_ended(spec, now)
    if text == "now":
        return Period(containing(spec, now).start, now)
    t = _moment(text, ZoneInfo(spec.calendar.timezone))
    if not _DAY_NS * 366 < t <= now:
        raise ValueError(f"nothing is known of {text!r} yet; expected a time in the past, by the clock of the plant")
    found = containing(spec, t)
    return found if found.end <= now else Period(found.start, now)


def local_text(t: int, timezone: str) -> str:
    """Wall time of a place, with how far it is from UTC."""
    return _local(t, ZoneInfo(timezone)).isoformat(" ", "minutes")


def _moment(text: str, zone: ZoneInfo) -> int:
    week = _WEEK.match(text)
    try:
        if week:
            return _ns(datetime.combine(date.fromisocalendar(int(week[1]), int(week[2]), 1), time(), zone))
        return parse_time(f"{text}-01" if re.fullmatch(r"\d{4}-\d\d", text) else text, zone=zone)
    except (ValueError, OverflowError):
        expected = "2026-11-27, 2026-11, 2026-W48 or 2026-11-27T06:00"
        raise ValueError(f"{text[:40]!r} is no period of a report, expected {expected}, last or now") from None


def _periods(spec: ReportSpec, first: int, last: int) -> list[Period]:
    """All from one before the one of `first` to one after the one of `last`."""
    margin = _DAYS[spec.every.unit] * _DAY_NS
    pieces: list[NDArray[np.int64]] = list(edges_of(first - margin, last + margin, spec.every, spec.calendar))
    edges = np.unique(np.concatenate(pieces))[1:-1].tolist()  # the outermost are cuts
    return [Period(start, end) for start, end in pairwise(edges)]


def _local(t: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(t // 10**9, UTC).astimezone(zone)


def _ns(moment: datetime) -> int:
    return round(moment.timestamp()) * 10**9
