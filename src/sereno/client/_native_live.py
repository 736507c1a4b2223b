"""A subscription over the native protocol: latest wins, and it comes back by itself after a lost connection."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import numpy as np

from sereno.model import DeniedError, NoAnswerError, SerenoError, TagSpec, object_value
from sereno.wire.columns import unpack_columns
from sereno.wire.errors import WireError
from sereno.wire.errorvalue import error_of
from sereno.wire.messages import SubscribeAll, SubscribeTo, Unsubscribe, read_error, read_subscribed
from sereno.wire.native import Flag, Kind, Received, pack
from sereno.wire.packed import pack_value, unpack_value

from ._last_known import LastKnown, bare_update, moved, places_of
from ._native_link import NativeLink
from ._native_wire import Wire, checked
from ._values import I32, Update

_VALUES = ("change", "periodic", "archive")
MAX_WAITING = 64
"""Updates that wait for the reader before they are merged into one."""


class NativeSubscription:
    """See Subscription. While the connection is lost every value is NOT_CONNECTED, with the reason."""

    def __init__(self, link: NativeLink, globs: tuple[str, ...], how: dict[str, Any]) -> None:
        self._link = link
        self._globs = globs
        self._how = how
        self._tags: tuple[TagSpec, ...] = ()
        self._sub = 0
        self._wire: Wire | None = None
        self._rows: I32 = np.empty(0, np.int32)
        self._count = 0
        self._places: I32 | None = None
        self._last = LastKnown(())
        self._waiting: deque[Update] = deque()
        self._merged: np.ndarray[Any, np.dtype[np.bool_]] | None = None
        self._missed = 0
        self._news = asyncio.Event()
        self._ended = False
        self._error: Exception | None = None
        self._seq = self._dropped = self._peak = 0
        self._held: list[Received] | None = None
        self._again: asyncio.Task[None] | None = None
        self.events: deque[dict[str, Any]] = deque(maxlen=10_000)

    @property
    def tags(self) -> tuple[TagSpec, ...]:
        """See Subscription."""
        return self._tags

    async def open(self) -> None:
        """Subscribe for the first time. Raises NotConnectedError, DeniedError, NotFoundError, RefusedError."""
        tags = await self._subscribe(await self._link.ready())
        self._tags = tags
        self._last = LastKnown(tags)
        self._adopt(tags)
        self._link.up.append(self._back)
        self._link.down.append(self._lost)

    def __aiter__(self) -> AsyncIterator[Update]:
        """See Subscription. Ends with the server's error if it refuses to go on."""
        return self

    async def __anext__(self) -> Update:
        while True:
            if self._merged is not None:
                return self._give(self._all_merged(self._merged))
            if self._waiting:
                return self._give(self._waiting.popleft())
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()

    async def next_event(self) -> dict[str, Any]:
        """The next event of a subscription to interface, data_ready or alarm; kind "lost" while there is no server.

        Raises the server's error at its end.
        """
        while not self.events:
            if self._ended:
                raise self._error or StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self.events.popleft()

    async def close(self) -> None:
        """See Subscription."""
        if not self._ended:
            self._finish(None)
            if self._wire is not None:
                self._wire.unlisten(self._sub)
                self._wire.say(pack(Kind.UNSUBSCRIBE, 0, 0, pack_value(Unsubscribe([self._sub]))))
        if self._again is not None:
            self._again.cancel()
            await asyncio.gather(self._again, return_exceptions=True)

    def statistics(self) -> dict[str, int]:
        """See Subscription; `queued` are the updates that wait at this side."""
        return {"delivered": self._seq, "dropped": self._dropped, "queued": len(self._waiting), "peak": self._peak}

    # ---- the connection

    async def _subscribe(self, wire: Wire) -> tuple[TagSpec, ...]:
        sub = wire.new_number()
        wire.listen(sub, self._take)
        self._wire, self._sub, self._held = wire, sub, []  # news may come before the answer has been read
        wanted = SubscribeTo(sub=sub, tags=list(self._globs), **self._how)
        answer = await wire.ask(Kind.SUBSCRIBE, 0, pack_value(SubscribeAll([wanted])))
        one = read_subscribed(checked(answer).body)[0]
        if one.error is not None:
            wire.unlisten(sub)
            raise error_of(one.error)
        tags: tuple[TagSpec, ...] = one.tags
        return tags

    def _adopt(self, tags: tuple[TagSpec, ...]) -> None:
        """Positions mean these tags from now on."""
        self._count = len(tags)
        self._rows = np.array([p for p, tag in enumerate(tags) if tag.is_row], np.int32)
        self._places = None if tags == self._tags else places_of(tags, self._tags)
        held, self._held = self._held or [], None
        for frame in held:
            self._take(frame)

    def _lost(self, error: Exception) -> None:
        if isinstance(error, DeniedError):
            self._finish(error)
        if self._how.get("kind", "change") in _VALUES:
            self._add(self._last.lost(str(error), bare_update(0, self._link.clock.wall_ns())))
        else:
            self.events.append({"kind": "lost", "t_ns": self._link.clock.wall_ns(), "reason": str(error)})
            self._news.set()

    def _back(self, wire: Wire) -> None:
        self._again = asyncio.create_task(self._subscribe_again(wire), name="native subscription again")

    async def _subscribe_again(self, wire: Wire) -> None:
        try:
            tags = await self._subscribe(wire)
        except (NoAnswerError, OSError):
            return  # lost again: the next connection comes here too
        except SerenoError as error:
            if wire.lost is None:
                self._finish(error)
            return
        self._adopt(tags)

    # ---- what comes

    def _take(self, frame: Received) -> None:
        if self._held is not None:
            self._held.append(frame)
            return
        try:
            if frame.kind == Kind.UPDATE:
                self._add(self._update(frame))
            elif frame.kind == Kind.EVENT:
                self.events.append(unpack_value(frame.body))
                self._news.set()
            else:
                self._finish(error_of(read_error(frame.body)))
        except WireError as error:
            self._finish(NoAnswerError(f"{self._link.url} sent an update that is not understood: {error}"))

    def _update(self, frame: Received) -> Update:
        block = unpack_columns(frame.flags, frame.body, self._count, self._rows)
        update = Update(
            seq=self._seq + len(self._waiting) + 1,
            t_hub=block.t_hub,
            snapshot=bool(frame.flags & Flag.SNAPSHOT),
            index=block.index,
            values=block.values,
            t_source=block.t_source,
            quality=block.quality,
            exact_rows=block.exact_rows,
            exact_values=block.exact_values,
            objects=block.objects,
            reasons=block.reasons,
            dropped=block.dropped,
        )
        if self._places is not None:
            update = moved(update, self._places)
        if update.objects:
            update = replace(
                update, objects=tuple((p, object_value(self._tags[p], v), t, q) for p, v, t, q in update.objects)
            )
        return update

    def _add(self, update: Update) -> None:
        self._last.apply(update)
        self._dropped += update.dropped
        if self._merged is not None or len(self._waiting) >= MAX_WAITING:
            self._merge(update)
        else:
            self._waiting.append(update)
            self._peak = max(self._peak, len(self._waiting))
        self._news.set()

    def _merge(self, update: Update) -> None:
        """The reader is slow: from now on it gets the last value of whatever changed, once."""
        if self._merged is None:
            self._merged = np.zeros(len(self._tags), np.bool_)
        for one in (*self._waiting, update):
            self._merged[one.index] = True
            self._merged[[p for p, *_ in one.objects]] = True
            self._missed += 1 + one.dropped
        self._waiting.clear()

    def _all_merged(self, positions: np.ndarray[Any, np.dtype[np.bool_]]) -> Update:
        missed, self._missed, self._merged = self._missed - 1, 0, None
        self._dropped += missed
        return self._last.again(positions, bare_update(0, self._link.clock.wall_ns(), dropped=missed))

    def _give(self, update: Update) -> Update:
        self._seq += 1
        return update if update.seq == self._seq else replace(update, seq=self._seq)

    def _finish(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._ended, self._error = True, error
        if self._back in self._link.up:
            self._link.up.remove(self._back)
            self._link.down.remove(self._lost)
        self._news.set()
