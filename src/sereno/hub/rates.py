"""How far a set-point may move: in one command, and on average over time."""

from __future__ import annotations

from typing import Any

import numpy as np

from sereno.model import Clock, Quality, RefusedError, TagSpec, severity

from .hub import Hub
from .present import show


class Rates:
    """Judges `max_step` and `max_rate` against the present value, which must be good.

    A command may move the value by `max_rate` times the seconds since the last one to the tag went out, or since the
    start of the node: many small commands get no further than one large one.
    """

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._started = clock.monotonic()
        self._sent: dict[str, float] = {}

    def check(self, spec: TagSpec, handle: int | None, value: Any) -> None:
        """Raises RefusedError if `value` is too far from the present one, which `handle` shows."""
        limits = spec.setpoint
        if limits.max_step is None and limits.max_rate is None:
            return
        now = self._present(spec, handle)
        distance = float(np.max(np.abs(np.asarray(value, np.float64) - np.asarray(now, np.float64))))
        step = f"from {show(now, spec)} to {show(value, spec)} is a step of {distance:g}"
        if limits.max_step is not None and _beyond(distance, limits.max_step):
            raise RefusedError(f"{step}, {spec.path} takes at most {limits.max_step:g} at once")
        if limits.max_rate is None:
            return
        passed = self._clock.monotonic() - self._sent.get(spec.path, self._started)
        if _beyond(distance, limits.max_rate * passed):
            wait = distance / limits.max_rate - passed
            rate = f"{spec.path} takes at most {limits.max_rate:g} per second"
            raise RefusedError(f"{step}, {passed:.1f} s after the last; {rate}, so wait {wait:.1f} s more")

    def sent(self, spec: TagSpec) -> None:
        """A command to the tag goes out now."""
        if spec.setpoint.max_rate is not None:
            self._sent[spec.path] = self._clock.monotonic()

    def _present(self, spec: TagSpec, handle: int | None) -> Any:
        reading = None if handle is None else self._hub.readings.one(handle)
        if reading is None or severity(reading.quality) != "good" or reading.quality == Quality.SUBSTITUTED:
            why = f" ({reading.reason})" if reading is not None and reading.reason else ""
            raise RefusedError(f"how far {spec.path} would move cannot be judged: no good value of it{why}")
        return reading.value


def _beyond(distance: float, allowed: float) -> bool:
    return distance > allowed * (1 + 1e-9)
