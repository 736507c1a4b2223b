"""Subscriptions: a slot that keeps the latest values, or a bounded queue that loses nothing."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from sereno.client import Update
from sereno.model import Clock, DeliveryError, TagSpec

from .selection import Columns, Pick, Selection

MAX_QUEUED_UPDATES = 1024
MAX_QUEUED_VALUES = 1_000_000
_NONE = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """When a lossless subscription ends because its reader is too slow: updates or values waiting."""

    updates: int = MAX_QUEUED_UPDATES
    values: int = MAX_QUEUED_VALUES


class Stream(ABC):
    """What both kinds share: one reader, its pace, the end. Implements `client.Subscription`."""

    def __init__(self, selection: Selection, clock: Clock, min_interval: float, on_close: Callable[[Stream], None]):
        self.selection = selection
        self.delivered = 0
        self.dropped = 0
        self.peak = 0
        self.closed = False
        self._clock = clock
        self._min_interval = min_interval
        self._due = -np.inf
        self._on_close = on_close
        self._waiter: asyncio.Future[None] | None = None
        self._pacing = False

    @property
    def tags(self) -> tuple[TagSpec, ...]:
        """See client.Subscription."""
        return self.selection.tags

    @property
    @abstractmethod
    def queued(self) -> int:
        """Updates that wait for the reader (merged ones count each)."""

    @abstractmethod
    def offer(self, pick: Pick) -> None:
        """Take note of what a batch changed. Never blocks."""

    @abstractmethod
    def _take(self, seq: int) -> Update | None:
        """The next update; None if there is nothing to tell. Raises DeliveryError after an overflow."""

    def __aiter__(self) -> AsyncIterator[Update]:
        """See client.Subscription."""
        return self

    async def __anext__(self) -> Update:
        """The next update, not before the interval is over. Raises RuntimeError for a second reader."""
        while not self.closed:
            if self._min_interval:
                wait = self._due - self._clock.monotonic()
                if wait > 0:
                    await self._pause(wait)
                    continue
            update = self._take(self.delivered)
            if update is not None:
                self.delivered += 1
                if self._min_interval:
                    self._due = self._clock.monotonic() + self._min_interval
                return update
            await self._pause(None)
        raise StopAsyncIteration

    async def close(self) -> None:
        """See client.Subscription."""
        self.end()

    def end(self) -> None:
        """Stop; the reader's iteration ends."""
        if not self.closed:
            self.closed = True
            self._on_close(self)
            _release(self._waiter)

    def statistics(self) -> dict[str, int]:
        """See client.Subscription."""
        return {"delivered": self.delivered, "dropped": self.dropped, "queued": self.queued, "peak": self.peak}

    @property
    def _reader_waits(self) -> bool:
        return self._waiter is not None

    def _wake(self) -> None:
        if not self._pacing:
            _release(self._waiter)

    async def _pause(self, seconds: float | None) -> None:
        """Until something is offered or the end; with `seconds`, until these are over or the end."""
        if self._waiter is not None:
            raise RuntimeError("a subscription has one reader, and another one is waiting for its next update")
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        self._pacing = seconds is not None
        timer = None if seconds is None else self._clock.call_later(seconds, partial(_release, waiter))
        try:
            await waiter
        finally:
            self._waiter = None
            self._pacing = False
            if timer is not None:
                timer.cancel()


class LatestSubscription(Stream):
    """Keeps at most one mark per tag: a slow reader gets the latest value of everything that changed."""

    def __init__(self, selection: Selection, clock: Clock, min_interval: float, on_close: Callable[[Stream], None]):
        super().__init__(selection, clock, min_interval, on_close)
        self._snapshot_due = True
        self._pick: Pick | None = None
        self._waiting_updates = 0
        self._merged = 0
        self._t_hub = 0
        self._dirty: NDArray[np.bool_] | None = None
        self._requalified: NDArray[np.bool_] | None = None

    @property
    def queued(self) -> int:
        """See Stream."""
        return self._waiting_updates

    def offer(self, pick: Pick) -> None:
        """See Stream."""
        if self._snapshot_due:
            return
        if self._waiting_updates:
            self._merge(pick)
        else:
            self._pick = pick
        self._waiting_updates += 1
        self._t_hub = pick.t_hub
        self.peak = max(self.peak, self._waiting_updates)
        self._wake()

    def _merge(self, pick: Pick) -> None:
        if self._dirty is None or self._requalified is None:
            self._dirty = np.zeros(len(self.selection), np.bool_)
            self._requalified = np.zeros(len(self.selection), np.bool_)
        for one in (self._pick, pick) if self._pick is not None else (pick,):
            self._dirty[one.index] = True
            self._dirty[list(one.objects)] = True
            self._requalified[one.requalified] = True
        self._pick = None
        if not self._reader_waits:
            self._merged += 1
            self.dropped += 1

    def _take(self, seq: int) -> Update | None:
        if self._snapshot_due:
            self._snapshot_due = False
            return Update(seq, self._clock.wall_ns(), True, *self.selection.everything())
        if not self._waiting_updates:
            return None
        columns = self._pick.columns() if self._pick is not None else self._gather_merged()
        merged, self._pick, self._waiting_updates, self._merged = self._merged, None, 0, 0
        return Update(seq, self._t_hub, False, *columns, merged)

    def _gather_merged(self) -> Columns:
        if self._dirty is None or self._requalified is None:
            return self.selection.gather(_NONE, (), _NONE)
        positions = np.flatnonzero(self._dirty).astype(np.int32)
        requalified = np.flatnonzero(self._requalified).astype(np.int32)
        self._dirty[positions] = False
        self._requalified[requalified] = False
        return self.selection.gather_mixed(positions, requalified)


class LosslessSubscription(Stream):
    """Keeps every update, the snapshot at its opening included, up to `limits`; then it ends with an error."""

    def __init__(
        self,
        selection: Selection,
        clock: Clock,
        min_interval: float,
        on_close: Callable[[Stream], None],
        limits: QueueLimits,
    ):
        super().__init__(selection, clock, min_interval, on_close)
        self._limits = limits
        self._values = 0
        self._overflowed = False
        self._queue: deque[tuple[int, bool, Columns]] = deque()
        self._append(clock.wall_ns(), True, selection.everything())

    @property
    def queued(self) -> int:
        """See Stream."""
        return len(self._queue)

    def offer(self, pick: Pick) -> None:
        """See Stream."""
        if self._overflowed:
            return
        if len(self._queue) >= self._limits.updates or self._values >= self._limits.values:
            self._overflowed = True
            self.dropped += 1
        else:
            self._append(pick.t_hub, False, pick.columns())
        self._wake()

    def _append(self, t_hub: int, snapshot: bool, columns: Columns) -> None:
        self._queue.append((t_hub, snapshot, columns))
        self._values += _size(columns)
        self.peak = max(self.peak, len(self._queue))

    def _take(self, seq: int) -> Update | None:
        if self._queue:
            t_hub, snapshot, columns = self._queue.popleft()
            self._values -= _size(columns)
            return Update(seq, t_hub, snapshot, *columns)
        if self._overflowed:
            self.end()
            raise DeliveryError(
                f"the lossless subscription ended: its reader left {self.peak} updates waiting, at most "
                f"{self._limits.updates} updates or {self._limits.values} values may; read faster or subscribe again"
            )
        return None


def _size(columns: Columns) -> int:
    return columns.positions.size + len(columns.objects)


def _release(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
