"""Imports of many samples into a running historian: parts are put by, then merged in the compactor's process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from sereno.access.actor import Actor, Right
from sereno.client import ImportSource, ImportStage, ImportState, ImportTally, StagedImport
from sereno.historian.disk import Disk, SystemDisk
from sereno.historian.historian import Historian
from sereno.historian.meaning import meanings
from sereno.model import Clock, DeniedError, NotFoundError, OperationError, RefusedError, SystemClock, new_key

from .absorbing import Absorption
from .stage import Stage, StageNote, UnfitError, staged
from .unpacked import check_size

MAX_PART = 4 << 20
MAX_OPEN = 16
LONGEST = 7 * 86_400 * 10**9
"""What nobody went on with for so long (ns) is deleted when the next import begins."""
IDLE = 3600 * 10**9
"""What nobody went on with for so long (ns) is forgotten but for what was put by; whoever begins it again goes on."""
_NEAR = 60 * 10**9
Record = Callable[..., Awaitable[None]]
log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Open:
    """`since`: its tags by id, and since when they mean what they do. `touched`: when it was last gone on with.

    `kept`: it failed, and what was put by is kept.
    """

    stage: Stage
    since: dict[int, int]
    touched: int
    state: ImportStage = ImportStage.RECEIVING
    share: float = 0.0
    tally: ImportTally = field(default_factory=ImportTally)
    error: str = ""
    kept: bool = False
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    task: asyncio.Task[None] | None = None

    @property
    def parts(self) -> int:
        """How many have come."""
        return self.stage.parts

    def progress(self, share: float) -> None:
        """The merging has come so far."""
        self.share = share


class StagedImports:
    """Imports whose parts are put by. `record` puts acts on record, as AuditLog.record does."""

    def __init__(
        self, historian: Historian, record: Record, *, disk: Disk | None = None, clock: Clock | None = None
    ) -> None:
        self._historian = historian
        self._record = record
        self._disk = disk or SystemDisk()
        self._clock = clock or SystemClock()
        self._open: dict[str, _Open] = {}
        self._putting: set[asyncio.Task[int]] = set()
        self._beginning = asyncio.Lock()

    async def stage(self, source: ImportSource, actor: Actor) -> StagedImport:
        """See AnalysisPort."""
        since = await self._tags(source, actor)
        note = StageNote(new_key(), source.name, source.sha256, source.tags, actor.name, self._clock.wall_ns())
        async with self._beginning:  # what another has just opened is not opened a second time
            running = next((o for o in self._open.values() if o.stage.note.same_as(note) and _unfinished(o)), None)
            if running is not None:
                running.touched = self._clock.wall_ns()
                return StagedImport(running.stage.note.key, running.parts)
            self._forget_old()
            going = frozenset(key for key, job in self._open.items() if _unfinished(job))
            stage, resumed = await asyncio.to_thread(self._stage, note, going)
            key = stage.note.key
            self._open[key] = _Open(stage, since, note.began)
        new = {"sha256": source.sha256, "tags": list(source.tags)[:1000]}
        outcome = "resumed" if resumed else "begun"
        await self._record(actor.name, "history.import", source.name, actor.origin, outcome, new=new, command=key)
        return StagedImport(key, stage.parts, stage.note.error)

    async def put(self, key: str, number: int, part: bytes, actor: Actor) -> int:
        """See AnalysisPort."""
        job = self._job(key, actor)
        if len(part) > MAX_PART:
            raise ValueError(f"a part of {len(part)} bytes, at most {MAX_PART}")
        job.touched = self._clock.wall_ns()
        task = asyncio.create_task(self._append(job, number, part), name="historian import part")
        self._putting.add(task)
        task.add_done_callback(self._putting.discard)
        return await asyncio.shield(task)

    async def _append(self, job: _Open, number: int, part: bytes) -> int:
        """Put a part by whole, also if the caller is cancelled meanwhile: it may come again at once."""
        async with job.busy:
            if job.state is not ImportStage.RECEIVING:
                raise RefusedError(f"this import is {job.state}; nothing is added to it")
            self._historian.check_room(len(part))
            await asyncio.to_thread(check_size, memoryview(part))
            return await asyncio.to_thread(job.stage.append, number, part)

    async def merge(self, key: str, actor: Actor) -> None:
        """See AnalysisPort."""
        job = self._job(key, actor)
        async with job.busy:
            if job.state is ImportStage.RECEIVING or job.kept:
                job.state, job.kept, job.error, job.share = ImportStage.MERGING, False, "", 0.0
                job.task = asyncio.create_task(self._merge(job, actor), name="historian import")

    async def state(self, key: str, actor: Actor) -> ImportState:
        """See AnalysisPort."""
        job = self._job(key, actor)
        return ImportState(job.state, job.parts, job.share, job.tally, job.error, job.kept)

    async def cancel(self, key: str, actor: Actor) -> None:
        """See AnalysisPort."""
        job = self._job(key, actor)
        if not _unfinished(job) and not job.kept:
            return
        if not job.kept and job.share >= 1.0:
            raise RefusedError("this import is being finished; what it brought can be deleted")
        job.state, job.kept = ImportStage.CANCELLED, False
        if job.task is not None:
            job.task.cancel()
            await asyncio.gather(job.task, return_exceptions=True)
        async with job.busy:
            await asyncio.to_thread(job.stage.remove)
        note = job.stage.note
        await self._record(actor.name, "history.import", note.name, actor.origin, "cancelled", new=None, command=key)

    async def _tags(self, source: ImportSource, actor: Actor) -> dict[int, int]:
        for path in source.tags:
            if not actor.may(Right.CONFIGURE, path):
                raise DeniedError(f"{actor.name} may not import history of {path!r} (right configure)")
        self._historian.declare(source.tags)
        async with self._historian.asking(source.tags, actor) as asking:
            gone = [a.definition.path for a in asking.asked if a.handle is None]
            if gone:
                raise RefusedError(
                    f"{', '.join(gone)}: no longer declared; samples are imported for declared tags only"
                )
            return {asked.definition.id: meanings(asked)[-1].start for asked in asking.asked}

    def _stage(self, note: StageNote, going: frozenset[str]) -> tuple[Stage, bool]:
        folder: Path = self._historian.folder
        found = None
        for stage in staged(self._disk, folder, but=going):
            if found is None and stage.note.same_as(note):
                found = stage
            elif note.began - stage.note.began > LONGEST:
                stage.remove()
        if found is None:
            return Stage.create(self._disk, folder, note), False
        found.renew(note.began)
        return found, True

    async def _merge(self, job: _Open, actor: Actor) -> None:
        note = job.stage.note
        outcome, new = "done", None
        try:
            taken = await self._historian.absorb(self._absorption(job), job.stage.size // 2, job.progress)
            job.tally = ImportTally(taken.rows, taken.new, taken.first, taken.last)
            new = {"rows": taken.rows, "new": taken.new, "from_ns": taken.first, "to_ns": taken.last}
        except (OSError, OperationError, RefusedError) as error:
            outcome = await self._failed(job, error)
        except Exception as error:
            log.exception("task failed", task="historian import")
            outcome = await self._failed(job, error)
        else:
            job.state = ImportStage.DONE
            await asyncio.to_thread(job.stage.remove)
        await self._record(actor.name, "history.import", note.name, actor.origin, outcome, new=new, command=note.key)

    async def _failed(self, job: _Open, error: Exception) -> str:
        """It can be merged again unless what was put by is at fault; what goes on record."""
        kept = not isinstance(error, UnfitError)
        await asyncio.to_thread(*((job.stage.failed, str(error)) if kept else (job.stage.remove,)))
        job.state, job.error, job.kept = ImportStage.FAILED, str(error), kept
        return f"failed: {error}"[:500]

    def _absorption(self, job: _Open) -> Absorption:
        return Absorption(job.stage.note.key, job.since, self._clock.wall_ns() - _NEAR)

    def _forget_old(self) -> None:
        now = self._clock.wall_ns()
        for key, job in list(self._open.items()):
            if job.state is ImportStage.RECEIVING and not job.busy.locked() and now - job.touched > IDLE:
                del self._open[key]
        done = [key for key, job in self._open.items() if not _unfinished(job)]
        for key in done[: max(0, len(self._open) + 1 - MAX_OPEN)]:
            del self._open[key]
        if len(self._open) >= MAX_OPEN:
            raise RefusedError(f"{MAX_OPEN} imports are under way already; finish or cancel one")

    def _job(self, key: str, actor: Actor) -> _Open:
        job = self._open.get(key)
        if job is None:
            raise NotFoundError(f"no import {key!r} is under way; begin it again, it goes on where it was")
        if job.stage.note.actor != actor.name:
            raise DeniedError(f"this import is {job.stage.note.actor}'s")
        return job


def _unfinished(job: _Open) -> bool:
    return job.state in (ImportStage.RECEIVING, ImportStage.MERGING)
