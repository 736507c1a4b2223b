"""Sereno's historian: durable append to the log, compaction by its process, questions through the public query."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from sereno.access.actor import ROLES, Actor
from sereno.client import HistoryRequest
from sereno.historian.block import Block, Rows
from sereno.historian.cold.keeper import ColdKeeper, in_own_process
from sereno.historian.cold.worker import Order
from sereno.historian.disk import SystemDisk
from sereno.historian.encoder import CommitData
from sereno.historian.historian import Historian
from sereno.historian.holdings import AT_ONCE
from sereno.historian.query import Query
from sereno.historian.tags import define, encode_definition
from sereno.historian.writer import LogWriter
from sereno.model import SystemClock, TagHandle, TagSpec

from . import questions
from .data import Samples

ACTOR = Actor("bench", (ROLES["viewer"],))
MS = 1_000_000


class Declared:
    """The tags; their position is the handle."""

    def __init__(self, tags: int, decimals: int | None) -> None:
        self.specs = [TagSpec(path=f"bench/device{i // 100}/tag{i}", decimals=decimals) for i in range(tags)]
        self.ids = np.array([int(spec.id) for spec in self.specs], np.int64)

    def spec(self, handle: int) -> TagSpec:
        return self.specs[handle]

    def directory(self) -> dict[TagHandle, TagSpec]:
        return {TagHandle(i): spec for i, spec in enumerate(self.specs)}


class Ours:
    def __init__(self, folder: Path, samples: Samples, decimals: int | None = None) -> None:
        self.folder, self.samples = folder, samples
        self.declared = Declared(samples.tags, decimals)
        self.sync_ms = 0.0
        self.cpu_s = {"append": 0.0, "compact": 0.0}
        self.segments: list[int] = []

    def append(self, batch: int) -> float:
        """Samples per second, each batch durable before the next."""
        (self.folder / "log").mkdir(parents=True)
        lines = [encode_definition(define(spec, 0)) for spec in self.declared.specs]
        (self.folder / "tags.jsonl").write_bytes(b"".join(lines))
        writer = LogWriter(
            SystemDisk(),
            self.folder / "log",
            SystemClock(),
            list,
            epoch=1,
            next_number=1,
            segment_bytes=64 << 20,
            gap=None,
        )
        samples = self.samples
        n = len(samples.t)
        ids, t = self.declared.ids[samples.tag], samples.t * MS
        quality = np.zeros(batch, np.uint16)
        syncs: list[float] = []
        began, before = time.perf_counter(), time.process_time()
        for a in range(0, n, batch):
            rows = Rows(
                ids[a : a + batch], samples.value[a : a + batch], t[a : a + batch], quality[: min(batch, n - a)]
            )
            writer.write(CommitData([Block(rows, samples.tag[a : a + batch])]), int(rows.t[-1]))
            syncs.append(writer.times.last)
        took = time.perf_counter() - began
        self.cpu_s["append"] = time.process_time() - before
        writer.seal()
        self.sync_ms = statistics.median(syncs) * 1000
        self.segments = sorted(int(p.stem) for p in (self.folder / "log").glob("*.log"))
        return n / took

    async def compact(self) -> float:
        """Samples per second, in the compactor's own process, as much at a time as a node gives it; with its start."""
        keeper = ColdKeeper(self.folder, SystemDisk(), lambda *_: None)
        keeper.open()
        began, before = time.perf_counter(), os.times()
        for segments in self._portions():
            outcome = await in_own_process(self.folder, Order(segments))
            if outcome.manifest is None:
                raise AssertionError(f"not compacted: {outcome.error}")
            await keeper.save(outcome.manifest)
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        self.cpu_s["compact"] = used
        return len(self.samples.t) / (time.perf_counter() - began)

    def _portions(self) -> list[tuple[int, ...]]:
        found: list[list[int]] = [[]]
        size = 0
        for number in self.segments:
            mine = (self.folder / "log" / f"{number:012d}.log").stat().st_size
            if found[-1] and size + mine > AT_ONCE:
                found.append([])
                size = 0
            found[-1].append(number)
            size += mine
        return [tuple(portion) for portion in found]

    def bytes_per_sample(self) -> tuple[float, float]:
        """Of all cold files that count, and of the samples alone."""
        keeper = ColdKeeper(self.folder, SystemDisk(), lambda *_: None)
        keeper.open()
        files = keeper.view.manifest.files
        n = len(self.samples.t)
        raw = sum(f.size for f in files if f.kind in ("double", "decimal2"))
        return sum(f.size for f in files) / n, raw / n

    async def answers(self, repeat: int) -> dict[str, float]:
        """Milliseconds of each question, the median; every answer is compared."""
        historian = Historian(self.folder, SystemClock(), self.declared)
        await historian.start()
        try:
            return await self._answers(historian, repeat)
        finally:
            await historian.stop()

    async def _answers(self, historian: Historian, repeat: int) -> dict[str, float]:
        tag, start, end = questions.RAW
        found: dict[str, float] = {}
        found["raw"], (series,) = await self._timed(historian, repeat, [tag], start, end)
        t, value = questions.raw(self.samples, tag, start, end)
        inside = series.t >= start * MS
        questions.same("ours raw t", series.t[inside], t * MS)
        questions.same("ours raw", series.value[inside], value)
        tag, start, end, points = questions.TREND
        found["downsample"], (series,) = await self._timed(historian, repeat, [tag], start, end, points)
        expected = questions.trend(self.samples, tag, np.append(series.t, end * MS) // MS)
        full = expected["bucket"]
        questions.same("ours trend count", series.count[full], expected["count"])
        questions.same("ours trend min", series.low[full], expected["min"])
        questions.same("ours trend max", series.high[full], expected["max"])
        questions.same("ours trend mean", series.value[full], expected["mean"], close=True)
        questions.same("ours trend sum of counts", series.count.sum(), expected["count"].sum())
        tags = questions.twenty(self.samples.tags)
        found["tags20"], many = await self._timed(historian, repeat, tags, *questions.DAY_OF_20)
        for one, series in zip(tags, many, strict=True):
            t, value = questions.raw(self.samples, one, *questions.DAY_OF_20)
            inside = series.t >= questions.DAY_OF_20[0] * MS
            questions.same("ours 20 tags t", series.t[inside], t * MS)
            questions.same("ours 20 tags", series.value[inside], value)
        found["asof"] = self._as_of(historian, repeat)
        return found

    async def _timed(
        self, historian: Historian, repeat: int, tags: list[int], start: int, end: int, points: int | None = None
    ) -> tuple[float, Any]:
        paths = tuple(self.declared.specs[tag].path for tag in tags)
        request = HistoryRequest(paths, start * MS, end * MS, points)
        times: list[float] = []
        answer: Any = None
        for _ in range(repeat + 1):
            began = time.perf_counter()
            answer = await historian.query(request, ACTOR)
            times.append(time.perf_counter() - began)
        return statistics.median(times[1:]) * 1000, answer

    def _as_of(self, historian: Historian, repeat: int) -> float:
        """Columns of every tag, before they become one Series each."""
        import threading

        asked = tuple(historian._asked(spec.path, ACTOR) for spec in self.declared.specs)
        request = HistoryRequest((), questions.AT * MS, questions.AT * MS + 1)
        times: list[float] = []
        rows: Any = None
        for _ in range(repeat + 1):
            query = Query(request, asked, historian._store, historian._snapshot(), threading.Event())
            began = time.perf_counter()
            rows = query.in_force()
            times.append(time.perf_counter() - began)
        tag, t, value = questions.as_of(self.samples, questions.AT)
        order = np.argsort(self.declared.ids[tag])
        questions.same("ours as of tags", rows.tag, self.declared.ids[tag][order])
        questions.same("ours as of t", rows.t, t[order] * MS)
        questions.same("ours as of", rows.values, value[order])
        return statistics.median(times[1:]) * 1000


def compacted(ours: Ours) -> float:
    """See Ours.compact."""
    return asyncio.run(ours.compact())
