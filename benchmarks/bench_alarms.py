"""Alarm limits on the live path: four limits with deadband and hysteresis a tag, against one object per alarm tag.

evaluated_per_s: values a second through Hub.publish with the limits on, the hub's own deadband included; limits_per_s
the limits alone. ratios.objects: to a loop over objects that do the same comparisons and no hub's work at all.
Time is CPU time of the process; the two sides of the ratio run in turns.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from sereno.alarms.limits import LimitChanges, LimitWatch
from sereno.client import GroupSpec
from sereno.hub.hub import Hub
from sereno.model import Limits, RowIndex, SampleBatch, SystemClock, TagSpec, seal

LIMITS = Limits(lolo=5.0, lo=10.0, hi=90.0, hihi=95.0, deadband=1.0)
DEADBAND = 0.5
CHANGED = 0.1
"""Share of the tags that go beyond the hub's deadband in a scan."""
ALARMING = 0.001
"""Share of the tags that pass a limit in a scan."""
VARIANTS = 8


def scans(count: int) -> list[np.ndarray]:
    """Values of scans to go through in turn; some pass a limit and come back in the next."""
    random = np.random.default_rng(18)
    base = random.uniform(20, 80, count)
    rounds = []
    for number in range(VARIANTS):
        base = base + random.uniform(-0.01, 0.01, count)
        moved = random.choice(count, int(count * CHANGED), replace=False)
        base[moved] += 2.0 if number % 2 else -2.0
        values = base.copy()
        values[random.choice(count, max(1, int(count * ALARMING)), replace=False)] = random.choice([3.0, 93.0, 97.0])
        rounds.append(values)
    return rounds


class Feed:
    """A hub of one group with the limits as a sink, and batches ready to publish."""

    def __init__(self, tags: int) -> None:
        self.hub = Hub(SystemClock())
        self.changes = 0
        self.watch = LimitWatch(self.hub, self._changed)
        self.hub.add_sink(self.watch)
        index = RowIndex(
            self.hub.register_tags(
                [TagSpec(path=f"plant/d/t{i}", deadband=DEADBAND, limits=LIMITS) for i in range(tags)]
            )
        )
        group = self.hub.register_group(GroupSpec("scan", "plant/d", 0.1, 1.0, index))
        now = time.time_ns()
        self.batches = [seal(group, 0, index, values, now, 0) for values in scans(tags)]
        self._round = 0

    def _changed(self, changes: LimitChanges) -> None:
        self.changes += len(changes.handles)

    def round(self) -> list[SampleBatch]:
        """One scan of each variant."""
        self._round += VARIANTS
        return [replace(b, seq=self._round + at) for at, b in enumerate(self.batches)]


class AlarmObject:
    """The plain way: each tag an object that compares its own limits."""

    __slots__ = ("changes", "deadband", "hi", "hihi", "lo", "lolo", "passed")

    def __init__(self, limits: Limits) -> None:
        self.lolo, self.lo, self.hi, self.hihi = limits.lolo, limits.lo, limits.hi, limits.hihi
        self.deadband = limits.deadband
        self.passed = (False, False, False, False)
        self.changes = 0

    def check(self, value: float) -> None:
        lolo, lo, hi, hihi = self.passed
        band = self.deadband
        passed = (
            value < self.lolo or (lolo and value < self.lolo + band),
            value < self.lo or (lo and value < self.lo + band),
            value > self.hi or (hi and value > self.hi - band),
            value > self.hihi or (hihi and value > self.hihi - band),
        )
        if passed != self.passed:
            self.passed = passed
            self.changes += 1


def rate(work: Callable[[], int], seconds: float) -> float:
    """Values per second of CPU time."""
    work()
    spent, values = 0.0, 0
    while spent < seconds:
        started = time.process_time()
        values += work()
        spent += time.process_time() - started
    return values / spent


def live(feed: Feed, tags: int, seconds: float) -> float:
    """Values through the hub with the limits on."""
    spent, values = 0.0, 0
    while spent < seconds:
        batches = feed.round()
        started = time.process_time()
        for batch in batches:
            feed.hub.publish(batch)
        spent += time.process_time() - started
        values += tags * len(batches)
    return values / spent


def measure(tags: int, seconds: float) -> dict[str, float]:
    """Medians of three turns of each side, and proof that both sides found the same."""
    feed = Feed(tags)
    admitted = [b.admitted(t_hub=1, changed=np.zeros(tags, np.bool_)) for b in feed.batches]
    objects = [AlarmObject(LIMITS) for _ in range(tags)]
    columns = [batch.values.tolist() for batch in admitted]
    alone = LimitWatch(feed.hub, lambda _: None)

    def by_columns() -> int:
        for batch in admitted:
            alone.accept(batch)
        return tags * len(admitted)

    def by_objects() -> int:
        for column in columns:
            for alarm, value in zip(objects, column, strict=True):
                alarm.check(value)
        return tags * len(columns)

    by_columns()
    by_objects()
    assert alone.changes == sum(o.changes for o in objects) > 0, "both find the same changes"
    live(feed, tags, 0.01)
    turns = [(live(feed, tags, seconds), rate(by_columns, seconds), rate(by_objects, seconds)) for _ in range(3)]
    assert feed.changes, "the limits saw the scans"
    names = ("evaluated_per_s", "limits_per_s", "objects_per_s")
    return dict(zip(names, map(statistics.median, zip(*turns, strict=True)), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of each single measurement")
    parser.add_argument("--tags", type=int, nargs=2, default=[10_000, 100_000], help="tags with alarms: small, large")
    args = parser.parse_args()
    small, large = (measure(tags, args.seconds) for tags in args.tags)
    figures = {f"{name}_small": figure for name, figure in small.items()} | large
    ratios = {
        "objects": large["evaluated_per_s"] / large["objects_per_s"],
        "objects_small": small["evaluated_per_s"] / small["objects_per_s"],
    }
    for name, figure in figures.items():
        print(f"{name:28} {figure / 1e6:9.2f} M values/s")
    print(f"{args.tags[0]} (small) and {args.tags[1]} tags of four limits; {ALARMING:.1%} pass one in a scan")
    rounded = {name: round(figure) for name, figure in figures.items()}
    print(json.dumps({"name": "alarms", "figures": rounded, "ratios": {n: round(r, 1) for n, r in ratios.items()}}))


if __name__ == "__main__":
    main()
