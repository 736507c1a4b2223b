"""Open connections that live values go out by: signs of life, stalled clients, rights that change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from sereno.access.actor import Actor
from sereno.client import iso_time
from sereno.model import SerenoError
from sereno.wire.frame import heartbeat

from .context import WebContext
from .credentials import Credential, actor_of
from .metrics import Metrics

_log = structlog.get_logger(__name__)

BEAT = 1.0
STALL_BEATS = 10
RECHECK_BEATS = 30
ELSEWHERE = 0.5

SIGNED_OUT = 4401
RIGHTS_CHANGED = 4403
GOING_AWAY = 1012
TOO_SLOW = 4408


class Outlet:
    """One open connection. `busy` is True while a send has not been taken by the transport."""

    def __init__(self, kind: str, actor: Actor, credential: Credential | None) -> None:
        self.kind = kind
        self.actor = actor
        self.credential = credential
        self.wake = asyncio.Event()
        self.beat_due = False
        self.stop_code = 0
        self.stop_reason = ""
        self.busy = False
        self.sent = 0
        self.stalled_beats = 0
        self._seen_at_beat = 0

    def stop(self, code: int, reason: str) -> None:
        """End the connection; the first reason counts."""
        if not self.stop_code:
            self.stop_code, self.stop_reason = code, reason
        self.wake.set()

    async def hand_over(self, sending: Awaitable[None]) -> None:
        """Send, so that a beat can tell whether the transport took it."""
        self.busy = True
        await sending
        self.busy = False
        self.sent += 1

    def beat(self) -> bool:
        """A sign of life is due. True if nothing could be sent for `STALL_BEATS` beats."""
        stuck = self.busy and self.sent == self._seen_at_beat
        self.stalled_beats = self.stalled_beats + 1 if stuck else 0
        self._seen_at_beat = self.sent
        self.beat_due = True
        self.wake.set()
        return self.stalled_beats >= STALL_BEATS


class Outlets:
    """All open connections of the application."""

    def __init__(self, context: WebContext, metrics: Metrics) -> None:
        self._context = context
        self._metrics = metrics
        self._open: dict[Outlet, Callable[[], object]] = {}
        self._recheck = asyncio.Event()
        self._beats = 0
        self.closing = False
        self._make_beat()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, outlet: Outlet, abort: Callable[[], object]) -> None:
        """Watch over a connection; `abort` ends it although a send is stuck."""
        self._open[outlet] = abort
        self._metrics.clients.labels(outlet.kind).inc()
        if self.closing:
            outlet.stop(GOING_AWAY, "the node is stopping")

    def remove(self, outlet: Outlet) -> None:
        """It has ended."""
        if self._open.pop(outlet, None) is not None:
            self._metrics.clients.labels(outlet.kind).dec()

    def close(self) -> None:
        """Ask every connection to end."""
        self.closing = True
        for outlet in list(self._open):
            outlet.stop(GOING_AWAY, "the node is stopping")

    async def run(self) -> None:
        """Beat once a second until cancelled."""
        clock = self._context.clock
        while True:
            await clock.sleep(BEAT)
            self._beats += 1
            self._make_beat()
            for outlet, abort in list(self._open.items()):
                if outlet.beat():
                    self._metrics.stalled.inc()
                    outlet.stop(TOO_SLOW, "nothing was taken for too long")
                    abort()
            if self._beats % RECHECK_BEATS == 0:
                self._recheck.set()

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

    def count(self, outlet: Outlet, dropped: int) -> None:
        """One more frame or event went out, standing for `dropped` that did not."""
        self._metrics.frames.labels(outlet.kind).inc()
        if dropped:
            self._metrics.dropped.inc(dropped)

    def _make_beat(self) -> None:
        now = self._context.clock.wall_ns()
        self.beat_frame = heartbeat(self._beats, now)
        self.beat_event = b'event: heartbeat\ndata: {"t":"%b"}\n\n' % (iso_time(now) or "").encode()

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
