"""What the tests of the historian share: a few declared tags, batches of them, a running historian."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sereno.access.actor import ROLES, Actor
from sereno.client import HistoryRequest, Series
from sereno.historian.disk import AppendFile, SystemDisk
from sereno.historian.historian import Historian
from sereno.model import (
    Clock,
    ExactBlock,
    GroupId,
    ObjectSample,
    RowIndex,
    SampleBatch,
    TagHandle,
    TagSpec,
    ValueType,
    seal,
)

SECOND = 10**9
T0 = 1_767_225_600 * SECOND
VIEWER = Actor("vera", (ROLES["viewer"],))


class Plant:
    """Declared tags; their position is the handle."""

    def __init__(self, *specs: TagSpec) -> None:
        self.specs = list(specs)

    def spec(self, handle: int) -> TagSpec:
        return self.specs[handle]

    def handle(self, path: str) -> int:
        return [s.path for s in self.specs].index(path)


def floats(n: int, device: str = "north/plc1") -> Plant:
    return Plant(*(TagSpec(path=f"{device}/tag{i}", unit="m") for i in range(n)))


def mixed() -> Plant:
    """Handles 0 to 5: float, float, int64, uint64, string, array."""
    return Plant(
        TagSpec(path="north/plc1/level", unit="m"),
        TagSpec(path="north/plc1/flow", unit="l/s"),
        TagSpec(path="north/plc1/total", type=ValueType.INT64),
        TagSpec(path="north/plc1/serial", type=ValueType.UINT64),
        TagSpec(path="north/plc1/recipe", type=ValueType.STRING),
        TagSpec(path="north/plc1/forecast", shape=(2,)),
    )


_indexes: dict[tuple[int, ...], RowIndex] = {}


def batch(
    t: int,
    values: Mapping[int, float],
    *,
    quality: int | Sequence[int] = 0,
    exact: Mapping[int, int] | None = None,
    objects: Mapping[int, Any] | None = None,
    changed: Sequence[bool] | None = None,
    t_hub: int | None = None,
    group: int = 0,
    seq: int = 1,
    complete: bool = True,
) -> SampleBatch:
    """A scan at `t`: handle -> value; `exact` handle -> integer; `objects` handle -> object."""
    handles = tuple(sorted(values))
    index = _indexes.setdefault(handles, RowIndex(handles))
    block = None
    if exact:
        rows = [handles.index(h) for h in sorted(exact)]
        block = ExactBlock(np.array(rows, np.int32), np.array([exact[h] for h in sorted(exact)], np.int64))
    code = quality if isinstance(quality, int) else 0
    sealed = seal(
        GroupId(group),
        seq,
        index,
        np.array([values[h] for h in handles], float),
        t,
        np.array(quality, np.uint16) if not isinstance(quality, int) else quality,
        exact=block,
        objects=tuple(ObjectSample(TagHandle(h), v, t, code) for h, v in (objects or {}).items()),
        complete=complete,
    )
    mask = np.ones(len(handles), np.bool_) if changed is None else np.array(changed, np.bool_)
    return replace(sealed, t_hub=t if t_hub is None else t_hub, changed=mask)


@asynccontextmanager
async def running(folder: Path, plant: Plant, clock: Clock, **options: Any) -> AsyncIterator[Historian]:
    historian = Historian(folder, clock, plant, **options)
    await historian.start()
    try:
        yield historian
    finally:
        await historian.stop()


async def ask(
    historian: Historian, path: str, start: int, end: int, points: int | None = None, actor: Actor = VIEWER
) -> Series:
    (series,) = await historian.query(HistoryRequest((path,), start, end, points), actor)
    return series


def rows(series: Series) -> list[tuple[int, Any, int]]:
    """(time, value or None, quality) of raw samples."""
    values: list[Any] = [None if np.isnan(v) else float(v) for v in series.value]
    if series.exact is not None:
        values = [None if v is None else e for v, e in zip(values, series.exact.tolist(), strict=True)]
    if series.objects is not None:
        values = list(series.objects)
    return list(zip(series.t.tolist(), values, series.quality.tolist(), strict=True))


class FaultyDisk(SystemDisk):
    """Fails when told to: `writes` and `syncs` are the numbers of the next calls that fail, `full` fails all."""

    def __init__(self) -> None:
        self.writes: set[int] = set()
        self.syncs: set[int] = set()
        self.short = False
        self.full = False
        self.calls = {"write": 0, "sync": 0, "create": 0}

    def create(self, path: Path) -> AppendFile:
        self.calls["create"] += 1
        if self.full:
            raise OSError(28, "No space left on device")
        return _FaultyFile(self, super().create(path))


class _FaultyFile:
    def __init__(self, disk: FaultyDisk, file: AppendFile) -> None:
        self._disk = disk
        self._file = file

    def append(self, data: bytes) -> None:
        self._disk.calls["write"] += 1
        if self._disk.full or self._disk.calls["write"] in self._disk.writes:
            if self._disk.short:
                self._file.append(data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        self._file.append(data)

    def sync(self) -> None:
        self._disk.calls["sync"] += 1
        if self._disk.full or self._disk.calls["sync"] in self._disk.syncs:
            raise OSError(5, "Input/output error")
        self._file.sync()

    def close(self) -> None:
        self._file.close()
