"""What the tests of the historian share: a few declared tags, batches of them, a running historian."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sereno.access.actor import ROLES, Actor
from sereno.client import HistoryRequest, Series
from sereno.historian.cold.compacting import Compacted, compact
from sereno.historian.cold.manifest import Manifest, load_manifest, save_manifest
from sereno.historian.cold.reading import ColdReader
from sereno.historian.cold.statefile import load_state
from sereno.historian.cold.view import ColdView
from sereno.historian.disk import AppendFile, SystemDisk
from sereno.historian.encoder import CommitData
from sereno.historian.historian import Historian
from sereno.historian.history import Snapshot, Store, TagHistory
from sereno.historian.query import Query
from sereno.historian.queue import Work
from sereno.historian.recorder import Recorder
from sereno.historian.recovery import open_log, scan_segment
from sereno.historian.sealed import ViewCache
from sereno.historian.segment import SegmentView
from sereno.historian.series import bucket_series, raw_series
from sereno.historian.tags import Asked, TagBook, define
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
from sereno.testing import JumpingClock

SECOND = 10**9
T0 = 1_767_225_600 * SECOND
VIEWER = Actor("vera", (ROLES["viewer"],))


class Plant:
    """Declared tags; their position is the handle."""

    def __init__(self, *specs: TagSpec) -> None:
        self.specs = list(specs)

    def spec(self, handle: int) -> TagSpec:
        return self.specs[handle]

    def directory(self) -> dict[TagHandle, TagSpec]:
        return {TagHandle(handle): spec for handle, spec in enumerate(self.specs)}

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


class FastDisk(SystemDisk):
    """Does not wait for the disk."""

    def create(self, path: Path) -> AppendFile:
        file = super().create(path)
        file.sync = lambda: None  # type: ignore[method-assign]
        return file

    def sync_folder(self, path: Path) -> None:
        pass


class PowerCutDisk(SystemDisk):
    """Knows what a power cut would leave: the synced bytes of the files whose names were synced."""

    def __init__(self) -> None:
        self.synced: dict[Path, int] = {}
        self.named: set[Path] = set()

    def create(self, path: Path) -> AppendFile:
        return _WatchedFile(self, path, super().create(path))

    def extend(self, path: Path) -> AppendFile:
        return _WatchedFile(self, path, super().extend(path))

    def sync_folder(self, path: Path) -> None:
        self.named |= set(path.iterdir())

    def remains(self, folder: Path, copy: Path) -> Path:
        """What is left of `folder`, in `copy`."""
        for path in self.named:
            if path in self.synced and (path.parent == folder or path.parent in self.named) and path.exists():
                target = copy / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes()[: self.synced[path]])
        return copy


class _WatchedFile:
    def __init__(self, disk: PowerCutDisk, path: Path, file: AppendFile) -> None:
        self._disk, self._path, self._file = disk, path, file

    def append(self, data: bytes) -> None:
        self._file.append(data)

    def sync(self) -> None:
        self._disk.synced[self._path] = self._path.stat().st_size

    def close(self) -> None:
        self._file.close()


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


class Log:
    """A folder written and read without a loop: one commit per call of `commit`, times of your choice."""

    def __init__(self, folder: Path, plant: Plant, *, segment_bytes: int = 1 << 20, now: int = T0) -> None:
        self.plant = plant
        self.clock = JumpingClock(epoch_ns=now)
        self.book = TagBook(plant)
        self.recorder = Recorder(folder, self.clock, self.book, SystemDisk())
        self.recorder.open(Manifest, cover_interval=1.0, segment_bytes=segment_bytes)
        self.book.register(np.arange(len(plant.specs), dtype=np.int32), now)
        self.sealed: list[SegmentView] = []

    def commit(self, t: int, *batches: SampleBatch, lost: dict[int, int] | None = None) -> None:
        data = self.recorder.prepare(Work(list(batches), lost or {}), final=False)
        self.sealed += self.recorder.write(data, t, seal=False).sealed

    def close(self, *, seal: bool = True, index: bool = True) -> None:
        if seal:
            self.sealed += self.recorder.write(CommitData(), 0, seal=True).sealed
        for view in self.sealed if index else []:
            self.recorder.index(view)
        self.recorder.close()


class Reader:
    """What a folder holds, opened as a historian opens it; `damage` collects what reading finds."""

    def __init__(self, folder: Path, manifest: Manifest | None = None) -> None:
        self.damage: list[tuple[str, int]] = []
        self.manifest = manifest or load_manifest(SystemDisk(), folder)
        state = load_state(SystemDisk(), folder, self.manifest)
        self._cold = ColdView(self.manifest, state, ColdReader(SystemDisk(), folder), self._damaged)
        self.opened = open_log(FastDisk(), folder / "log")
        self._segments = [r for r in self.opened.segments if r.outline.number > self.manifest.compacted]
        cache = ViewCache(SystemDisk(), lambda outline: scan_segment(SystemDisk(), outline.path, []))
        self._store = Store(SystemDisk(), cache, self._damaged)

    def history(self, spec: TagSpec) -> TagHistory:
        return TagHistory(self._store, self.snapshot(), int(spec.id), None)

    def snapshot(self) -> Snapshot:
        return Snapshot(tuple(self._segments), (), (), {}, self._cold)

    def at(self, specs: Sequence[TagSpec], t: int) -> list[Series]:
        """All tags at one time, as a query of one nanosecond answers."""
        asked = tuple(Asked(define(spec, 0), None) for spec in specs)
        request = HistoryRequest(tuple(spec.path for spec in specs), t, t + 1)
        return Query(request, asked, self._store, self.snapshot(), threading.Event()).answer()

    def buckets(self, spec: TagSpec, start: int, end: int, points: int) -> Series:
        return bucket_series(define(spec, 0), self.history(spec), start, end, points=points, check=lambda: None)

    def series(self, spec: TagSpec, start: int = T0 - 1, end: int = T0 + 10**6 * SECOND) -> Series:
        return raw_series(define(spec, 0), self.history(spec), start, end)

    def _damaged(self, path: Path, offset: int) -> None:
        self.damage.append((path.name, offset))


def compacted(folder: Path, *, last: int | None = None) -> Compacted:
    """Compact the segments up to number `last` and let it count; their files stay."""
    disk = SystemDisk()
    manifest = load_manifest(disk, folder)
    numbers = [int(p.stem) for p in sorted((folder / "log").glob("*.log")) if int(p.stem) > manifest.compacted]
    done = compact(disk, folder, manifest, [n for n in numbers if last is None or n <= last])
    save_manifest(disk, folder, done.manifest)
    return done
