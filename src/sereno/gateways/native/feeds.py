"""The subscriptions of one connection: each a task that waits for news and for room to send it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from sereno.client import Subscription, Update
from sereno.model import NotFoundError, RefusedError, SerenoError, TagSpec
from sereno.wire.columns import HEAD, pack_head
from sereno.wire.errorvalue import error_fields
from sereno.wire.messages import Subscribed, SubscribeTo, read_subscribe, read_unsubscribe
from sereno.wire.native import Flag, Kind, Received, head, pack
from sereno.wire.packed import pack_value

from .asking import check_globs
from .periodic import Periodic, archived
from .thresholds import Thresholds

if TYPE_CHECKING:
    from .connection import Connection

_log = structlog.get_logger(__name__)

MAX_SUBSCRIPTIONS = 10_000
LONGEST = 86400.0
SHORTEST_PERIOD = 0.01
_VALUES = ("change", "periodic", "archive")
_EVENTS = {"alarm": "this server has no alarms; subscribe to changes of the tag"}


class Feeds:
    """Opens and ends subscriptions under the client's numbers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ports = connection.house.ports
        self._open: dict[int, asyncio.Task[None]] = {}

    def subscribe(self, frame: Received) -> None:
        """Several in one frame; the answer says of each what became of it."""
        wanted = read_subscribe(frame.body).subscriptions
        if len(wanted) + len(self._open) > MAX_SUBSCRIPTIONS:
            raise RefusedError(f"more than {MAX_SUBSCRIPTIONS} subscriptions on a connection")
        self._connection.spawn(frame.id, self._subscribe(frame.id, wanted), "subscribe")

    def unsubscribe(self, frame: Received) -> None:
        """End these; numbers that are not open are no fault."""
        for sub in read_unsubscribe(frame.body).subs:
            task = self._open.pop(sub, None)
            if task is not None:
                task.cancel()

    def close(self) -> None:
        """End all."""
        for task in self._open.values():
            task.cancel()
        self._open.clear()

    async def _subscribe(self, number: int, wanted: list[SubscribeTo]) -> None:
        answers, ready = [], []
        for one in wanted:
            try:
                feed = await self._make(one)
            except (SerenoError, ValueError) as error:
                answers.append(Subscribed(one.sub, error=error_fields(error)))
            else:
                answers.append(Subscribed(one.sub, feed.tags))
                ready.append(feed)
        self._connection.answer(number, answers)
        for feed in ready:
            self._start(feed)

    def _start(self, feed: Feed) -> None:
        task = asyncio.create_task(feed.run(), name=f"native subscription {feed.sub}")
        self._open[feed.sub] = task
        task.add_done_callback(lambda done: self._forget(feed.sub, done))

    def _forget(self, sub: int, task: asyncio.Task[None]) -> None:
        if self._open.get(sub) is task:
            del self._open[sub]

    async def _make(self, wanted: SubscribeTo) -> Feed:
        _check(wanted)
        actor = self._connection.actor
        assert actor is not None
        globs = check_globs(wanted.tags)
        if wanted.sub in self._open:
            raise RefusedError(f"subscription {wanted.sub} is open already")
        if wanted.kind not in _VALUES:
            source = self._ports.events.get(wanted.kind)
            if source is None:
                raise RefusedError(
                    f"{wanted.kind}: {_EVENTS.get(wanted.kind, 'there is no such kind of subscription')}"
                )
            return Feed(self._connection, wanted.sub, (), events=source(globs, actor))
        live, clock = self._ports.live, self._ports.clock
        if wanted.kind == "periodic":
            plan = live.plan(globs, actor)
            return Feed(self._connection, wanted.sub, plan.tags, updates=Periodic(plan, clock, wanted.period))
        opened = await live.subscribe(globs, actor, min_interval=wanted.interval)
        passed: AsyncIterator[Update] = aiter(opened)
        if wanted.absolute or wanted.relative:
            passed = _filtered(passed, Thresholds(len(opened.tags), wanted.absolute, wanted.relative))
        if wanted.kind == "archive":
            passed = archived(passed, live.plan(globs, actor), clock, wanted.period)
        return Feed(self._connection, wanted.sub, opened.tags, updates=passed, source=opened)


