"""Tally: what became of one sensor's datagrams. A pure machine: it is told of each, and says whether to take it."""

from __future__ import annotations

from dataclasses import dataclass, field

WINDOW = 64
"""So many sequence numbers back a datagram can still be told late from sent twice."""
RESTART = 1 << 16
"""A sequence number so far ahead is that of a sensor that began anew. Unsigned ones begin anew at 0, or beyond the
window backwards; signed ones never go back, or old datagrams could be sent again by anybody."""


@dataclass(slots=True)
class Tally:
    """Counts of a sensor. `period` is the time between two of its datagrams in seconds, None where it is not known.

    With sequence numbers `lost`, `late` and `duplicates` are exact. Without them, and with a known period, a gap of
    more than one and a half periods counts as lost until what was missing comes close behind: then it was late.
    """

    period: float | None = None
    received: int = 0
    lost: int = 0
    late: int = 0
    duplicates: int = 0
    malformed: int = 0
    spoofed: int = 0
    heard: float | None = None
    last: int | None = None
    _seen: int = 0
    _owed: int = field(default=0, repr=False)

    @property
    def silent_after(self) -> float:
        """Seconds after which a sensor of a known period is silent: the longer of two periods and 1 s."""
        return max(1.0, 2.0 * (self.period or 0.0))

    def take(self, sequence: int | None, now: float, *, signed: bool = False) -> bool:
        """A datagram of the sensor came at monotonic time `now`; False if its value is old or was taken already."""
        if sequence is None:
            self._by_time(now)
        elif not self._by_number(sequence, signed):
            return False
        self.received += 1
        self.heard = now
        return True

    def counts(self) -> dict[str, int]:
        """By name, as a tag may show them."""
        return {
            "received": self.received,
            "lost": self.lost,
            "late": self.late,
            "duplicates": self.duplicates,
            "malformed": self.malformed,
            "spoofed": self.spoofed,
        }

    def _by_time(self, now: float) -> None:
        if self.period is None or self.heard is None:
            return
        gap = now - self.heard
        if gap > self.silent_after:
            self._owed = 0  # it was off; nobody can say what it would have sent
        elif gap > 1.5 * self.period:
            self._owed = round(gap / self.period) - 1
            self.lost += self._owed
        elif self._owed and gap < 0.5 * self.period:
            self._owed -= 1
            self.lost -= 1
            self.late += 1
        else:
            self._owed = 0

    def _by_number(self, sequence: int, signed: bool) -> bool:
        ahead = RESTART + 1 if self.last is None else sequence - self.last
        anew = not signed and (sequence == 0 or -ahead >= WINDOW)
        if ahead > RESTART or (anew and sequence != self.last):
            self._begin(sequence)
            return True
        if ahead > 0:
            self.lost += ahead - 1
            self._seen = ((self._seen << ahead) | 1) & ((1 << WINDOW) - 1)
            self.last = sequence
            return True
        mark = 1 << -ahead
        if -ahead >= WINDOW or self._seen & mark:
            self.duplicates += 1
            return False
        self._seen |= mark
        self.lost -= 1
        self.late += 1
        return False

    def _begin(self, sequence: int) -> None:
        self.last = sequence
        self._seen = (1 << WINDOW) - 1  # what came before is nothing that can be late
