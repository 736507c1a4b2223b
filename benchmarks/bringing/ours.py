"""Sereno's import: a client that sends parts, a historian that merges them in its compactor's process, and records."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sereno.access.actor import ROLES, Actor
from sereno.app.historyfile.bringing import bring
from sereno.app.historyfile.source import SourceFile
from sereno.client import Calendar, HistoryRequest
from sereno.historian.analyst import Analyst
from sereno.historian.cold.keeper import in_own_process
from sereno.historian.historian import Historian
from sereno.model import GroupId, RowIndex, SystemClock, TagHandle, TagSpec, seal

from .files import SECOND, T0, Walks

ACTOR = Actor("bench", (ROLES["engineer"],))
_PERIOD = 0.02
_LIVE = 100


class Declared:
    """Imported tags, then those that are recorded meanwhile; their position is the handle."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        live = tuple(f"bench/live/tag{i}" for i in range(_LIVE))
        self.specs = [TagSpec(path=path) for path in (*paths, *live)]
        self._directory = {TagHandle(i): spec for i, spec in enumerate(self.specs)}
        self.live = tuple(range(len(paths), len(self.specs)))

    def spec(self, handle: int) -> TagSpec:
        return self.specs[handle]

    def directory(self) -> Mapping[TagHandle, TagSpec]:
        return self._directory


@dataclass(frozen=True)
class Brought:
    """Seconds of the whole, CPU seconds of all processes, bytes stored, ms until a scan was durable meanwhile."""

    seconds: float
    cpu: float
    bytes: int
    durable: list[float] = field(default_factory=list)


async def brought(folder: Path, file: Path, data: Walks) -> Brought:
    """Import a file into a new historian that records; what it then answers is compared."""
    declared = Declared(data.paths)
    historian = Historian(folder, SystemClock(), declared, compactor=in_own_process, commit_interval=0.0)
    await historian.start()
    try:
        return await _brought(historian, declared, file, data)
    finally:
        await historian.stop()


async def _brought(historian: Historian, declared: Declared, file: Path, data: Walks) -> Brought:
    analysis = Analyst(historian, Calendar("UTC"), _nothing)
    client = _Client(ACTOR, analysis)
    durable: list[float] = []
    recording = asyncio.create_task(_record(historian, declared, durable))
    began, before = time.perf_counter(), os.times()
    content = SourceFile(file, "", "UTC", {spec.path: spec for spec in declared.specs})
    await asyncio.to_thread(content.look)
    source = await asyncio.to_thread(content.source)
    tally = await bring(client, source, content, lambda *_: None)  # type: ignore[arg-type]
    seconds, after = time.perf_counter() - began, os.times()
    recording.cancel()
    if (tally.rows, tally.new) != (data.samples, data.samples):
        raise AssertionError(f"{tally.rows} samples, {tally.new} new, of {data.samples}")
    await _compare(historian, data)
    cpu = sum(after[:4]) - sum(before[:4])
    return Brought(seconds, cpu, int(historian.statistics()["cold_bytes"]), durable)


async def _record(historian: Historian, declared: Declared, durable: list[float]) -> None:
    index = RowIndex(declared.live)
    chance = np.random.default_rng(2)
    while True:
        now = time.time_ns()
        batch = seal(GroupId(0), 1, index, chance.normal(size=_LIVE), now, 0)
        began = time.perf_counter()
        historian.accept(replace(batch, t_hub=now, changed=np.ones(_LIVE, np.bool_)))
        await historian.durable()
        durable.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(_PERIOD)


async def alone(folder: Path, data: Walks, seconds: float) -> list[float]:
    """Milliseconds until a scan is durable while nothing is imported."""
    declared = Declared(data.paths)
    historian = Historian(folder, SystemClock(), declared, compactor=in_own_process, commit_interval=0.0)
    await historian.start()
    durable: list[float] = []
    recording = asyncio.create_task(_record(historian, declared, durable))
    await asyncio.sleep(seconds)
    recording.cancel()
    await historian.stop()
    return durable


async def _compare(historian: Historian, data: Walks) -> None:
    """Some tags, every sample of an hour and the extremes of the whole. Raises AssertionError."""
    end = int(data.t[-1]) + 1
    for i in {0, len(data.paths) // 2, len(data.paths) - 1}:
        last = min(end, T0 + 3600 * SECOND)
        (series,) = await historian.query(HistoryRequest((data.paths[i],), T0, last), ACTOR)
        n = int(np.searchsorted(data.t, last))
        if not (np.array_equal(series.t, data.t[:n]) and np.array_equal(series.value, data.values[i, :n])):
            raise AssertionError(f"{data.paths[i]}: other samples than were imported")
        (whole,) = await historian.query(HistoryRequest((data.paths[i],), T0, end, 1), ACTOR)
        assert whole.low is not None
        assert whole.high is not None
        if (whole.low[0], whole.high[0]) != (data.values[i].min(), data.values[i].max()):
            raise AssertionError(f"{data.paths[i]}: other extremes than were imported")


async def _nothing(*_: Any, **__: Any) -> None:
    """No audit is kept here."""


@dataclass(frozen=True)
class _Client:
    """As much of a Client as an import asks for."""

    actor: Actor
    analysis: Analyst
