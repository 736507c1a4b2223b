"""What a victim records: numbered batches whose times and values follow from their number, so that none can hide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sereno.access.actor import ROLES, Actor
from sereno.client import HistoryRequest, Series
from sereno.historian.cold.compacting import compact
from sereno.historian.cold.keeper import Compactor
from sereno.historian.cold.manifest import FOLDER, load_manifest
from sereno.historian.cold.reading import DamagedError
from sereno.historian.cold.worker import Order, Outcome
from sereno.historian.disk import Disk, SystemDisk
from sereno.historian.historian import Historian
from sereno.model import Clock, GroupId, OperationError, RowIndex, SampleBatch, SystemClock, TagHandle, TagSpec, seal

MS = 1_000_000
T0 = 1_767_225_600_000 * MS
STEP = 7 * MS
SIGNS = (1.0, -1.0, 0.5)
CHECKER = Actor("checker", (ROLES["viewer"],))
_INDEX = RowIndex((0, 1, 2))
Tell = Callable[[int], None]


class Declared:
    """Three tags, one with a declared resolution."""

    def __init__(self) -> None:
        self.specs = [TagSpec(path=f"rig/device/tag{i}", decimals=1 if i == 2 else None) for i in range(3)]

    def spec(self, handle: int) -> TagSpec:
        return self.specs[handle]

    def directory(self) -> dict[TagHandle, TagSpec]:
        return {TagHandle(i): spec for i, spec in enumerate(self.specs)}


def batch(seq: int) -> SampleBatch:
    """The batch of a number."""
    t = T0 + seq * STEP
    values = np.array([sign * seq for sign in SIGNS])
    sealed = seal(GroupId(0), seq, _INDEX, values, t, 0, exact=None, objects=(), complete=True)
    return replace(sealed, t_hub=t, changed=np.ones(3, np.bool_))


def compactor_on(disk: Disk) -> Compactor:
    """A compactor in this process, over `disk`."""

    async def work(folder: Path, order: Order) -> Outcome:
        try:
            done = compact(disk, folder, load_manifest(disk, folder), order.segments)
        except (OSError, OperationError, DamagedError) as error:
            return Outcome(error=str(error))
        return Outcome(1.0, done.manifest, done.damaged)

    return work


def historian_on(folder: Path, disk: Disk, clock: Clock, compactor: Compactor | None) -> Historian:
    """Commits at once, small segments."""
    return Historian(
        folder,
        clock,
        Declared(),
        disk=disk,
        commit_interval=0.0,
        segment_bytes=1500,
        compactor=compactor,
        compact_bytes=1 << 40,
    )


async def record(historian: Historian, first: int, count: int, tell: Tell, every: int = 40) -> None:
    """Record `count` batches, tell the number of each group that is durable, compact every `every` batches."""
    for seq in range(first, first + count):
        historian.accept(batch(seq))
        if seq % 3 == 0:
            await historian.durable()
            tell(seq)
        if seq % every == every - 1:
            try:
                await historian.compact()
            except (OSError, OperationError):
                continue


async def stored(folder: Path) -> tuple[list[Series], list[str]]:
    """Everything in the folder, through the public query, and the faults that were told."""
    historian = Historian(folder, SystemClock(), Declared(), disk=SystemDisk())
    faults = await historian.start()
    try:
        paths = tuple(spec.path for spec in Declared().specs)
        series = await historian.query(HistoryRequest(paths, 0, 1 << 62), CHECKER)
        damaged = historian.statistics()["damaged_records"]
        return series, [*(str(f) for f in faults), *(["damage"] if damaged else [])]
    finally:
        await historian.stop()


def violations(series: list[Series], acknowledged: set[int]) -> dict[str, int]:
    """How many samples are lost although acknowledged, doubled, or altered (never sent as they are)."""
    found = {"lost": 0, "doubled": 0, "altered": 0}
    for one, sign in zip(series, SIGNS, strict=True):
        good = ~np.isnan(one.value) & (one.quality < 0x8000)
        t, value = one.t[good], one.value[good]
        seq = (t - T0) // STEP
        found["altered"] += int(((t - T0 != seq * STEP) | (value != sign * seq)).sum())
        found["doubled"] += len(seq) - len(np.unique(seq))
        found["lost"] += len(acknowledged - set(seq[value == sign * seq].tolist()))
    return found


def cold_folder(folder: Path) -> Path:
    """Where the cold files are."""
    return folder / FOLDER


def total(counts: dict[str, int], more: dict[str, Any]) -> dict[str, int]:
    """The sums."""
    return {key: counts.get(key, 0) + int(more.get(key, 0)) for key in {*counts, *more}}
