"""Imports that are killed: what they bring, at which point they die, and what may be there afterwards.

Points: `part` (parts are put by), `merge` (the compactor's process writes), `before` and `after` the new manifest takes
the old one's name, `clear` (what was put by is deleted).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from breaking.workload import CHECKER, MS, T0, Declared
from sereno.client import HistoryRequest, ImportSource, Series
from sereno.historian.bulk.stage import staged
from sereno.historian.disk import SystemDisk
from sereno.historian.historian import Historian
from sereno.model import SystemClock

POINTS = ("part", "merge", "before", "after", "clear")
PARTS, ROWS = 12, 2000
STEP = 20_000 * MS
SCALES = (1.0, -2.0, 0.5)
VICTIM = Path(__file__).parent / "import_victim.py"
PATHS = tuple(spec.path for spec in Declared().specs)
_FIRST = T0 - 400 * 86_400_000 * MS
_APART = 20 * 86_400_000 * MS


def source(number: int) -> ImportSource:
    """The import of a number."""
    return ImportSource(f"import {number}", f"{number:064x}", PATHS)


def times(number: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Of its samples, the same for each tag; imports are apart."""
    return _FIRST + number * _APART + np.arange(PARTS * ROWS, dtype=np.int64) * STEP


def part(number: int, which: int) -> bytes:
    """One of its parts: a column for each tag, compressed."""
    import pyarrow as pa

    rows = slice(which * ROWS, (which + 1) * ROWS)
    t = times(number)[rows]
    columns = {path: pa.array(_values(t, scale)) for path, scale in zip(PATHS, SCALES, strict=True)}
    batch = pa.RecordBatch.from_pydict({"t": pa.array(t)} | columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _values(t: np.ndarray[Any, np.dtype[np.int64]], scale: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.asarray((t // STEP % 1009) * scale, np.float64)


def killed(folder: Path, number: int, point: str, chance: random.Random, defect: str = "") -> tuple[int, bool]:
    """Run an import until it dies at a point; how many parts were acknowledged, and whether it was said to be done."""
    command = [sys.executable, str(VICTIM), str(folder), str(number), point, defect]
    acknowledged, done = 0, False
    stop = chance.randrange(PARTS) if point == "part" else -1
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as victim:
        assert victim.stdout is not None
        for line in victim.stdout:
            word, _, count = line.strip().partition(" ")
            acknowledged = int(count) if word == "part" else acknowledged
            done = done or word == "done"
            if (word == "part" and acknowledged > stop >= 0) or (word == "merging" and point == "merge"):
                time.sleep(chance.uniform(0.0, 0.02 if point == "part" else 2.0))
                (os.killpg if chance.random() < 0.5 else os.kill)(victim.pid, signal.SIGKILL)
                stop = -1
        victim.wait()
    return acknowledged, done


def violations(folder: Path, number: int, acknowledged: int, *, done: bool) -> dict[str, int]:
    """What is wrong: an import that is there in part, samples that are doubled or altered, acknowledged parts that are
    neither put by nor there.
    """
    series = asyncio.run(_brought(folder, number))
    found = {"halved": 0, "doubled": 0, "altered": 0, "parts_lost": 0}
    counts = []
    for one, scale in zip(series, SCALES, strict=True):
        good = ~np.isnan(one.value) & (one.quality < 0x8000)
        t, value = one.t[good], one.value[good]
        counts.append(len(t))
        found["doubled"] += len(t) - len(np.unique(t))
        found["altered"] += int((~np.isin(t, times(number)) | (value != _values(t, scale))).sum())
    there = min(counts) == PARTS * ROWS
    found["halved"] += int(not there and any(counts))
    kept = max(
        (stage.parts for stage in staged(SystemDisk(), folder) if stage.note.name == source(number).name), default=0
    )
    found["parts_lost"] += 0 if there else PARTS if done else max(0, acknowledged - kept)
    return found


async def _brought(folder: Path, number: int) -> list[Series]:
    historian = Historian(folder, SystemClock(), Declared(), disk=SystemDisk())
    await historian.start()
    try:
        t = times(number)
        return await historian.query(HistoryRequest(PATHS, int(t[0]), int(t[-1]) + 1), CHECKER)
    finally:
        await historian.stop()


def trial(folder: Path, imports: int, chance: random.Random, defect: str = "") -> dict[str, int]:
    """Each import is killed at one point after the other until it is done; it is looked at after each."""
    counts = dict.fromkeys(("imports", "imports_killed", "halved", "doubled", "altered", "parts_lost", "not_done"), 0)
    for number in range(imports):
        counts["imports"] += 1
        told = 0
        order = chance.sample(POINTS, len(POINTS)) if number else POINTS
        for point in (*order, "none"):
            acknowledged, done = killed(folder, number, point, chance, defect)
            counts["imports_killed"] += int(not done)
            told = max(told, acknowledged)
            for key, value in violations(folder, number, told, done=done).items():
                counts[key] += value
            if any(counts[key] for key in ("halved", "doubled", "altered", "parts_lost")):
                return counts
        counts["not_done"] += int(not done)
    return counts
