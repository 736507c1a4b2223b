"""The hub: values checked against deadband and limits, and delivered to 10 subscribers, against one dict per sample.

Checked: compared with what was last reported, scattered into the live table, and watched for four limits with their
way back (figures named deadband: without the limits).

ratios.objects: to a plain pipeline whose subscribers are tasks with an asyncio.Queue each (ours are tasks as well);
ratios.objects_called: to the same with bare callbacks in place of the queues, where a slow subscriber stops everyone.
Time is CPU time of the process, so that others on the machine count less; the two sides of a ratio run in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from sereno.access.actor import ROLES, Actor
from sereno.alarms.limits import LimitChanges, LimitWatch
from sereno.client import GroupSpec
from sereno.hub.hub import Hub
from sereno.model import Limits, RowIndex, SampleBatch, SystemClock, TagSpec, seal

DEADBAND = 0.5
CHANGED = 0.1
"""Share of the tags that go beyond their deadband in a scan; the others move within it."""
LIMITS = Limits(lolo=-8.0, lo=-1.99, hi=11.99, hihi=18.0, deadband=0.2)
"""About one tag of ten thousand passes a limit, or comes back, in a scan."""
VARIED = 1000
"""Tags from which a group has some that pass a limit."""
SUBSCRIBERS = 10
VARIANTS = 8
READER = Actor("bench", (ROLES["viewer"],))


def scans(count: int) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """Values of scans to go through in turn: each differs from the one before in CHANGED of the tags."""
    random = np.random.default_rng(20)
    values = random.random(count) * 10
    rounds = []
    for number in range(VARIANTS):
        moved = random.choice(count, int(count * CHANGED), replace=False)
        values = values + random.uniform(-0.01, 0.01, count)
        values[moved] += 2.0 if number % 2 else -2.0
        rounds.append(values)
    return rounds


class Feed:
    """A hub with groups of `group_size` tags, and batches ready to publish; `limits`: with four for each tag."""

    def __init__(self, tags: int, group_size: int, limits: Limits | None = None) -> None:
        self.hub = Hub(SystemClock())
        self.tags = tags
        self.batches: list[SampleBatch] = []
        self._round = 0
        columns = scans(group_size)
        now = time.time_ns()
        for device in range(tags // group_size):
            specs = [TagSpec(path=f"plant/d{device}/t{i}", deadband=DEADBAND, limits=limits) for i in range(group_size)]
            index = RowIndex(self.hub.register_tags(specs))
            group = self.hub.register_group(GroupSpec("scan", f"plant/d{device}", 0.1, 1.0, index))
            self.batches += [seal(group, 0, index, values.copy(), now, 0) for values in columns]
        self.group_size = group_size
        self.passed = 0
        if limits is not None:
            self.hub.add_sink(LimitWatch(self.hub, self._note))

    def _note(self, changes: LimitChanges) -> None:
        self.passed += len(changes.handles)

    def round(self) -> list[SampleBatch]:
        """One scan of every group."""
        self._round += 1
        return [replace(b, seq=self._round) for b in self.batches[self._round % VARIANTS :: VARIANTS]]


def median(measure: Callable[[], float]) -> float:
    """Of three runs."""
    return statistics.median(measure() for _ in range(3))


def checked_per_s(tags: int, group_size: int, seconds: float, limits: Limits | None = LIMITS) -> float:
    """Values admitted per second: compared, scattered into the live table, stamped, and watched for limits."""
    feed = Feed(tags, group_size, limits)

    def measure() -> float:
        spent, values = 0.0, 0
        while spent < seconds:
            batches = feed.round()
            started = time.process_time()
            for batch in batches:
                feed.hub.publish(batch)
            spent += time.process_time() - started
            values += tags
        return values / spent

    for batch in feed.round():
        feed.hub.publish(batch)
    first = feed.hub.statistics()
    measure()
    figures = {name: count - first[name] for name, count in feed.hub.statistics().items()}
    assert CHANGED * 0.5 < figures["changed"] / figures["rows"] < CHANGED * 3, "the load is what it says"
    assert limits is None or feed.passed > 0 or group_size < VARIED, "some limits are passed"
    return median(measure)


async def delivered_per_s(tags: int, seconds: float) -> float:
    """Values that reach 10 readers, each a task of its own with a table of its own, checks included."""
    feed = Feed(tags, tags)
    tables = [np.zeros(tags) for _ in range(SUBSCRIBERS)]
    delivered = 0

    async def read(subscription: Any, table: Any) -> None:
        nonlocal delivered
        async for update in subscription:
            table[update.index] = update.values
            delivered += update.index.size

    tasks = []
    for table in tables:
        subscription = await feed.hub.subscribe([], READER)
        tasks.append(asyncio.create_task(read(subscription, table)))
    for _ in range(2):  # the first time to warm up
        spent, before = 0.0, delivered
        while spent < seconds:
            batches = [feed.round()[0] for _ in range(VARIANTS)]
            started = time.process_time()
            for batch in batches:
                feed.hub.publish(batch)
                await asyncio.sleep(0)
            spent += time.process_time() - started
    order = [feed.hub.table.paths.get(spec.path) for spec in await feed.hub.tags([], READER)]
    live = feed.hub.table.value[order]
    assert all(np.abs(table - live).max() <= DEADBAND for table in tables), "every reader has the picture"
    assert feed.hub.statistics()["dropped"] == 0
    feed.hub.close()
    await asyncio.gather(*tasks)
    return (delivered - before) / spent


class Objects:
    """The plain pipeline: one dict per sample, compared and handed on, sample by sample."""

    def __init__(self, tags: int) -> None:
        self.names = [f"plant/d0/t{i}" for i in range(tags)]
        self.reported = dict.fromkeys(self.names, float("nan"))
        self.table: dict[str, dict[str, Any]] = {}
        self.subscribers: list[Callable[[dict[str, Any]], None]] = []
        self.delivered = 0

    def scan(self, values: list[float]) -> None:
        now = time.time_ns()
        for name, value in zip(self.names, values, strict=True):
            sample = {"tag": name, "value": value, "t_source": now, "quality": 0}
            self.table[name] = sample
            if not abs(value - self.reported[name]) <= DEADBAND:
                self.reported[name] = value
                self.delivered += len(self.subscribers)
                for give in self.subscribers:
                    give(sample)


async def objects_per_s(tags: int, seconds: float, *, queues: bool) -> tuple[float, float]:
    """(values checked, values delivered) per second by the plain pipeline, on the same scans.

    With queues each subscriber is a task with an asyncio.Queue, as our subscribers are tasks; without, a callback.
    """
    pipeline = Objects(tags)
    rounds = [values.tolist() for values in scans(tags)]
    pipeline.scan(rounds[-1])
    tasks = []

    async def read(queue: asyncio.Queue[dict[str, Any]]) -> None:
        own = {}
        while True:
            sample = await queue.get()
            own[sample["tag"]] = sample

    def called() -> Callable[[dict[str, Any]], None]:
        own = {}

        def update(sample: dict[str, Any]) -> None:
            own[sample["tag"]] = sample

        return update

    for _ in range(SUBSCRIBERS):
        if queues:
            queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
            tasks.append(asyncio.create_task(read(queue)))
            pipeline.subscribers.append(queue.put_nowait)
        else:
            pipeline.subscribers.append(called())
    checked, started = 0, time.process_time()
    while (spent := time.process_time() - started) < seconds:
        for values in rounds:
            pipeline.scan(values)
            await asyncio.sleep(0)
            checked += tags
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return checked / spent, pipeline.delivered / spent


def run(coroutine: Any) -> Any:
    """On uvloop where it exists, as the node does."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)
    return uvloop.run(coroutine)


