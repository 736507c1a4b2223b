"""Whether the clock of a PLC goes, by the dates of its answers. No I/O."""

from __future__ import annotations

STILL, TIMES, FADING = 15.0, 3.0, 0.9
"""A clock that goes may show one date for so many seconds, and so many times as long as it did, or as nobody looked.

How long nobody looked counts less with each answer.
"""


class Going:
    """Fed with each answer. One that has not gone on twice tells nothing: there are PLCs whose date never changes."""

    def __init__(self) -> None:
        self._date = ""
        self._since = self._longest = self._gap = 0.0
        self._last: float | None = None
        self._changes = 0

    def stands_for(self, date: str, now: float) -> float:
        """Seconds for which it has stood still, beyond what it does by itself; 0 while it goes, or nobody can tell."""
        last = now if self._last is None else self._last
        self._gap, self._last = max(now - last, FADING * self._gap), now
        if date != self._date:
            if self._changes:
                self._longest = max(self._longest, last - self._since)
            self._changes += bool(self._date)
            self._date, self._since = date, now
        still = now - self._since
        usual = max(STILL, TIMES * max(self._longest, self._gap))
        return still if self._changes > 1 and still > usual else 0.0
