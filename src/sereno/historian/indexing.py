"""Indexes of sealed segments, written beside the recording."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

import structlog

from .disk import Disk
from .holdings import Holdings
from .recorder import Recorder
from .retention import remove
from .sealed import SegmentRef
from .segment import SegmentView

_log = structlog.get_logger(__name__)


class Indexing:
    """Writes the index of each sealed segment that has none; calls `done` after each."""

    def __init__(self, holdings: Holdings, recorder: Recorder, disk: Disk, done: Callable[[], None]) -> None:
        self._holdings = holdings
        self._recorder = recorder
        self._disk = disk
        self._done = done
        self._tasks: dict[SegmentRef, asyncio.Task[None]] = {}

    def begin(self, threads: Executor) -> None:
        """Write the indexes that are missing, also those that the disk has refused before."""
        for ref in self._holdings.segments:
            if ref.held is not None and ref not in self._tasks:
                work = self._index(ref, ref.held, threads)
                task = asyncio.create_task(work, name=f"historian index {ref.outline.number}")
                self._tasks[ref] = task
                task.add_done_callback(lambda _, ref=ref: self._tasks.pop(ref))  # type: ignore[misc]

    async def settled(self) -> None:
        """Until those that were begun are written, or refused."""
        await asyncio.gather(*self._tasks.values())

    async def _index(self, ref: SegmentRef, view: SegmentView, threads: Executor) -> None:
        try:
            whole = await asyncio.get_running_loop().run_in_executor(threads, lambda: self._recorder.index(view))
        except OSError as error:
            _log.warning("no index written, the log is scanned instead", segment=str(view.path), error=str(error))
            return
        ref.outline, ref.held = SegmentRef.of(whole, hold=False).outline, None
        if ref.removed:
            remove(self._disk, ref)
        self._done()
