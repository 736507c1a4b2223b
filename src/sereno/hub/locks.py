"""Locks of devices: who has one, until when, and who may take it away."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Collection
from typing import Any, Protocol

import structlog

from sereno.access.actor import Actor, Right
from sereno.client import Lock
from sereno.model import Clock, DeniedError, NotFoundError, RefusedError, SerenoError

from .hub import Hub
from .paths import near_spellings

LONGEST = 86400.0
INTERVAL = 0.5
_NODE = "sereno"
log = structlog.get_logger(__name__)


class LockRecord(Protocol):
    """Where acts on locks are put on record; durable when it returns."""

    def __call__(self, actor: str, action: str, target: str = "", origin: str = "", **more: Any) -> Awaitable[None]:
        """Who did what to which device."""


class Locks:
    """Implements LockPort over a hub, whose router refuses by them. `run` until the end. None outlives the node."""

    def __init__(self, hub: Hub, clock: Clock, record: LockRecord, devices: Collection[str]) -> None:
        self._hub = hub
        self._clock = clock
        self._record = record
        self._devices = devices
        self._ended: asyncio.Queue[tuple[Lock, str]] = asyncio.Queue()
        self._any = asyncio.Event()

    async def lock(self, device: str, actor: Actor, *, seconds: float = 0.0, holder: str = "") -> Lock:
        """See LockPort."""
        self._find(device, actor)
        if not (actor.may(Right.WRITE, device) or actor.may(Right.CALL, device)):
            raise DeniedError(f"denied: {actor.name} may not command {device}")
        if not (math.isfinite(seconds) and 0 <= seconds <= LONGEST):
            raise RefusedError(f"a lock of {seconds:g} s, expected 0 to {LONGEST:g}")
        if not seconds and not holder:
            raise RefusedError("a lock without an end needs a connection that it ends with; say for how many seconds")
        self._expire()
        other = next(
            (lock for lock in self._hub.locked.values() if _meet(lock, device) and lock.actor != actor.name), None
        )
        if other is not None:
            raise RefusedError(f"{other.device} is locked by {other.actor}")
        now = self._clock.wall_ns()
        made = Lock(
            device=device,
            actor=actor.name,
            since=now,
            expires=now + int(seconds * 1e9) if seconds else 0,
            holder=holder,
        )
        self._hub.locked[device] = made
        self._any.set()
        try:
            await self._record(actor.name, "device.lock", device, actor.origin)
        except SerenoError:
            if self._hub.locked.get(device) is made:
                del self._hub.locked[device]
            raise
        return made

    async def unlock(self, device: str, actor: Actor, *, force: bool = False) -> Lock:
        """See LockPort."""
        self._find(device, actor)
        self._expire()
        lock = self._hub.locked.get(device)
        if lock is None:
            raise NotFoundError(f"{device} is not locked")
        others = lock.actor != actor.name
        if others and not force:
            raise RefusedError(f"{device} is locked by {lock.actor}; taking it away has to be asked for")
        if others and not actor.may(Right.CONFIGURE, device):
            raise DeniedError(f"denied: {actor.name} may not take away the lock of {lock.actor} on {device}")
        del self._hub.locked[device]
        action = "device.unlock_forced" if others else "device.unlock"
        await self._record(actor.name, action, device, actor.origin, old=lock.actor if others else None)
        return lock

    async def locks(self, actor: Actor) -> list[Lock]:
        """See LockPort."""
        self._expire()
        return [lock for path, lock in sorted(self._hub.locked.items()) if actor.may(Right.READ, path)]

    def gone(self, holder: str) -> None:
        """See LockPort."""
        for lock in list(self._hub.locked.values()):
            if lock.holder == holder:
                self._end(lock, "its connection ended")

    def follow(self) -> None:
        """To be called after devices came or went: the locks of those that are gone end."""
        for lock in list(self._hub.locked.values()):
            if lock.device not in self._devices:
                self._end(lock, "the device is gone")

    async def run(self) -> None:
        """End what has lasted its time, to half a second, and put ends on record, until cancelled."""
        while True:
            if not self._hub.locked:
                self._any.clear()
                await self._any.wait()
            await self._clock.sleep(INTERVAL)
            self._expire()
            while not self._ended.empty():
                lock, why = self._ended.get_nowait()
                try:
                    await self._record(_NODE, "device.unlock", lock.device, "", old=lock.actor, comment=why)
                except SerenoError as error:
                    log.error("the end of a lock is not on record", device=lock.device, error=str(error))

    def _expire(self) -> None:
        now = self._clock.wall_ns()
        for lock in list(self._hub.locked.values()):
            if lock.expires and lock.expires <= now:
                self._end(lock, "its time was over")

    def _end(self, lock: Lock, why: str) -> None:
        del self._hub.locked[lock.device]
        self._ended.put_nowait((lock, why))

    def _find(self, device: str, actor: Actor) -> None:
        visible = [path for path in self._devices if actor.may(Right.READ, path)]
        if device not in visible:
            near = near_spellings(device, visible)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise NotFoundError(f"no device {device!r}{hint}")


def _meet(lock: Lock, device: str) -> bool:
    """True if one of the two covers the other."""
    return lock.covers(device) or lock.device.startswith(f"{device}/")
