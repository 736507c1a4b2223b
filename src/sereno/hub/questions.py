"""How much of the record those may fill who may do no more than read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

AT_ONCE = 50.0
PER_SECOND = 5.0
MOST_ACTORS = 1000


class Questions:
    """Counts commands that only read, by actor: `AT_ONCE` in a burst, `PER_SECOND` in the long run.

    `monotonic` gives seconds. Memory is bounded: of more actors than `MOST_ACTORS` the one that asked longest ago is
    forgotten.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, actor: str) -> bool:
        """Whether one more is admitted now; if so it is counted."""
        now = self._monotonic()
        left, t = self._left.pop(actor, (AT_ONCE, now))
        left = min(AT_ONCE, left + (now - t) * PER_SECOND)
        admitted = left >= 1.0
        self._left[actor] = (left - admitted, now)
        if len(self._left) > MOST_ACTORS:
            self._left.popitem(last=False)
        return admitted
