"""One subscription for all who may see the same: each update is encoded once and handed to every client's slot."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from sereno.access.actor import Actor, Role
from sereno.client import LivePort, Subscription, Update
from sereno.model import SerenoError, TagSpec
from sereno.wire.frame import encode_frame, frame_of

from .columns import EventColumns, Picture

_log = structlog.get_logger(__name__)

BACKLOG = 4
"""Frames that may wait for a client before it gets a fresh snapshot instead."""

SHORTEST, LONGEST = 0.05, 60.0
_DROPPED_AT = 36


class Encoded:
    """An update as bytes: made when first asked for, then shared by all clients."""

    __slots__ = ("_columns", "_event", "_frames", "update")

    def __init__(self, update: Update, columns: EventColumns) -> None:
        self.update = update
        self._columns = columns
        self._event: bytes | None = None
        self._frames: dict[int, bytes] = {}

    def frame(self, sub: int, dropped: int = 0) -> bytes:
        """Wire frame for the subscription number `sub` of a socket; `dropped` more were left out for this client."""
        shared = self._frames.get(sub)
        if shared is None:
            shared = self._frames[sub] = encode_frame(frame_of(self.update, sub=sub))
        if not dropped:
            return shared
        total = min(self.update.dropped + dropped, 0xFFFFFFFF)
        return shared[:_DROPPED_AT] + total.to_bytes(4, "little") + shared[_DROPPED_AT + 4 :]

    def event(self, dropped: int = 0) -> bytes:
        """Server-sent event with JSON columns."""
        if self._event is None:
            self._event = self._columns.encode(self.update)
        total = self.update.dropped + dropped
        counted = b'{"dropped":%d,' % total + self._event[1:] if total else self._event
        return b"id: %d\ndata: %b\n\n" % (self.update.seq, counted)


class Slot:
    """What waits for one client. Bounded: who takes nothing has at most `BACKLOG` references to shared bytes here."""

    def __init__(self, broadcast: Broadcast, wake: Callable[[], None]) -> None:
        self.broadcast = broadcast
        self.ended = False
        self._wake = wake
        self._waiting: deque[Encoded] = deque()
        self._missed = 0

    @property
    def tags(self) -> tuple[TagSpec, ...]:
        """The tags that positions mean."""
        return self.broadcast.tags

    def offer(self, encoded: Encoded) -> None:
        """One more update; beyond the backlog all that waits is given up for a fresh snapshot."""
        if self._missed or len(self._waiting) >= BACKLOG:
            self._missed += 1 + len(self._waiting)
            self._waiting.clear()
        else:
            self._waiting.append(encoded)
        self._wake()

    def take(self) -> tuple[Encoded, int] | None:
        """What to send next and how many updates it stands for beyond its own; None if nothing waits."""
        if self._missed:
            missed, self._missed = self._missed, 0
            return self.broadcast.snapshot(), missed
        return (self._waiting.popleft(), 0) if self._waiting else None

    def end(self) -> None:
        """No more updates will come."""
        self.ended = True
        self._wake()


class Key(NamedTuple):
    """Who shares a broadcast: equal rights, equal globs, equal interval."""

    roles: tuple[Role, ...]
    bound: tuple[Role, ...] | None
    globs: tuple[str, ...]
    interval: float


class Broadcast:
    """One subscription of the plant and the clients that share it."""

    def __init__(self, subscription: Subscription) -> None:
        self.tags = subscription.tags
        self.slots: set[Slot] = set()
        self.ended = False
        self._subscription = subscription
        self._columns = EventColumns(self.tags)
        self._picture = Picture(len(self.tags))
        self._snapshot: Encoded | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to hand over updates."""
        self._task = asyncio.create_task(self._run(), name="web broadcast")

    def join(self, wake: Callable[[], None]) -> Slot:
        """A slot for one more client; a snapshot waits in it as soon as there is one."""
        slot = Slot(self, wake)
        if self._picture.seq >= 0:
            slot.offer(self.snapshot())
        self.slots.add(slot)
        if self.ended:
            slot.end()
        return slot

    def snapshot(self) -> Encoded:
        """Everything as it is now; encoded once per update, however many clients need it."""
        if self._snapshot is None or self._snapshot.update.seq != self._picture.seq:
            self._snapshot = Encoded(self._picture.snapshot(), self._columns)
        return self._snapshot

    async def close(self) -> None:
        """End the subscription and all slots."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._subscription.close()
        self._end()

    async def _run(self) -> None:
        try:
            async for update in self._subscription:
                self._picture.apply(update)
                encoded = Encoded(update, self._columns)
                for slot in self.slots:
                    slot.offer(encoded)
        except SerenoError as error:
            _log.warning("a broadcast ended", error=str(error))
        except Exception:  # noqa: BLE001 - the boundary of this task
            _log.exception("a broadcast failed", task="web broadcast")
        finally:
            self._end()

    def _end(self) -> None:
        self.ended = True
        for slot in self.slots:
            slot.end()


class Push:
    """The broadcasts that somebody listens to, found by what clients share."""

    def __init__(self, live: LivePort) -> None:
        self._live = live
        self._broadcasts: dict[Key, Broadcast] = {}
        self._opening = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._broadcasts)

    async def join(self, globs: Sequence[str], actor: Actor, interval: float, wake: Callable[[], None]) -> Slot:
        """A slot that gets a snapshot, then changes. Raises as `LivePort.subscribe`."""
        pace = round(min(max(interval, SHORTEST), LONGEST) / SHORTEST) * SHORTEST
        key = Key(actor.roles, actor.bound, tuple(sorted(set(globs))), pace)
        async with self._opening:
            broadcast = self._broadcasts.get(key)
            if broadcast is None or broadcast.ended:
                broadcast = Broadcast(await self._live.subscribe(key.globs, actor, min_interval=pace))
                broadcast.start()
                self._broadcasts[key] = broadcast
            return broadcast.join(wake)

    async def leave(self, slot: Slot) -> None:
        """Give a slot back; the last one ends its broadcast."""
        broadcast = slot.broadcast
        broadcast.slots.discard(slot)
        if broadcast.slots:
            return
        for key, one in list(self._broadcasts.items()):
            if one is broadcast:
                del self._broadcasts[key]
        await broadcast.close()

    async def close(self) -> None:
        """End everything."""
        broadcasts = list(self._broadcasts.values())
        self._broadcasts.clear()
        for broadcast in broadcasts:
            await broadcast.close()
