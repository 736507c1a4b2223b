"""A query that goes on in pieces: what it sees stays as it is until it ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar

from sereno.model import OperationError

from .history import Snapshot, Store, TagHistory
from .meaning import MeantHistory, recorded
from .tags import Asked

T = TypeVar("T")


def heard(work: asyncio.Future[Any]) -> None:
    """For work that nobody may wait for any more: how it ended is nobody's business then."""
    if not work.cancelled():
        work.exception()


class Asking:
    """Tags that somebody asks for, with everything that is needed to answer. `run` belongs to the event loop."""

    def __init__(
        self, asked: tuple[Asked, ...], store: Store, snapshot: Snapshot, stop: threading.Event, threads: Executor
    ) -> None:
        self.asked = asked
        self._store, self._snapshot, self._stop, self._threads = store, snapshot, stop, threads
        self._work: asyncio.Future[object] | None = None

    def history(self, asked: Asked) -> TagHistory:
        """What is known of one of the tags, in its present meaning."""
        return MeantHistory(self._store, self._snapshot, asked)

    def recorded(self, asked: Asked) -> TagHistory:
        """As it was recorded, whatever its meaning then."""
        return recorded(self._store, self._snapshot, asked)

    def check(self) -> None:
        """Raises OperationError once nobody waits for the answer any more."""
        if self._stop.is_set():
            raise OperationError("the query was given up")

    async def run(self, work: Callable[[], T]) -> T:
        """`work` in a thread of the historian. One at a time."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        running.add_done_callback(heard)
        self._work = running  # type: ignore[assignment]
        return await asyncio.shield(running)  # cancelled with its caller it would look done while it still reads

    def end(self, ended: Callable[[], None]) -> None:
        """Nobody waits any more; `ended` is called when nothing runs any more."""
        self._stop.set()
        if self._work is None or self._work.done():
            ended()
        else:
            self._work.add_done_callback(lambda _: ended())
