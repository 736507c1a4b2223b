"""Which sequence is next: the door behind which a planner may stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from .model import Entry

OVERHEAD = 30.0
"""Seconds that pointing and the first filter are taken to need."""


class Chooser(Protocol):
    """A plan, asked for what comes next."""

    def next_at(self, waiting: Sequence[Entry], t_ns: int) -> Entry | None:
        """Of those that wait, the one to execute at ns UTC; None when nothing is to be done."""


class ByPriority:
    """The one with the highest priority that is in its window, can be seen and ends in time.

    Among equals the one whose window ends first, then the older one. `hidden` says why one cannot be seen, or "".
    One that was tried in vain rests for `rest` seconds after the first try, twice that after the second, and so on.
    """

    def __init__(self, hidden: Callable[[Entry, int], str] = lambda _entry, _t: "", rest: float = 0.0) -> None:
        self._hidden = hidden
        self._rest = rest

    def next_at(self, waiting: Sequence[Entry], t_ns: int) -> Entry | None:
        """See Chooser."""
        due = [one for one in waiting if one.status.waiting and self._fits(one, t_ns)]
        return min(due, key=_rank, default=None)

    def _fits(self, one: Entry, t_ns: int) -> bool:
        window = one.sequence
        in_time = window.t_start <= t_ns and t_ns + takes(one) * 1e9 <= window.t_end
        rests = 0 <= t_ns - one.t_tried < one.tries * self._rest * 1e9
        return in_time and not rests and not self._hidden(one, t_ns)


def takes(one: Entry) -> float:
    """Seconds that what is missing of a sequence takes: exposures, readouts and pointing."""
    return OVERHEAD + one.still_occupies


def _rank(one: Entry) -> tuple[int, int, int]:
    return -one.sequence.priority, one.sequence.t_end, one.id
