"""Watches of single tags: those asked for at one time with equal terms share one subscription, in one frame."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sereno.model import NotFoundError, RefusedError, SerenoError, TagSpec, row_value

from ._ports import Subscription
from ._values import Reading, Update

if TYPE_CHECKING:
    from ._client import Client

MAX_WAITING = 64
"""Readings that wait for the reader of a watch; beyond it the oldest goes, and is counted."""


class Terms(NamedTuple):
    """How to watch. `kind` change, periodic or archive; others than change, and thresholds, need the native way."""

    kind: str = "change"
    interval: float = 0.0
    absolute: float = 0.0
    relative: float = 0.0
    period: float = 0.0


class Watch:
    """Readings of one tag as they come, the present one first. The last one always comes; `dropped` did not.

    Iterate over it, or give a callback when it is made (then it is called in the client's loop and must not block).
    """

    def __init__(self, path: str, callback: Callable[[Reading], object] | None) -> None:
        self.path = path
        self.dropped = 0
        self._callback = callback
        self._waiting: deque[Reading] = deque()
        self._news = asyncio.Event()
        self._error: Exception | None = None
        self._ended = False
        self._shared: _Shared | None = None

    async def __aiter__(self) -> AsyncIterator[Reading]:
        """Readings until `close`; ends with the error if the node refuses to go on."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._ended:
                if self._error is not None:
                    raise self._error
                return
            self._news.clear()
            await self._news.wait()

    async def close(self) -> None:
        """No more readings. May be called twice."""
        self.end(None)
        if self._shared is not None:
            await self._shared.leave(self)

    def take(self, reading: Reading) -> None:
        """One more reading."""
        if self._callback is not None:
            self._callback(reading)
            return
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(reading)
        self._news.set()

    def missed(self, count: int) -> None:
        """So many updates were merged into the next one."""
        self.dropped += count

    def end(self, error: Exception | None) -> None:
        """No more will come."""
        if not self._ended:
            self._ended, self._error = True, error
            self._news.set()

    def joined(self, shared: _Shared) -> None:
        """It is part of a subscription now."""
        self._shared = shared


@dataclass(slots=True)
class _Wanted:
    watch: Watch
    ready: asyncio.Future[None]


class Watching:
    """The watches of one client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._wanted: dict[Terms, list[_Wanted]] = {}
        self._shared: set[_Shared] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def watch(self, path: str, terms: Terms, callback: Callable[[Reading], object] | None = None) -> Watch:
        """A watch of a tag. Raises NotFoundError, DeniedError, RefusedError, NotConnectedError."""
        if terms not in self._wanted:
            self._wanted[terms] = []
            asyncio.get_running_loop().call_soon(self._begin, terms)
        wanted = _Wanted(Watch(path, callback), asyncio.get_running_loop().create_future())
        self._wanted[terms].append(wanted)
        await wanted.ready
        return wanted.watch

    async def close(self) -> None:
        """End them all."""
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for shared in list(self._shared):
            await shared.close()
        self._shared.clear()

    def _begin(self, terms: Terms) -> None:
        wanted = self._wanted.pop(terms)
        task = asyncio.create_task(self._open(terms, wanted), name="watch")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, terms: Terms, wanted: list[_Wanted]) -> None:
        """One subscription for all; where a name is wrong each gets its own, so that only that one is told."""
        try:
            await self._open_one(terms, wanted)
        except NotFoundError as error:
            if len(wanted) == 1:
                _fail(wanted, error)
                return
            await asyncio.gather(*(self._open(terms, [one]) for one in wanted))
        except (SerenoError, ValueError) as error:
            _fail(wanted, error)
        except asyncio.CancelledError:
            for one in wanted:
                one.ready.cancel()
            raise

    async def _open_one(self, terms: Terms, wanted: list[_Wanted]) -> None:
        paths = sorted({one.watch.path for one in wanted})
        subscription = await subscribe(self._client, paths, terms)
        shared = _Shared(subscription, [one.watch for one in wanted], self._shared)
        shared.start()
        for one in wanted:
            if not one.ready.done():
                one.ready.set_result(None)


class _Shared:
    """One subscription and the watches that it feeds, by position."""

    def __init__(self, subscription: Subscription, watches: Sequence[Watch], among: set[_Shared]) -> None:
        self._subscription = subscription
        self._among = among
        by_path: dict[str, list[Watch]] = {}
        for watch in watches:
            by_path.setdefault(watch.path, []).append(watch)
            watch.joined(self)
        self._tags = subscription.tags
        self._by_place = [by_path.get(tag.path, []) for tag in self._tags]
        self._task: asyncio.Task[None] | None = None
        among.add(self)

    def start(self) -> None:
        """Begin to hand over."""
        self._task = asyncio.create_task(self._run(), name="watches")

    async def leave(self, watch: Watch) -> None:
        """One watch less; the last one ends the subscription."""
        for watches in self._by_place:
            if watch in watches:
                watches.remove(watch)
        if not any(self._by_place):
            await self.close()

    async def close(self) -> None:
        """End the subscription and all watches."""
        self._among.discard(self)
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._subscription.close()
        self._end(None)

    async def _run(self) -> None:
        error: Exception | None = None
        try:
            async for update in self._subscription:
                self._hand_over(update)
        except SerenoError as ended:
            error = ended
        except Exception as failed:
            import structlog

            log = structlog.get_logger(__name__)
            log.exception("watches failed", task="watches")
            error = SerenoError(f"{type(failed).__name__}: {failed}")
        self._among.discard(self)
        self._end(error)

    def _hand_over(self, update: Update) -> None:
        by_place = self._by_place
        if update.dropped:
            for place in (*update.index.tolist(), *(sample[0] for sample in update.objects)):
                for watch in by_place[place]:
                    watch.missed(update.dropped)
        for place, reading in each_reading(update, self._tags):
            for watch in by_place[place]:
                watch.take(reading)

    def _end(self, error: Exception | None) -> None:
        for watches in self._by_place:
            for watch in watches:
                watch.end(error)


def each_reading(update: Update, tags: Sequence[TagSpec]) -> list[tuple[int, Reading]]:
    """The readings in an update with their positions; their age is that of news: 0."""
    exact = dict(zip(update.exact_rows.tolist(), update.exact_values.tolist(), strict=True))
    reasons = update.reasons
    columns = (c.tolist() for c in (update.index, update.values, update.t_source, update.quality))
    found = []
    for row, (place, number, t, quality) in enumerate(zip(*columns, strict=True)):
        spec = tags[place]
        value = row_value(spec, number, exact.get(row, 0), quality)
        found.append((place, Reading(spec, value, quality, reasons.get(place, ""), t, 0.0)))
    for place, value, t, quality in update.objects:
        found.append((place, Reading(tags[place], value, quality, reasons.get(place, ""), t, 0.0)))
    return found


async def subscribe(client: Client, globs: Sequence[str], terms: Terms) -> Subscription:
    """A subscription with these terms. Raises RefusedError where the way to the node cannot have them."""
    from ._native import NativeNode

    if isinstance(client.live, NativeNode):
        return await client.live.watch(globs, **{k: v for k, v in terms._asdict().items() if v})
    if terms != Terms(interval=terms.interval):
        raise RefusedError("thresholds, periodic and archive subscriptions need the native protocol (tcp://...)")
    return await client.subscribe(*globs, min_interval=terms.interval)


def _fail(wanted: list[_Wanted], error: Exception) -> None:
    for one in wanted:
        if not one.ready.done():
            one.ready.set_exception(error)
