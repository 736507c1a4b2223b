"""The historian: records every batch that the hub admits, and answers what was when."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from sereno.access.actor import Actor, Right
from sereno.client import HistoryRequest, Series
from sereno.model import (
    Clock,
    DeniedError,
    Fault,
    NotConnectedError,
    OperationError,
    RefusedError,
    SampleBatch,
    match_paths,
)

from .asking import Asking, heard
from .block import Block
from .bulk.absorbing import Absorption
from .cold.keeper import ColdKeeper, Compactor
from .cold.pruning import Pruning, Removal
from .cold.worker import Taken
from .disk import Disk, SystemDisk
from .durability import Durability
from .encoder import CommitData
from .history import Snapshot, Store
from .holdings import Holdings
from .indexing import Indexing
from .query import MAX_WAITING, Query, check_request, not_found
from .queue import AcceptQueue
from .recorder import Recorder, Written
from .recovery import scan_segment
from .retention import KeepRule, Limits, Removed
from .room import Room, WhenFull
from .sealed import SegmentRef, ViewCache
from .segment import SegmentView
from .tags import Asked, TagBook, TagLookup
from .upkeep import Upkeep

T = TypeVar("T")
_RETRY = 1.0
_log = structlog.get_logger(__name__)


class Historian:
    """A BatchSink and a HistoryPort over one folder. One event loop; the disk is worked by threads of its own.

    `commit_interval` seconds between two commits (group commit). A batch is durable when the commit that holds it is.
    `queue_bytes` bounds what waits for the disk; what does not fit is stored as a gap. Every `cover_interval` seconds
    a group's tags are marked as known until then. What is beyond `max_bytes` or older than `max_age` seconds is
    deleted, the oldest first, and told to `removed`; None keeps it. `keep` says how long what of which tags stays;
    `keep_free` bytes of the disk are left to others:
    with less, and on a full disk, it does as `when_full` says. `compactor` makes sorted files of sealed segments
    (in_own_process); without one they stay as they are.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        lookup: TagLookup,
        *,
        commit_interval: float = 0.1,
        cover_interval: float = 1.0,
        segment_bytes: int = 64 << 20,
        queue_bytes: int = 64 << 20,
        max_bytes: int | None = None,
        max_age: float | None = None,
        keep: Sequence[KeepRule] = (),
        keep_free: int = 0,
        when_full: WhenFull = WhenFull.STOP,
        disk: Disk | None = None,
        removed: Callable[[Removed], None] = lambda _: None,
        compactor: Compactor | None = None,
        compact_bytes: int = 64 << 20,
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._book = TagBook(lookup)
        self._disk = disk or SystemDisk()
        self._room = Room(self._disk, folder, keep_free, when_full)
        self._recorder = Recorder(folder, clock, self._book, self._disk, self._room)
        self._queue = AcceptQueue(queue_bytes)
        self._commit_interval = commit_interval
        self._cover_interval = cover_interval
        self._segment_bytes = segment_bytes
        self._store = Store(self._disk, ViewCache(self._disk, self._rescan), self._report_damage)
        cold = ColdKeeper(folder, self._disk, self._report_damage, least=compact_bytes, compactor=compactor)
        self._holdings = Holdings(self._disk, cold, removed)
        self._durability = Durability(self._queue.counters)
        self._upkeep = Upkeep(
            self._holdings,
            clock,
            Limits(max_bytes, max_age, tuple(keep)),
            self._room,
            prepare=self._index_sealed,
            paths=self._book.by_path,
            compact=compactor is not None,
        )
        self._indexing = Indexing(self._holdings, self._recorder, self._disk, self._upkeep.wake)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._storing: set[asyncio.Task[None]] = set()
        self._absorbing: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._damaged: set[tuple[str, int]] = set()
        self._queries: set[threading.Event] = set()

    # ---- its life

    async def start(self) -> list[Fault]:
        """Open the folder and begin to record. Returns what was found damaged, by file and place.

        Raises OperationError if another historian has the folder or a newer version wrote it, OSError.
        """
        self._writing = ThreadPoolExecutor(1, "historian-write")
        self._reading = ThreadPoolExecutor(2, "historian-read")
        try:
            await self._in(self._writing, self._open)
        except BaseException:
            await self._shut()
            raise
        self._holdings.segments = list(self._recorder.segments)
        for fault in self._recorder.faults:
            _log.warning("historian found damage", fault=str(fault))
        self._task = asyncio.create_task(self._run(), name="historian")
        self._upkeep.start()
        return self._recorder.faults

    async def stop(self) -> None:
        """Write what waits, seal the log, free the folder. What the disk refuses now is lost, and logged."""
        if self._task is None:
            return
        self._stopping = True
        self._wake.set()
        for task in self._absorbing:
            task.cancel()
        await asyncio.gather(*self._absorbing, return_exceptions=True)
        await self._upkeep.stop()
        await self._task
        self._task = None
        await asyncio.gather(*self._storing, return_exceptions=True)
        await self._indexing.settled()
        for query in self._queries:
            query.set()
        await self._shut()
        self._recorder.close()
        self._durability.settle(RefusedError("the historian was stopped before this was durable"))

    # ---- the way in

    def accept(self, batch: SampleBatch) -> None:
        """See BatchSink. What comes before `start`, after `stop` or beyond the queue is a gap, and counted."""
        now = self._clock.wall_ns()
        self._book.register(batch.handles, now, batch.t_source)
        for sample in batch.objects:
            self._book.register_one(sample.handle, now)
        if self._task is None or self._stopping:
            self._queue.lose(batch)
            return
        self._queue.offer(batch)
        self._wake.set()

    def declare(self, paths: Collection[str]) -> None:
        """Know those of the tags that are declared, also before their first sample."""
        self._book.declare(paths, self._clock.wall_ns())

    async def store(self, blocks: Sequence[Block]) -> None:
        """Rows of the past, durable on return; of those with one time and tag the later stored one counts.

        Raises NotConnectedError, OSError.
        """
        if self._task is None or self._stopping:
            raise NotConnectedError("the historian is not running")
        await self._whole(self._write(CommitData(list(blocks)), self._clock.wall_ns(), seal=False))

    def redefine(self, handles: Iterable[int]) -> None:
        """These tags are declared otherwise from now on."""
        self._book.redefine(handles, self._clock.wall_ns())

    @property
    def accepted_seq(self) -> int:
        """Number of batches accepted so far."""
        return self._queue.counters.accepted

    @property
    def durable_seq(self) -> int:
        """Number of batches, in the order of acceptance, that are on the disk."""
        return self._queue.counters.durable

    async def durable(self) -> int:
        """Wait until everything accepted so far is on the disk; returns `durable_seq`.

        Raises RefusedError if the historian stops without having been able to write it.
        """
        return await self._durability.wait()

    # ---- the way out

    async def query(self, request: HistoryRequest, actor: Actor) -> list[Series]:
        """See HistoryPort. Raises RefusedError while too many queries wait, NotConnectedError when not started."""
        if self._task is None:
            raise NotConnectedError("the historian is not running")
        check_request(request)
        asked = tuple(self._asked(path, actor) for path in request.tags)
        if len(self._queries) >= MAX_WAITING:
            raise RefusedError(f"{MAX_WAITING} history queries wait already; try again later")
        stop = threading.Event()
        query = Query(request, asked, self._store, self._snapshot(), stop)
        self._queries.add(stop)
        self._holdings.begin(stop)
        work = asyncio.get_running_loop().run_in_executor(self._reading, query.answer)
        work.add_done_callback(lambda _: self._holdings.end(stop))
        work.add_done_callback(heard)
        try:
            return await asyncio.shield(work)  # cancelled with its caller it would look done while it still reads
        finally:
            stop.set()
            self._queries.discard(stop)

    @asynccontextmanager
    async def asking(self, tags: Sequence[str], actor: Actor) -> AsyncIterator[Asking]:
        """A query in pieces, over what is there now. Raises as `query`."""
        if self._task is None:
            raise NotConnectedError("the historian is not running")
        asked = tuple(self._asked(path, actor) for path in tags)
        if len(self._queries) >= MAX_WAITING:
            raise RefusedError(f"{MAX_WAITING} history queries wait already; try again later")
        stop = threading.Event()
        asking = Asking(asked, self._store, self._snapshot(), stop, self._reading)
        self._queries.add(stop)
        self._holdings.begin(stop)
        try:
            yield asking
        finally:
            self._queries.discard(stop)
            asking.end(partial(self._holdings.end, stop))

    def statistics(self) -> dict[str, float]:
        """Counters and peaks; times in seconds, sizes in bytes."""
        counters, times = self._queue.counters, self._recorder.times
        segments, cold = self._holdings.all_segments(), self._holdings.cold.size()
        return {
            "accepted_batches": counters.accepted,
            "durable_batches": counters.durable,
            "lost_batches": counters.lost_batches,
            "lost_rows": counters.lost_rows,
            "queue_batches": self._queue.waiting,
            "queue_bytes": self._queue.bytes,
            "queue_peak_bytes": counters.peak_bytes,
            "commits": times.commits,
            "failed_commits": times.failures,
            "last_sync_s": times.last,
            "worst_sync_s": times.worst,
            "segments": len(segments),
            "log_bytes": sum(ref.outline.end for ref in segments),
            "cold_bytes": cold.bytes,
            "cold_samples": cold.rows,
            "compactions": self._upkeep.compactions,
            "dropped_segments": self._holdings.dropped_segments,
            "damaged_records": len(self._damaged),
            "queries": len(self._queries),
        }

    @property
    def problem(self) -> str:
        """What keeps samples from the disk, or old ones from being compacted, in words; empty while nothing does."""
        return self._recorder.times.problem or self._upkeep.last_error

    @property
    def warning(self) -> str:
        """What is done about a full disk while samples are recorded, in words; empty if nothing is."""
        return self._upkeep.warning

    @property
    def last_error(self) -> str:
        """The last error of the disk in words; empty if there was none."""
        return self._recorder.times.last_error or self._upkeep.last_error

    async def compact(self) -> None:
        """Compact every sealed segment now. Raises OperationError, OSError; then nothing has changed."""
        await self._indexing.settled()
        await self._upkeep.compact()

    async def delete(self, glob: str, start: int, end: int) -> int:
        """Delete samples and roll-ups of the tags of `glob` in [start, end) ns UTC; how many samples there were.

        Raises NotFoundError, RefusedError (an empty range), NotConnectedError, OperationError, OSError.
        """
        if self._task is None:
            raise NotConnectedError("the historian is not running")
        paths = self._book.by_path()
        ids = tuple(sorted({paths[path] for path in match_paths(glob, sorted(paths))}))
        if not ids:
            raise not_found(glob, sorted(paths))
        await self.durable()
        end = min(end, self._clock.wall_ns())
        if start >= end:
            raise RefusedError("a range of time that ends before it begins, or that is yet to come")
        await self._forget(ids)
        return await self._upkeep.delete(Pruning((Removal(ids, start, end, mark=True),)))

    def check_room(self, size: int) -> None:
        """Raise OperationError where `size` bytes would take of the disk what is kept for audit and alarms."""
        try:
            self._room.check(size)
        except OSError as error:
            raise OperationError(error.strerror or str(error)) from error

    async def absorb(self, what: Absorption, size: int, progress: Callable[[float], None]) -> Taken:
        """Take a staged import of `size` bytes into the cold files, in the compactor; recording goes on meanwhile.

        Raises NotConnectedError, OperationError, OSError; then nothing has changed.
        """
        if self._task is None:
            raise NotConnectedError("the historian is not running")
        task = asyncio.current_task()
        assert task is not None
        self._absorbing.add(task)
        try:
            await self.durable()
            await self._forget(what.since)
            return await self._upkeep.absorb(what, size, progress)
        finally:
            self._absorbing.discard(task)

    async def _forget(self, tags: Iterable[int]) -> None:
        """Everything accepted so far becomes cold, and no later segment begins with what was in force of these tags."""
        handles = [handle for tag in tags if (handle := self._book.handle_of(tag)) is not None]
        await self._whole(self._in(self._writing, lambda: self._recorder.drop(handles)))
        self._queue.store_again(handles)
        before = {ref.outline.number for ref in self._holdings.segments}
        await self.compact()
        if any(ref.outline.number in before for ref in self._holdings.segments):
            raise OperationError("nothing was changed: the log could not be compacted whole; try again")

    # ---- recording

    async def _run(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            if not self._stopping:
                await self._clock.sleep(self._commit_interval)
            try:
                await self._commit()
            except Exception as error:  # noqa: BLE001 - the boundary of the recorder task: it must go on
                _log.exception("task failed", task="historian")
                self._give_up(error)
        await self._finish()

    async def _commit(self) -> None:
        t = self._clock.wall_ns()
        work = self._queue.take()
        data = await self._in(self._writing, lambda: self._recorder.prepare(work, final=False))
        self._adopt(await self._write(data, t, seal=False))
        self._queue.done()
        self._durability.settle()

    async def _write(self, data: CommitData, t: int, *, seal: bool) -> Written:
        """Try until the disk takes it, or until the historian is stopped: then OSError goes through."""
        while True:
            try:
                return await self._in(self._writing, lambda: self._recorder.write(data, t, seal=seal))
            except OSError as error:
                if self._stopping:
                    raise
                if self._room.lacks(error) and await self._upkeep.make_room():
                    continue
                _log.error("historian cannot write, tries again", folder=str(self.folder), error=str(error))
            await self._clock.sleep(_RETRY)

    async def _finish(self) -> None:
        try:
            data = await self._in(self._writing, lambda: self._recorder.prepare(self._queue.take(), final=True))
            self._adopt(await self._write(data, self._clock.wall_ns(), seal=True))
            self._queue.done()
        except OSError as error:
            _log.error("historian could not finish its log", folder=str(self.folder), error=str(error))
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._queue.failed()
        self._durability.settle(RefusedError(f"the historian could not write this: {error}"))

    async def _whole(self, work: Coroutine[Any, Any, Written]) -> None:
        """Write, and show queries what was written also if the caller is cancelled meanwhile."""

        async def adopted() -> None:
            self._adopt(await work)

        task = asyncio.create_task(adopted(), name="historian store")
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)
        await asyncio.shield(task)

    def _adopt(self, written: Written) -> None:
        """Show queries what is durable now."""
        for view in written.sealed:
            self._holdings.segments.append(SegmentRef.of(view, hold=True))
        self._index_sealed()
        active = written.active
        self._holdings.active = None if active is None else SegmentRef.of(active, hold=True)
        if written.sealed:
            self._upkeep.wake()

    def _index_sealed(self) -> None:
        self._indexing.begin(self._reading)

    # ---- what it stands on

    def _open(self) -> None:
        cold = self._holdings.cold
        self._recorder.open(cold.open, cover_interval=self._cover_interval, segment_bytes=self._segment_bytes)

    async def _shut(self) -> None:
        for threads in (self._writing, self._reading):
            await asyncio.to_thread(threads.shutdown)

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, work)

    def _asked(self, path: str, actor: Actor) -> Asked:
        if not actor.may(Right.HISTORY, path):
            raise DeniedError(f"{actor.name} may not read the history of {path!r}")
        definition = self._book.definition(path, self._clock.wall_ns())
        if definition is None:
            raise not_found(path, [p for p in self._book.paths() if actor.may(Right.HISTORY, p)])
        return Asked(definition, self._book.handle_of(definition.id), self._book.earlier(definition.id))

    def _snapshot(self) -> Snapshot:
        gap = self._recorder.start_gap
        hot = (gap,) if gap else ()
        segments = self._holdings.all_segments()
        return Snapshot(segments, hot, self._queue.pending(), self._queue.lost(), self._holdings.cold.view)

    def _rescan(self, outline: SegmentView) -> SegmentView:
        return scan_segment(self._disk, outline.path, [])

    def _report_damage(self, path: Path, offset: int) -> None:
        known = (str(path), offset)
        if known not in self._damaged:
            self._damaged.add(known)
            _log.error("historian found damage", file=str(path), byte=offset)
