"""One subscription for all who may see the same: each update is encoded once and handed to every client's slot."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

import structlog

from sereno.access.actor import Actor, Role
from sereno.client import PlannedPort, Subscription, Update
from sereno.model import Clock, SerenoError, TagSpec
from sereno.wire.frame import encode_frame, frame_of

from .columns import EventColumns, Picture
from .line import BINARY, Beat, Line, chunk, message
from .outlets import TURN

_log = structlog.get_logger(__name__)

BACKLOG = 4
"""Frames that may wait for a client before it gets a fresh snapshot instead."""

SHORTEST, LONGEST = 0.01, 60.0
AT_ONCE = 0.0
"""The interval of those who want each update as it comes."""
LINGER = 10.0
"""Seconds that a broadcast outlives its last client, so that one who comes back is told what it missed."""
MOST_LINGERING = 64
_WORTH_A_REST = 0.0005
_DROPPED_AT = 36


class Encoded:
    """An update as bytes: made when first asked for, then shared by all clients."""

    __slots__ = ("_chunk", "_columns", "_epoch", "_event", "_frames", "_json", "_messages", "update")

    def __init__(self, update: Update, columns: EventColumns, epoch: str) -> None:
        self.update = update
        self._epoch = epoch.encode()
        self._columns = columns
        self._json: bytes | None = None
        self._event: bytes | None = None
        self._chunk: bytes | None = None
        self._frames: dict[int, bytes] = {}
        self._messages: dict[int, bytes] = {}

    def frame(self, sub: int, dropped: int = 0) -> bytes:
        """Wire frame for the subscription number `sub` of a socket; `dropped` more were left out for this client."""
        shared = self._frames.get(sub)
        if shared is None:
            shared = self._frames[sub] = encode_frame(frame_of(self.update, sub=sub))
        if not dropped:
            return shared
        total = min(self.update.dropped + dropped, 0xFFFFFFFF)
        return shared[:_DROPPED_AT] + total.to_bytes(4, "little") + shared[_DROPPED_AT + 4 :]

    def message(self, sub: int, dropped: int = 0) -> bytes:
        """The frame as a WebSocket message."""
        if dropped:
            return message(BINARY, self.frame(sub, dropped))
        shared = self._messages.get(sub)
        if shared is None:
            shared = self._messages[sub] = message(BINARY, self.frame(sub))
        return shared

    def event(self, dropped: int = 0, more: bytes = b"") -> bytes:
        """Server-sent event with JSON columns; `more` are further members of its object, each with a comma behind."""
        if dropped or more:
            return self._make_event(dropped, more)
        if self._event is None:
            self._event = self._make_event(0, b"")
        return self._event

    def chunk(self) -> bytes:
        """The event as a piece of an HTTP body."""
        if self._chunk is None:
            self._chunk = chunk(self.event())
        return self._chunk

    def _make_event(self, dropped: int, more: bytes) -> bytes:
        if self._json is None:
            self._json = self._columns.encode(self.update)
        total = self.update.dropped + dropped
        counted = b'"dropped":%d,' % total if total else b""
        return b"id: %b-%d\ndata: {%b%b%b\n\n" % (self._epoch, self.update.seq, more, counted, self._json[1:])


class Slot:
    """What waits for one client. Bounded: who takes nothing has at most `BACKLOG` references to shared bytes here.

    With a `line`, what nothing waits before (`behind` is False) goes there at once: as the message of subscription
    `sub` of a socket, or as a chunk of events where `sub` is 0.
    """

    __slots__ = ("_missed", "_waiting", "_wake", "behind", "broadcast", "ended", "line", "outdated", "sub")

    def __init__(self, broadcast: Broadcast, wake: Callable[[], None]) -> None:
        self.broadcast = broadcast
        self.ended = False
        self.outdated = False
        self.behind = False
        self.line: Line | None = None
        self.sub = 0
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
        self.behind = True
        self._wake()

    def take(self) -> tuple[Encoded, int] | None:
        """What to send next and how many updates it stands for beyond its own; None if nothing waits."""
        if self._missed:
            missed, self._missed, self.behind = self._missed, 0, False
            return self.broadcast.snapshot(), missed
        if not self._waiting:
            return None
        encoded = self._waiting.popleft()
        self.behind = bool(self._waiting)
        return encoded, 0

    def end(self) -> None:
        """No more updates will come."""
        self.ended = True
        self._wake()

    def outdate(self) -> None:
        """The globs name other tags by now, or other declarations: join anew."""
        self.outdated = True
        self._wake()


def hand_to(slots: Sequence[Slot], encoded: Encoded, beat: Beat | None = None) -> None:
    """Give an update to many, with a beat riding on it if there is one.

    Most take it at once: this loop runs for each client and frame, and must be short.
    """
    ready: dict[int, bytes] = {}
    for slot in slots:
        line = slot.line
        if line is None or not line.writable or slot.behind:
            slot.offer(encoded)
            continue
        data = ready.get(slot.sub)
        if data is None:
            data = ready[slot.sub] = _with_beat(encoded, slot.sub, beat)
        line.write(data)
        if beat is not None:
            line.beaten = beat.number
        line.frames += 1
        line.bytes += len(data)


def _with_beat(encoded: Encoded, sub: int, beat: Beat | None) -> bytes:
    data = encoded.message(sub) if sub else encoded.chunk()
    if beat is None:
        return data
    return data + (beat.message if sub else beat.chunk)


class Key(NamedTuple):
    """Who shares a broadcast: equal rights, equal globs, equal interval."""

    roles: tuple[Role, ...]
    bound: tuple[Role, ...] | None
    globs: tuple[str, ...]
    interval: float


class Broadcast:
    """One subscription of the plant and the clients that share it. `epoch` tells its sequence numbers from others'.

    Unpaced: its clients want each update at once; then it rests as long as handing one out took, and merges meanwhile.
    """

    def __init__(self, subscription: Subscription, clock: Clock, beat: Beat, asker: Actor, *, unpaced: bool) -> None:
        self.tags = subscription.tags
        self.asker = asker
        self.epoch = secrets.token_hex(4)
        self.slots: set[Slot] = set()
        self.ended = False
        self._subscription = subscription
        self._clock = clock
        self._beat = beat
        self._carried = 0
        self._unpaced = unpaced
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
            self._snapshot = Encoded(self._picture.snapshot(), self._columns, self.epoch)
        return self._snapshot

    def missed_since(self, event_id: str, seq: int) -> int | None:
        """How many updates lie between the event of this id and `seq`; None if nobody can tell."""
        epoch, _, last = event_id.partition("-")
        known = epoch == self.epoch and last.isascii() and last.isdigit() and int(last) <= seq
        return seq - int(last) if known else None

    def statistics(self) -> dict[str, int]:
        """Of its subscription."""
        return self._subscription.statistics()

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
                await self._hand_out(Encoded(update, self._columns, self.epoch))
        except SerenoError as error:
            _log.warning("a broadcast ended", error=str(error))
        except Exception:  # noqa: BLE001 - the boundary of this task
            _log.exception("a broadcast failed", task="web broadcast")
        finally:
            self._end()

    async def _hand_out(self, encoded: Encoded) -> None:
        """To everyone, some at a time: a thousand writes in one go would hold up the scans."""
        began = self._clock.monotonic()
        slots, beat = tuple(self.slots), self._beat_to_carry()
        for first in range(0, len(slots), TURN):
            hand_to(slots[first : first + TURN], encoded, beat)
            if first + TURN < len(slots):
                await self._clock.sleep(0)
        if self._unpaced:
            await self._clock.sleep(0)
            spent = self._clock.monotonic() - began
            if spent > _WORTH_A_REST:
                await self._clock.sleep(spent)

    def _beat_to_carry(self) -> Beat | None:
        if not self._beat.riding or self._beat.number == self._carried:
            return None
        self._carried = self._beat.number
        return self._beat

    def _end(self) -> None:
        self.ended = True
        for slot in self.slots:
            slot.end()


class Push:
    """The broadcasts that somebody listens to, found by what clients share."""

    def __init__(self, live: PlannedPort, clock: Clock, beat: Beat) -> None:
        self._live = live
        self._clock = clock
        self._beat = beat
        self._broadcasts: dict[Key, Broadcast] = {}
        self._lingering: dict[Broadcast, asyncio.Task[None]] = {}
        self._opening = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._broadcasts)

    def items(self) -> list[tuple[Key, Broadcast]]:
        """All of them, with who shares each."""
        return list(self._broadcasts.items())

    async def join(self, globs: Sequence[str], actor: Actor, interval: float, wake: Callable[[], None]) -> Slot:
        """A slot that gets a snapshot, then changes. Raises as `LivePort.subscribe`."""
        pace = _pace(interval)
        key = Key(actor.roles, actor.bound, tuple(sorted(set(globs))), pace)
        async with self._opening:
            broadcast = self._broadcasts.get(key)
            if broadcast is None or broadcast.ended:
                subscription = await self._live.subscribe(key.globs, actor, min_interval=pace)
                broadcast = Broadcast(subscription, self._clock, self._beat, actor, unpaced=pace == AT_ONCE)
                broadcast.start()
                self._broadcasts[key] = broadcast
            lingering = self._lingering.pop(broadcast, None)
            if lingering is not None:
                lingering.cancel()
            return broadcast.join(wake)

    async def watch_tags(self) -> None:
        """Tell the clients of broadcasts that tags came, went or changed for, until cancelled."""
        changed = asyncio.Event()
        unsubscribe = self._live.watch_tags(changed.set)
        try:
            while True:
                await changed.wait()
                changed.clear()
                for key, broadcast in self.items():
                    present = tuple(await self._live.tags(key.globs, broadcast.asker))
                    if present != broadcast.tags and self._broadcasts.get(key) is broadcast:
                        del self._broadcasts[key]
                        for slot in tuple(broadcast.slots):
                            slot.outdate()
        finally:
            unsubscribe()

    async def leave(self, slot: Slot, *, linger: bool = False) -> None:
        """Give a slot back; the last one ends its broadcast, with `linger` some time later if nobody comes back."""
        broadcast = slot.broadcast
        slot.line = None
        broadcast.slots.discard(slot)
        if broadcast.slots or broadcast in self._lingering:
            return
        if linger and not broadcast.ended and len(self._lingering) < MOST_LINGERING:
            self._lingering[broadcast] = asyncio.create_task(self._linger(broadcast), name="web lingering broadcast")
        else:
            await self._end(broadcast)

    async def close(self) -> None:
        """End everything."""
        lingering = list(self._lingering.values())
        self._lingering.clear()
        for task in lingering:
            task.cancel()
        await asyncio.gather(*lingering, return_exceptions=True)
        broadcasts = list(self._broadcasts.values())
        self._broadcasts.clear()
        for broadcast in broadcasts:
            await broadcast.close()

    async def _linger(self, broadcast: Broadcast) -> None:
        await self._clock.sleep(LINGER)
        del self._lingering[broadcast]
        await self._end(broadcast)

    async def _end(self, broadcast: Broadcast) -> None:
        for key, one in list(self._broadcasts.items()):
            if one is broadcast:
                del self._broadcasts[key]
        await broadcast.close()


def _pace(interval: float) -> float:
    """Few paces, so that many share one: whole hundredths of a second, or at once."""
    return AT_ONCE if interval < SHORTEST / 2 else round(min(max(interval, SHORTEST), LONGEST) / SHORTEST) * SHORTEST