class Feed:
    """One subscription as it runs. Sends nothing while the peer takes nothing: what changes meanwhile is merged."""

    def __init__(
        self,
        connection: Connection,
        sub: int,
        tags: tuple[TagSpec, ...],
        *,
        updates: AsyncIterator[Update] | None = None,
        events: AsyncIterator[dict[str, Any]] | None = None,
        source: Subscription | None = None,
    ) -> None:
        self.sub = sub
        self.tags = tags
        self._connection = connection
        self._updates = updates
        self._events = events
        self._source = source
        self._rows = sum(tag.is_row for tag in tags)
        self._seq = 0

    async def run(self) -> None:
        """Until the subscription or the connection ends; an end that the client did not ask for is told."""
        why: Exception = NotFoundError("the values ended")
        try:
            if self._updates is not None:
                await self._pass_on(self._updates)
            elif self._events is not None:
                await self._tell(self._events)
        except SerenoError as error:
            why = error
        except Exception as error:  # noqa: BLE001 - the boundary of this task
            _log.exception("a subscription failed", task=f"native subscription {self.sub}")
            why = SerenoError(f"the server made a mistake, {type(error).__name__}; its log says more")
        finally:
            await self._close()
        self._connection.send(pack(Kind.ENDED, self.sub, 0, pack_value(error_fields(why))))

    async def _close(self) -> None:
        for stream in (self._updates, self._events):
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()
        if self._source is not None:
            await self._source.close()

    async def _pass_on(self, updates: AsyncIterator[Update]) -> None:
        connection, house = self._connection, self._connection.house
        while True:
            await connection.room()
            try:
                update = await anext(updates)
            except StopAsyncIteration:
                return
            flags = (Flag.SNAPSHOT if update.snapshot else 0) | (Flag.WHOLE if self._is_whole(update) else 0)
            body = house.body(update, flags)
            top = pack_head(update, body, flags, self._seq, update.dropped)
            header = head(Kind.UPDATE, HEAD.size + len(body), self.sub, 0, flags)
            connection.send(b"".join((header, top, body)))
            self._seq += 1
            house.figures.updates += 1
            house.figures.dropped += update.dropped

    def _is_whole(self, update: Update) -> bool:
        """A snapshot names every row in its order."""
        return update.snapshot and len(update.index) == self._rows

    async def _tell(self, events: AsyncIterator[dict[str, Any]]) -> None:
        async for event in events:
            await self._connection.room()
            self._connection.send(pack(Kind.EVENT, self.sub, self._seq & 0xFFFFFFFF, pack_value(event)))
            self._seq += 1


async def _filtered(updates: AsyncIterator[Update], thresholds: Thresholds) -> AsyncIterator[Update]:
    """Updates that fall away are counted as nothing: they were not beyond what was asked for."""
    dropped = 0
    async for update in updates:
        passed = thresholds.passed(update)
        dropped += update.dropped
        if passed is not None:
            yield replace(passed, dropped=dropped)
            dropped = 0


def _check(wanted: SubscribeTo) -> None:
    given = (wanted.interval, wanted.absolute, wanted.relative, wanted.period)
    if not 0 < wanted.sub < 1 << 32:
        raise RefusedError(f"subscription number {wanted.sub}, expected 1 to 4294967295")
    if (
        not all(math.isfinite(number) and number >= 0 for number in given)
        or max(wanted.interval, wanted.period) > LONGEST
    ):
        raise RefusedError("expected intervals, thresholds and periods of 0 or more, and of a day at most")
    if wanted.kind in ("periodic", "archive") and wanted.period < SHORTEST_PERIOD:
        raise RefusedError(f"a period of {wanted.period:g} s, expected at least {SHORTEST_PERIOD:g}")
