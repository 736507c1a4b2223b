"""Alarms to pages: one watch for all who may see the same, each change encoded once; a slow page gets the latest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import orjson

from sereno.access.actor import Actor, Role
from sereno.client import AlarmPort, AlarmStatus, alarm_state_json
from sereno.model import Clock

INTERVAL = 0.1
AT_ONCE = 500
"""Alarms in one message; what is more follows in the next."""
Key = tuple[tuple[Role, ...], tuple[Role, ...] | None]


class AlarmSlot:
    """What one page has not been told yet, by alarm."""

    def __init__(self, key: Key, wake: Callable[[], None]) -> None:
        self.key = key
        self._wake = wake
        self._waiting: dict[str, bytes] = {}
        self._whole = False

    def offer(self, changed: dict[str, bytes], *, whole: bool) -> None:
        """Take note; `whole`: these are all there are."""
        if whole:
            self._waiting = dict(changed)
            self._whole = True
        else:
            self._waiting.update(changed)
        self._wake()

    def take(self) -> str | None:
        """The next message, or None."""
        if not self._waiting and not self._whole:
            return None
        names = list(self._waiting)[:AT_ONCE]
        parts = b",".join([self._waiting.pop(name) for name in names])
        whole, self._whole = self._whole, False
        return f'{{"type":"alarms","whole":{"true" if whole else "false"},"alarms":[{parts.decode()}]}}'


class AlarmPush:
    """Hands out slots. The watch of a set of roles runs as long as somebody looks."""

    def __init__(self, alarms: AlarmPort, clock: Clock) -> None:
        self._alarms = alarms
        self._clock = clock
        self._slots: dict[Key, list[AlarmSlot]] = {}
        self._known: dict[Key, dict[str, bytes]] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}

    def join(self, actor: Actor, wake: Callable[[], None]) -> AlarmSlot:
        """A slot that is told all alarms that are not normal, then every change."""
        key = (actor.roles, actor.bound)
        slot = AlarmSlot(key, wake)
        self._slots.setdefault(key, []).append(slot)
        if key in self._known:
            slot.offer(self._known[key], whole=True)
        elif key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._watch(key, actor), name="alarms for pages")
        return slot

    async def leave(self, slot: AlarmSlot) -> None:
        """No more of it."""
        slots = self._slots[slot.key]
        slots.remove(slot)
        if not slots:
            del self._slots[slot.key]
            await self._end(slot.key)

    async def close(self) -> None:
        """End all watches."""
        for key in tuple(self._tasks):
            await self._end(key)

    async def _end(self, key: Key) -> None:
        self._known.pop(key, None)
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self, key: Key, actor: Actor) -> None:
        while True:
            await self._watch_once(key, actor)

    async def _watch_once(self, key: Key, actor: Actor) -> None:
        """Until other alarms are declared."""
        whole = True
        self._known.pop(key, None)
        async for statuses in self._alarms.watch(actor):
            changed = {status.spec.id: _encoded(status) for status in statuses if not whole or _abnormal(status)}
            known = self._known.setdefault(key, {})
            for status in statuses:
                if _abnormal(status):
                    known[status.spec.id] = changed[status.spec.id]
                else:
                    known.pop(status.spec.id, None)
            for slot in tuple(self._slots.get(key, ())):
                slot.offer(changed, whole=whole)
            whole = False
            await self._clock.sleep(INTERVAL)


def _abnormal(status: AlarmStatus) -> bool:
    return status.state != "normal"


def _encoded(status: AlarmStatus) -> bytes:
    return orjson.dumps(alarm_state_json(status))
