"""Recording while somebody asks for everything: what it costs the recorder, how much memory, how soon it stops."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np
import psutil

from sereno.client import HistoryRequest
from sereno.historian.historian import Historian
from sereno.model import GroupId, RowIndex, SystemClock, seal

from .data import DAY, DAYS, T0
from .ours import ACTOR, MS, Ours

_TAGS = 1000
_PERIOD = 0.02


async def live(ours: Ours, seconds: float) -> dict[str, float]:
    """Milliseconds until a scan of up to 1000 tags is durable, alone and beside the questions; memory; time to stop."""
    historian = Historian(ours.folder, SystemClock(), ours.declared, commit_interval=0.0)
    await historian.start()
    try:
        quiet = await _recorded(historian, ours.samples.tags, seconds)
        before = psutil.Process().memory_info().rss
        asking = [asyncio.create_task(_everything(historian, ours)) for _ in range(2)]
        busy = await _recorded(historian, ours.samples.tags, seconds)
        grown = psutil.Process().memory_info().rss - before
        stop_ms = await _stopped(historian, ours, asking)
    finally:
        await historian.stop()
    return {
        "durable_ms": statistics.median(quiet),
        "durable_asked_ms": statistics.median(busy),
        "asked_rss_mb": grown / 2**20,
        "stop_ms": stop_ms,
    }


async def _recorded(historian: Historian, tags: int, seconds: float) -> list[float]:
    """How long each scan took to be durable."""
    index = RowIndex(tuple(range(min(_TAGS, tags))))
    n = len(index.handles)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        now = time.time_ns()
        batch = seal(GroupId(0), 1, index, np.random.default_rng(1).normal(size=n), now, 0)
        began = time.perf_counter()
        historian.accept(replace(batch, t_hub=now, changed=np.ones(n, np.bool_)))
        await historian.durable()
        times.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(_PERIOD)
    return times


async def _everything(historian: Historian, ours: Ours) -> Any:
    """Thirty days of every tag, again and again, in requests of as many tags as may be asked for at once."""
    paths = [spec.path for spec in ours.declared.specs]
    while True:
        for first in range(0, len(paths), _TAGS):
            request = HistoryRequest(tuple(paths[first : first + _TAGS]), T0 * MS, (T0 + DAYS * DAY) * MS, 1000)
            await historian.query(request, ACTOR)


async def _stopped(historian: Historian, ours: Ours, asking: list[asyncio.Task[Any]]) -> float:
    """From when those who ask for everything have left until another question is answered: they had every thread."""
    began = time.perf_counter()
    for task in asking:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    request = HistoryRequest((ours.declared.specs[3].path,), T0 * MS, (T0 + 3_600_000) * MS)
    await historian.query(request, ACTOR)
    return (time.perf_counter() - began) * 1000
