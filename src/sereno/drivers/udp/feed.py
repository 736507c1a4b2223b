"""Feed: the readings of one scan group that wait to be sealed, several of a sensor one after the other."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sereno.device import ScanColumns
from sereno.model import Clock, Quality, Timer

from .link import Reader, Sensor

SEAL = 0.005
"""Seconds: readings that come sooner after the last batch wait for each other."""
MOST_WAITING = 8192
"""Readings of a sensor that may wait; beyond it the oldest is dropped and counted."""


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One column: the value of a sensor, or one of its counts. `silence` in seconds."""

    tag: str
    sensor: Sensor
    count: str | None
    silence: float


class Feed:
    """The plan of one scan group: a count of what was received goes with the very reading, other counts are the latest.

    `wanted` is called when there is something to seal, `crowded` when one is dropped.
    Sensors hold it weakly: it ends with the scan group.
    """

    def __init__(
        self, rows: Sequence[FeedRow], clock: Clock, wanted: Callable[[], None], crowded: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._wanted = wanted
        self._crowded = crowded
        self._values = np.full(len(rows), np.nan)
        self._times = np.zeros(len(rows), np.int64)
        self._quality = np.full(len(rows), Quality.WAITING, np.uint16)
        self._waiting: dict[int, deque[tuple[float, int, int]]] = {}
        self._sealed = clock.monotonic() - SEAL
        self._timer: Timer | None = None
        self._asked = False
        self._sensors = [(i, row) for i, row in enumerate(rows) if row.count is None]
        of_sensor = {row.sensor: i for i, row in self._sensors}
        numbers = {i: row.sensor for i, row in enumerate(rows) if row.count == "received" and row.sensor in of_sensor}
        self._beside = {of_sensor[sensor]: i for i, sensor in numbers.items()}
        self._counts = [
            (i, row.sensor.tally, row.count) for i, row in enumerate(rows) if row.count and i not in numbers
        ]
        for i, sensor in numbers.items():
            self._values[i], self._times[i] = sensor.tally.received, clock.wall_ns()
            self._quality[i] = Quality.GOOD
        for i, row in self._sensors:
            reader = _reader(weakref.ref(self), i)
            row.sensor.readers.append(reader)
            weakref.finalize(self, row.sensor.readers.remove, reader)

    def note(self, row: int, reading: tuple[float, int, int]) -> None:
        """A reading of a sensor came: value, time, and the how many-th it is."""
        readings = self._waiting.get(row)
        if readings is None:
            readings = self._waiting[row] = deque()
        elif len(readings) >= MOST_WAITING:
            readings.popleft()
            self._crowded()
        readings.append(reading)
        if self._asked:
            return
        self._asked = True
        wait = self._sealed + SEAL - self._clock.monotonic()
        if wait > 0:
            self._timer = self._clock.call_later(wait, self._wanted)
        else:
            self._wanted()

    def take(self) -> ScanColumns:
        """The oldest reading of every sensor that has any, and what the others had before."""
        now, wall = self._clock.monotonic(), self._clock.wall_ns()
        self._sealed = now
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for row, readings in list(self._waiting.items()):
            value, t_ns, number = readings.popleft()
            self._values[row], self._times[row] = value, t_ns
            self._quality[row] = Quality.GOOD if -np.inf < value < np.inf else Quality.NOT_A_NUMBER
            if row in self._beside:
                self._values[self._beside[row]], self._times[self._beside[row]] = number, t_ns
            if not readings:
                del self._waiting[row]
        for row, tally, count in self._counts:
            self._values[row], self._times[row], self._quality[row] = getattr(tally, count), wall, Quality.GOOD
        reasons = self._mark_silent(now, wall)
        self._asked = bool(self._waiting)
        if self._asked:
            self._wanted()
        values, quality, times = self._values.copy(), self._quality.copy(), self._times.copy()
        return ScanColumns(values, quality, complete=not reasons, t_source=times, reasons=reasons)

    def _mark_silent(self, now: float, wall: int) -> dict[str, str]:
        reasons = {}
        for i, row in self._sensors:
            heard = row.sensor.tally.heard
            if heard is None:
                self._times[i] = wall
                reasons[row.tag] = f"nothing has come from sensor {row.sensor.words} yet"
            elif now - heard > row.silence and i not in self._waiting:
                self._quality[i] = Quality.STALE
                reasons[row.tag] = f"sensor {row.sensor.words} is silent, expected at least every {row.silence:g} s"
        return reasons


def _reader(feed: weakref.ref[Feed], row: int) -> Reader:
    def read(value: float, t_ns: int, number: int) -> None:
        found = feed()
        if found is not None:
            found.note(row, (value, t_ns, number))

    return read
