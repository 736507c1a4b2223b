"""What a machine with other work took from the whole process is not held against the loop."""

from __future__ import annotations

import threading
import time

from sereno.model import Clock

LEAST = 0.1
"""Seconds at a time; a thread that wakes a little late tells nothing."""


class Witness:
    """Beats in a thread beside the loop: when both stand still and nothing is computed, the process had no time."""

    def __init__(self, clock: Clock, every: float) -> None:
        self._clock = clock
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="witness", daemon=True)
        self._lost: list[tuple[float, float, float]] = []

    def __enter__(self) -> Witness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def had(self, begin: float, end: float) -> float:
        """How many seconds of this time the process had; to be asked when it is over."""
        shares = (min(lost, end - first, last - begin) for first, last, lost in self._lost)
        return end - begin - sum(share for share in shares if share > 0)

    def _watch(self) -> None:
        over = False
        while not over:
            begin, used = self._clock.monotonic(), time.process_time()
            over = self._over.wait(self._every)
            end = self._clock.monotonic()
            lost = end - begin - self._every - (time.process_time() - used)
            if lost > LEAST:
                self._lost.append((begin, end, lost))
