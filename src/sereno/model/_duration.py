"""Durations as people write them: 100ms, 2s, 5min, 1h, 1d, or a number of seconds."""

from __future__ import annotations

import re
from typing import Any

_UNITS = {"": 1.0, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
LONGEST = 1e9
"""Seconds: some thirty years. Nothing waits for longer."""
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d|)\s*\Z")


def parse_duration(value: Any) -> float:
    """Seconds. Raises ValueError with the accepted forms."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LONGEST:
        return float(value)
    found = _PATTERN.match(value) if isinstance(value, str) else None
    if found is None or float(found[1]) * _UNITS[found[2]] > LONGEST:
        raise ValueError(
            f'{value!r} is not a duration, expected for example "100ms", "2s", "5min" or seconds as a number'
        )
    return float(found[1]) * _UNITS[found[2]]
