"""The client's end of a contender: the same measurements for all, over functions that each gives."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LAST = -1.0
"""What a server pushes to every tag at the end."""
SETTLED, PATIENCE = 0.25, 5.0
"""Seconds without an event after which no more are waited for: the last values are there, or not."""


@dataclass
class Asker:
    """How a contender asks. `one` reads a number, `many` all numbers, `array` the array of 1000; `subscribe` is given
    what to call with the position and value of each event, and returns when all tags are subscribed."""

    one: Callable[[], Any]
    many: Callable[[], Any]
    array: Callable[[], Any]
    subscribe: Callable[[Callable[[int, float], None]], Any]


def percentile(sorted_values: list[float], share: float) -> float:
    """Of an ordered list."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def sequence(times: list[float], seconds: float) -> dict[str, float]:
    """Figures of calls one after another."""
    ordered = sorted(times)
    return {
        "sequential_per_s": len(times) / seconds,
        "p50_us": percentile(ordered, 0.5) * 1e6,
        "p99_us": percentile(ordered, 0.99) * 1e6,
    }


def timed(call: Callable[[], Any], seconds: float) -> tuple[list[float], float]:
    """Times of calls one after another for so long."""
    times, began = [], time.perf_counter()
    now = began
    while now - began < seconds:
        call()
        after = time.perf_counter()
        times.append(after - now)
        now = after
    return times, now - began


class Events:
    """Counts events and keeps the last value of each tag."""

    def __init__(self, size: int) -> None:
        self.count = 0
        self.last = [0.0] * size

    def take(self, position: int, value: float) -> None:
        """One event."""
        self.count += 1
        self.last[position] = value

    def figures(self, seconds: float, pushed: int, before: int) -> dict[str, float]:
        """What came of what was pushed."""
        came = self.count - before
        right = sum(value == LAST for value in self.last)
        return {
            "events_per_s": came / seconds,
            "events_share": came / pushed,
            "last_right": right / len(self.last),
        }


def measure(asker: Asker, size: int, seconds: float) -> None:
    """Measure and print one JSON line. Says `subscribed` in between, and reads what was pushed."""
    asker.one(), asker.many(), asker.array()
    found = sequence(*timed(asker.one, seconds))
    calls, took = timed(asker.many, seconds)
    found["bulk_values_per_s"] = size * len(calls) / took
    calls, took = timed(asker.array, seconds)
    found["array_values_per_s"] = 1000 * len(calls) / took
    events = Events(size)
    began = time.perf_counter()
    asker.subscribe(events.take)
    found["subscribe_ms"] = (time.perf_counter() - began) * 1e3
    time.sleep(0.3)
    before = events.count
    began = time.perf_counter()
    print("subscribed", flush=True)
    pushed = json.loads(sys.stdin.readline())["pushed"]
    end = Quiet(events)
    while not end.over():
        time.sleep(0.02)
    print(json.dumps({**found, **events.figures(end.last - began, pushed, before)}), flush=True)


class Quiet:
    """Finds the end of a stream of events: `over` after nothing has come for a while, or all last values are there."""

    def __init__(self, events: Events) -> None:
        self.last = time.perf_counter()
        self._events = events
        self._seen = -1

    def over(self) -> bool:
        """Ask it every few milliseconds. `last` is when the last event was seen."""
        now = time.perf_counter()
        if self._events.count != self._seen:
            self._seen, self.last = self._events.count, now
        return now - self.last > (SETTLED if all(v == LAST for v in self._events.last) else PATIENCE)
