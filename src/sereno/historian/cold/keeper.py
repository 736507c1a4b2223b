"""The cold files of a running historian: what counts, when to compact, and who does it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from sereno.historian.bulk.stage import UnfitError
from sereno.historian.disk import Disk
from sereno.historian.lock import FolderLock
from sereno.historian.retention import Limits
from sereno.model import OperationError

from .kinds import ROLLUPS
from .manifest import FOLDER, ColdFile, Manifest, load_manifest, save_manifest, sweep
from .reading import ColdReader, DamagedError
from .slots import DAY
from .state import empty_state
from .statefile import load_state
from .view import ColdView, OnDamage, no_cold
from .worker import Order, Outcome

_ROW_BYTES = 21
_LINE = 64 << 20
_log = structlog.get_logger(__name__)
Progress = Callable[[float], None]
Compactor = Callable[..., Awaitable[Outcome]]
"""Does an order in a historian's folder; `progress`, if it is given, is told the share that is done."""


@dataclass(frozen=True, slots=True)
class ColdSize:
    """Number of files, of samples in them and of bytes, roll-ups included."""

    files: int
    rows: int
    bytes: int


class ColdKeeper:
    """Belongs to the event loop; `open` and what it awaits work the disk in threads.

    `least` bytes of sealed log that are worth a compaction before their day is over.
    """

    def __init__(
        self,
        folder: Path,
        disk: Disk,
        on_damage: OnDamage,
        *,
        least: int = 64 << 20,
        compactor: Compactor | None = None,
    ) -> None:
        self._folder, self._disk = folder, disk
        self._on_damage = on_damage
        self._least = least
        self._compactor = compactor or in_own_process
        self._reader = ColdReader(disk, folder)
        self.view = no_cold(self._reader, on_damage)

    def open(self) -> Manifest:
        """Read what counts, delete what does not. Raises OperationError, OSError."""
        manifest = load_manifest(self._disk, self._folder)
        self.view = self._view(manifest)
        lock = FolderLock(self._folder / FOLDER)
        if lock.path.parent.is_dir():
            with contextlib.suppress(OperationError):
                lock.acquire()
                sweep(self._disk, self._folder, manifest)
            lock.release()
        return manifest

    def worth(self, size: int, since: int, now: int) -> bool:
        """True if `size` bytes of sealed log that began at `since` should be compacted now.

        A day is written anew with each compaction in it: so that this does not go on for ever, the more there is of
        the day, the more has to come.
        """
        if since // DAY < now // DAY:
            return True
        newest = max((f.start for f in self.view.manifest.files), default=0)
        there = sum(f.rows for f in self.view.manifest.files if f.start == newest and f.kind not in ROLLUPS)
        return size >= max(self._least, there * _ROW_BYTES // 2)

    async def compact(self, segments: Sequence[int]) -> Outcome:
        """Compact segments of the log. Raises OperationError, OSError; then nothing has changed."""
        return await self.work(Order(tuple(segments)))

    async def work(self, order: Order, progress: Progress | None = None) -> Outcome:
        """Let the compactor work, and its result count. Raises OperationError, OSError; then nothing has changed."""
        try:
            told = {} if progress is None else {"progress": progress}
            outcome = await self._compactor(self._folder, order, **told)
        except asyncio.CancelledError:
            await asyncio.to_thread(self._clean)
            raise
        if outcome.manifest is None:
            await asyncio.to_thread(self._clean)
            raise (UnfitError if outcome.unfit else OperationError)(
                f"history was not compacted: {outcome.error or 'the compactor ended without an answer'}"
            )
        for fault in outcome.faults:
            _log.warning("compaction found damage", fault=fault)
        for name in outcome.aside:
            self._on_damage(self._folder / FOLDER / name, 0)
        await self.save(outcome.manifest)
        return outcome

    def _clean(self) -> None:
        """Delete what a compaction left that did not come to its end; it may have filled the disk."""
        generation = f".{self.view.manifest.generation + 1:06d}."
        lock = FolderLock(self._folder / FOLDER)
        with contextlib.suppress(OperationError, OSError):
            lock.acquire()
            kept = load_manifest(self._disk, self._folder).kept()  # a manifest may count although `save` failed
            for path in lock.path.parent.glob(f"*{generation}*"):
                if path.name not in kept:
                    self._disk.remove(path)
        lock.release()

    async def save(self, manifest: Manifest) -> None:
        """Let a manifest count. Raises OSError."""
        if manifest.generation <= self.view.manifest.generation:
            raise OperationError(f"manifest {manifest.generation} after {self.view.manifest.generation}")
        await asyncio.to_thread(save_manifest, self._disk, self._folder, manifest)
        self.view = await asyncio.to_thread(self._view, manifest)

    def beyond(self, now: int, limits: Limits) -> list[ColdFile]:
        """Files of the oldest slots, beyond a total size or wholly older than the limit."""
        total = self.size().bytes
        found: list[ColdFile] = []
        manifest = self.view.manifest
        for start in sorted({f.start for f in (*manifest.files, *manifest.aside)}):
            mine = [f for f in (*manifest.files, *manifest.aside) if f.start == start]
            too_old = limits.max_age is not None and now - mine[0].end > limits.max_age * 1e9
            if not too_old and (limits.max_bytes is None or total <= limits.max_bytes):
                break
            total -= sum(f.size for f in mine)
            found += mine
        return found

    def oldest(self) -> list[ColdFile]:
        """The files of the oldest slot."""
        files = (*self.view.manifest.files, *self.view.manifest.aside)
        first = min((f.start for f in files), default=0)
        return [f for f in files if f.start == first]

    def size(self) -> ColdSize:
        """How much there is."""
        files = self.view.manifest.files
        aside = sum(f.size for f in self.view.manifest.aside)
        samples = sum(f.rows for f in files if f.kind not in ROLLUPS)
        return ColdSize(len(files), samples, aside + sum(f.size for f in files))

    def remove(self, name: str) -> None:
        """Delete a file that counts no more. What cannot be deleted now is found at the next start."""
        with contextlib.suppress(OSError):
            self._disk.remove(self._folder / FOLDER / name)

    def _view(self, manifest: Manifest) -> ColdView:
        try:
            state = load_state(self._disk, self._folder, manifest)
        except DamagedError as error:
            self._on_damage(error.path, error.offset)
            state = empty_state()
        return ColdView(manifest, state, self._reader, self._on_damage)


async def in_own_process(folder: Path, order: Order, progress: Progress = lambda _: None) -> Outcome:
    """A Compactor: a process of its own, of low priority, that ends with ours."""
    command = (sys.executable, "-m", "sereno.historian.cold.worker", str(folder))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=_LINE)
    assert process.stdin is not None
    assert process.stdout is not None
    last = Outcome()
    try:
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        async for line in process.stdout:
            last = msgspec.json.decode(line, type=Outcome)
            progress(last.progress)
    finally:
        process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill() if last.manifest is None and not last.error else None
        await process.wait()
    return last