def in_turns(seconds: float) -> dict[str, float]:
    """Delivery by columns and by objects at 10 k tags, three times in turns; medians."""
    rounds = []
    for _ in range(3):
        columns = run(delivered_per_s(10_000, seconds))
        _, queued = run(objects_per_s(10_000, seconds, queues=True))
        checked, called = run(objects_per_s(10_000, seconds, queues=False))
        rounds.append((columns, queued, called, checked))
    names = ("delivered_per_s", "objects_delivered_per_s", "objects_called_per_s", "objects_checked_per_s")
    return dict(zip(names, map(statistics.median, zip(*rounds, strict=True)), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.4, help="length of each single measurement")
    seconds = parser.parse_args().seconds
    figures: dict[str, float] = {
        "checked_per_s_10k": checked_per_s(10_000, 10_000, seconds),
        "checked_per_s_100k": checked_per_s(100_000, 100_000, seconds),
        "checked_per_s_100k_groups_of_1000": checked_per_s(100_000, 1000, seconds),
        "checked_per_s_groups_of_125": checked_per_s(12_500, 125, seconds),
        "checked_per_s_groups_of_10": checked_per_s(1000, 10, seconds),
        "deadband_per_s_10k": checked_per_s(10_000, 10_000, seconds, None),
        "deadband_per_s_100k": checked_per_s(100_000, 100_000, seconds, None),
        "delivered_per_s_100k": run(delivered_per_s(100_000, seconds)),
    }
    figures |= in_turns(seconds)
    ratios = {
        "objects": figures["delivered_per_s"] / figures["objects_delivered_per_s"],
        "objects_called": figures["delivered_per_s"] / figures["objects_called_per_s"],
        "objects_checked": figures["deadband_per_s_10k"] / figures["objects_checked_per_s"],
    }
    for name, figure in figures.items():
        print(f"{name:36} {figure / 1e6:9.2f} M/s")
    print(f"{CHANGED:.0%} of the tags changed in a scan, {SUBSCRIBERS} subscribers")
    print(
        json.dumps(
            {
                "name": "hub",
                "figures": {name: round(figure) for name, figure in figures.items()},
                "ratios": {name: round(ratio, 1) for name, ratio in ratios.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
