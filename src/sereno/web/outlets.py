"""Open connections that live values go out by: signs of life, stalled clients, rights that change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import structlog

from sereno.access.actor import Actor
from sereno.client import WaitingCommand, iso_time
from sereno.model import SerenoError
from sereno.wire.frame import heartbeat

from .context import WebContext
from .credentials import Credential, actor_of
from .line import Beat, Line
from .metrics import Metrics

_log = structlog.get_logger(__name__)

KINDS = ("sse", "ws")
BEAT = 1.0
RIDE = 0.25
"""Of these, how long a beat may go along with a frame before it is sent by itself."""
STALL_BEATS = 10
TURN = 64
"""Connections served before the event loop sees to other things."""
RECHECK_BEATS = 30
ELSEWHERE = 0.5

SIGNED_OUT = 4401
RIGHTS_CHANGED = 4403
GOING_AWAY = 1012
TOO_SLOW = 4408


class Outlet:
    """One open connection. `busy`: its transport takes nothing at present.

    With a line, `pump` writes what waits and never blocks; without one, `awake` wakes a task that does.
    """

    def __init__(self, kind: str, actor: Actor, credential: Credential | None) -> None:
        self.kind = kind
        self.actor = actor
        self.credential = credential
        self.since = 0
        self.awake = asyncio.Event()
        self.beat_due = False
        self.stop_code = 0
        self.stop_reason = ""
        self.dropped = 0
        self.wants_waiting = False
        self.waiting: list[WaitingCommand] = []
        self.waiting_news = False
        self.stalled_beats = 0
        self._sent = 0
        self._bytes = 0
        self._sending = False
        self._seen_at_beat = 0
        self._line: Line | None = None
        self._pump: Callable[[], None] | None = None

    @property
    def sent(self) -> int:
        """Frames and events that went out."""
        return self._sent + (self._line.frames if self._line is not None else 0)

    @property
    def bytes(self) -> int:
        """Of these."""
        return self._bytes + (self._line.bytes if self._line is not None else 0)

    @property
    def busy(self) -> bool:
        """True while what was given last has not been taken."""
        return self._sending or (self._line is not None and not self._line.writable)

    @property
    def held(self) -> int:
        """Bytes that wait in the transport, where it is known."""
        return self._line.held if self._line is not None else 0

    def lend(self, line: Line, pump: Callable[[], None]) -> None:
        """From now on `pump` is called whenever there may be something to write and room for it."""
        self._line, self._pump = line, pump
        line.lend(pump)

    def give_back(self) -> None:
        """No more of that."""
        if self._line is not None:
            self._line.give_back()
            self._sent, self._bytes = self.sent, self.bytes
            self._line = self._pump = None

    def wake(self) -> None:
        """There is something to send, or the end has come."""
        if self._pump is None or self.stop_code:
            self.awake.set()
        else:
            self._pump()

    def stop(self, code: int, reason: str) -> None:
        """End the connection; the first reason counts."""
        if not self.stop_code:
            self.stop_code, self.stop_reason = code, reason
        if self._line is not None:
            self._line.give_back()
        self.awake.set()

    async def hand_over(self, sending: Awaitable[None], size: int, dropped: int = 0) -> None:
        """Send, so that a beat can tell whether the transport took it."""
        self._sending = True
        await sending
        self._sending = False
        self._sent += 1
        self._bytes += size
        self.dropped += dropped

    def tell_waiting(self, waiting: list[WaitingCommand]) -> None:
        """The commands that wait for people; only other ones than before are news."""
        if waiting != self.waiting:
            self.waiting, self.waiting_news = waiting, True
            self.wake()

    def beat(self, number: int) -> bool:
        """The sign of life of this number is due, unless it went along with a frame.

        True if nothing could be sent for `STALL_BEATS` beats.
        """
        stuck = self.busy and self.sent == self._seen_at_beat
        self.stalled_beats = self.stalled_beats + 1 if stuck else 0
        self._seen_at_beat = self.sent
        if self._line is None or self._line.beaten != number:
            self.beat_due = True
            self.wake()
        return self.stalled_beats >= STALL_BEATS


@dataclass(slots=True)
class Totals:
    """Frames and events, their bytes, and how many were left out for slow clients."""

    frames: int = 0
    bytes: int = 0
    dropped: int = 0

    def add(self, outlet: Outlet) -> None:
        """And those of this connection."""
        self.frames += outlet.sent
        self.bytes += outlet.bytes
        self.dropped += outlet.dropped


class Outlets:
    """All open connections of the application."""

    def __init__(self, context: WebContext, metrics: Metrics, beat: Beat) -> None:
        self._context = context
        self._metrics = metrics
        self._open: dict[Outlet, Callable[[], object]] = {}
        self._recheck = asyncio.Event()
        self.beat = beat
        self._ended = {kind: Totals() for kind in KINDS}
        metrics.outlets = self.totals
        self.closing = False
        self._make_beat()

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Outlet]:
        return iter(list(self._open))

    def add(self, outlet: Outlet, abort: Callable[[], object]) -> None:
        """Watch over a connection; `abort` ends it although a send is stuck."""
        self._open[outlet] = abort
        outlet.since = self._context.clock.wall_ns()
        self._metrics.clients.labels(outlet.kind).inc()
        if self.closing:
            outlet.stop(GOING_AWAY, "the node is stopping")

    def remove(self, outlet: Outlet) -> None:
        """It has ended."""
        if self._open.pop(outlet, None) is not None:
            self._metrics.clients.labels(outlet.kind).dec()
            self._ended[outlet.kind].add(outlet)

    def close(self) -> None:
        """Ask every connection to end."""
        self.closing = True
        for outlet in list(self._open):
            outlet.stop(GOING_AWAY, "the node is stopping")

    async def run(self) -> None:
        """Beat once a second until cancelled."""
        clock, beat = self._context.clock, self.beat
        while True:
            await clock.sleep(BEAT - RIDE)
            beat.number += 1
            self._make_beat()
            beat.riding = True
            await clock.sleep(RIDE)
            beat.riding = False
            self._make_beat()
            await self._look_waiting()
            for number, (outlet, abort) in enumerate(list(self._open.items()), 1):
                if outlet.beat(beat.number):
                    self._metrics.stalled.inc()
                    outlet.stop(TOO_SLOW, "nothing was taken for too long")
                    abort()
                if number % TURN == 0:
                    await clock.sleep(0)
            if beat.number % RECHECK_BEATS == 0:
                self._recheck.set()

    async def _look_waiting(self) -> None:
        """Ask once for all connections of the same rights what waits for people."""
        found: dict[tuple[Any, ...], list[WaitingCommand]] = {}
        for outlet in list(self._open):
            actor = outlet.actor
            if not outlet.wants_waiting:
                continue
            key = (actor.name, actor.kind, actor.roles, actor.bound, actor.person)
            if key not in found:
                try:
                    found[key] = await self._context.waiting.waiting(actor)
                except SerenoError as error:
                    _log.error("what waits for people could not be seen", error=str(error))
                    return
            outlet.tell_waiting(found[key])

    async def watch_rights(self) -> None:
        """End connections whose session, token or rights are no longer those they began with."""
        unsubscribe = self._context.accounts.changes.subscribe(self._recheck.set)
        try:
            while True:
                await self._recheck.wait()
                self._recheck.clear()
                try:
                    await self._check_all()
                except SerenoError as error:
                    _log.error("rights of open connections could not be checked", error=str(error))
        finally:
            unsubscribe()

    async def watch_elsewhere(self) -> None:
        """Ask for rights again when another process (the command line) changed people, rights or ways in."""
        seen = ""
        while True:
            await self._context.clock.sleep(ELSEWHERE)
            if not self._open:
                seen = ""
                continue
            try:
                present = await self._context.accounts.generation()
            except SerenoError as error:
                _log.error("changes of other processes could not be seen", error=str(error))
                continue
            if present != seen:
                seen = present
                self._recheck.set()

    def totals(self) -> dict[str, Totals]:
        """What went out since the start, by kind of connection."""
        found = {kind: replace(total) for kind, total in self._ended.items()}
        for outlet in self._open:
            found[outlet.kind].add(outlet)
        return found

    def _make_beat(self) -> None:
        now = self._context.clock.wall_ns()
        event = b'event: heartbeat\ndata: {"t":"%b"}\n\n' % (iso_time(now) or "").encode()
        self.beat.make(event, heartbeat(self.beat.number, now))

    async def _check_all(self) -> None:
        present: dict[Credential, Actor | None] = {}
        for outlet in list(self._open):
            credential = outlet.credential
            if credential is None:
                continue
            if credential not in present:
                present[credential] = await actor_of(credential, self._context, outlet.actor.origin, use=False)
            now = present[credential]
            if now is None:
                outlet.stop(SIGNED_OUT, "signed out")
            elif (now.roles, now.bound) != (outlet.actor.roles, outlet.actor.bound):
                outlet.stop(RIGHTS_CHANGED, "rights have changed")
