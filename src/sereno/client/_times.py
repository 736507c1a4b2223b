"""Times as people write them: ISO 8601, or relative to now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo

from sereno.model import Clock, SystemClock

_RELATIVE = re.compile(r"now(?:\s*([+-])\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d|w))?\Z")
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


_BEYOND = 1 << 63


def parse_time(text: str, clock: Clock | None = None, zone: tzinfo = UTC) -> int:
    """ns UTC of ISO 8601 (without a zone: in `zone`) or `now`, `now-6h`, `now-30min`.

    Raises ValueError with the accepted forms, also outside the years 1678 to 2261, which 64 bits of ns can hold.
    """
    try:
        found = _parsed(text, clock or SystemClock(), zone)
    except OverflowError:
        found = _BEYOND
    if not -_BEYOND < found < _BEYOND:
        raise ValueError(f"{text[:80]!r} is too far away, expected a year from 1678 to 2261")
    return found


def _parsed(text: str, clock: Clock, zone: tzinfo) -> int:
    given = text.strip()
    relative = _RELATIVE.match(given)
    if relative:
        now = clock.wall_ns()
        sign, amount, unit = relative.groups()
        return now if amount is None else now + int(float(f"{sign}{amount}") * _SECONDS[unit] * 1e9)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise ValueError(f"{text!r} is no time, expected ISO 8601 as 2026-11-20T12:00:00Z, or now-6h") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000
