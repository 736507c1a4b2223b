"""WebSocket /api/v1/live: JSON text for control, binary frames of `wire` for values, a heartbeat each second."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import orjson
import structlog
from fastapi import FastAPI
from starlette.websockets import WebSocket, WebSocketDisconnect

from sereno.access.entries import EntryTable
from sereno.client import spec_json, waiting_json
from sereno.model import SerenoError

from .alarm_push import AlarmPush, AlarmSlot
from .entries import ENTRIES, LIVE
from .line import TEXT, line_of, message
from .outlets import GOING_AWAY, Outlet, Outlets
from .push import LONGEST, Push, Slot
from .requests import actor_in
from .values import MAX_GLOBS

_log = structlog.get_logger(__name__)

MAX_SUBSCRIPTIONS = 32
BAD_MESSAGE = 1003


class Subscribe(msgspec.Struct, tag="subscribe", forbid_unknown_fields=True):
    """Values of tags under a number chosen by the page; the same number again replaces."""

    sub: int
    tags: list[str] = []
    interval: float = 0.1


class Alarms(msgspec.Struct, tag="alarms", forbid_unknown_fields=True):
    """Alarms that are not normal, then every change; once is enough."""

    sub: int = 0


class Unsubscribe(msgspec.Struct, tag="unsubscribe", forbid_unknown_fields=True):
    """No more of that number."""

    sub: int


_MESSAGE = msgspec.json.Decoder(Subscribe | Unsubscribe | Alarms)


def add_routes(app: FastAPI) -> None:
    """The routes of this module."""
    app.router.add_websocket_route(LIVE, live)


async def live(socket: WebSocket) -> None:
    """One page's socket."""
    state = socket.app.state
    outlet = Outlet("ws", actor_in(socket), socket.scope["state"]["credential"])
    await socket.accept()
    outlet.wants_waiting = True
    await _Live(socket, outlet, state.push, state.outlets, alarm_push=state.alarm_push).run()


class _Live:
    """Two tasks over one socket: the reader changes the slots, the writer drains them in turn."""

    def __init__(
        self,
        socket: WebSocket,
        outlet: Outlet,
        push: Push,
        outlets: Outlets,
        *,
        alarm_push: AlarmPush,
        entries: EntryTable = ENTRIES,
    ):
        self._socket = socket
        self._outlet = outlet
        self._push = push
        self._outlets = outlets
        self._entries = entries
        self._slots: dict[int, Slot] = {}
        self._asked: dict[int, Subscribe] = {}
        self._turn = asyncio.Lock()
        self._outdated = asyncio.Event()
        self._alarm_push = alarm_push
        self._alarms: AlarmSlot | None = None
        self._control: list[dict[str, Any]] = []
        self._line = line_of(socket.scope)

    async def run(self) -> None:
        write = self._write if self._line is None else self._write_directly
        reader = asyncio.create_task(self._read(), name="web socket reader")
        renewer = asyncio.create_task(self._renew(), name="web socket renewer")
        writer = asyncio.create_task(write(), name="web socket writer")
        self._outlets.add(self._outlet, writer.cancel)
        try:
            await asyncio.wait((reader, writer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._outlets.remove(self._outlet)
            self._outlet.give_back()
            for task in (reader, writer, renewer):
                task.cancel()
            ended = await asyncio.gather(reader, writer, renewer, return_exceptions=True)
            for slot in self._slots.values():
                await self._push.leave(slot)
            if self._alarms is not None:
                await self._alarm_push.leave(self._alarms)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, WebSocketDisconnect):
                raise error

    async def _read(self) -> None:
        while True:
            said = await self._socket.receive()
            if said["type"] == "websocket.disconnect":
                return
            try:
                asked = _MESSAGE.decode(said.get("text") or b"")
            except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
                self._outlet.stop(BAD_MESSAGE, f"not understood: {error}"[:120])
                continue
            async with self._turn:
                await self._obeyed(asked)

    async def _renew(self) -> None:
        """Subscribe anew to what has become outdated; the page is told the tags again, then gets a snapshot."""
        while True:
            await self._outdated.wait()
            self._outdated.clear()
            async with self._turn:
                for sub, slot in list(self._slots.items()):
                    if slot.outdated:
                        await self._obeyed(self._asked[sub])

    async def _obeyed(self, asked: Subscribe | Unsubscribe | Alarms) -> None:
        try:
            await self._obey(asked)
        except SerenoError as error:
            self._say({"type": "error", "sub": asked.sub, "detail": str(error)})

    async def _obey(self, asked: Subscribe | Unsubscribe | Alarms) -> None:
        kind = type(asked).__name__.lower()
        entry = self._entries.find("MESSAGE", f"{LIVE} {kind}")
        if entry is None or not entry.admits(self._outlet.actor):
            self._say({"type": "error", "sub": asked.sub, "detail": f"denied: {kind}"})
            return
        if isinstance(asked, Alarms):
            self._alarms = self._alarms or self._alarm_push.join(self._outlet.actor, self._outlet.wake)
            self._outlet.wake()
            return
        old = self._slots.pop(asked.sub, None)
        self._asked.pop(asked.sub, None)
        if old is not None:
            await self._push.leave(old)
        if isinstance(asked, Subscribe):
            await self._subscribe(asked)

    async def _subscribe(self, asked: Subscribe) -> None:
        fault = _fault(asked) or (
            f"more than {MAX_SUBSCRIPTIONS} subscriptions" if len(self._slots) >= MAX_SUBSCRIPTIONS else ""
        )
        if fault:
            self._say({"type": "error", "sub": asked.sub, "detail": fault})
            return
        slot = await self._push.join(asked.tags, self._outlet.actor, asked.interval, self._outlet.wake)
        self._say({"type": "subscribed", "sub": asked.sub, "tags": [spec_json(tag) for tag in slot.tags]})
        self._slots[asked.sub], self._asked[asked.sub] = slot, asked
        if self._line is not None:
            slot.line, slot.sub = self._line, asked.sub
        self._outlet.wake()

    def _say(self, words: dict[str, Any]) -> None:
        self._control.append(words)
        self._outlet.wake()

    async def _write(self) -> None:
        outlet = self._outlet
        while not outlet.stop_code:
            await outlet.awake.wait()
            outlet.awake.clear()
            self._tell_waiting()
            while self._control:
                await self._send(orjson.dumps(self._control.pop(0)).decode())
            if outlet.beat_due:
                outlet.beat_due = False
                await self._send(self._outlets.beat.frame)
            if await self._drain():
                outlet.stop(GOING_AWAY, "the values ended")
        await self._socket.close(outlet.stop_code, outlet.stop_reason)

    def _tell_waiting(self) -> None:
        """Commands that wait for people, when they are others than before."""
        outlet = self._outlet
        if outlet.waiting_news:
            outlet.waiting_news = False
            self._control.append({"type": "waiting", "commands": [waiting_json(one) for one in outlet.waiting]})

    async def _drain(self) -> bool:
        """Send the alarms, then one update of each subscription; True if one of them has ended."""
        told = self._alarms.take() if self._alarms is not None else None
        if told is not None:
            self._outlet.wake()
            await self._send(told)
        for sub, slot in list(self._slots.items()):
            if slot.outdated:
                self._outdated.set()
            item = slot.take()
            if item is None:
                if slot.ended:
                    return True
                continue
            self._outlet.awake.set()
            encoded, dropped = item
            if self._slots.get(sub) is slot:
                await self._send(encoded.frame(sub, dropped), dropped)
        return False

    async def _send(self, data: str | bytes, dropped: int = 0) -> None:
        sending = self._socket.send_text(data) if isinstance(data, str) else self._socket.send_bytes(data)
        await self._outlet.hand_over(sending, len(data), dropped)

    async def _write_directly(self) -> None:
        assert self._line is not None
        outlet = self._outlet
        outlet.lend(self._line, self._pump)
        while not outlet.stop_code:
            outlet.awake.clear()
            self._pump()
            if not outlet.stop_code:
                await outlet.awake.wait()
        outlet.give_back()
        await self._socket.close(outlet.stop_code, outlet.stop_reason)

    def _pump(self) -> None:
        """Write what waits while the line takes it."""
        line, outlet = self._line, self._outlet
        assert line is not None
        self._tell_waiting()
        while self._control and line.writable:
            line.put(message(TEXT, orjson.dumps(self._control.pop(0))))
        if outlet.beat_due and line.writable:
            outlet.beat_due = False
            line.put(self._outlets.beat.message)
        while self._alarms is not None and line.writable and (told := self._alarms.take()) is not None:
            line.put(message(TEXT, told.encode()))
        for sub, slot in self._slots.items():
            if slot.outdated:
                self._outdated.set()
            while line.writable and (item := slot.take()) is not None:
                encoded, dropped = item
                line.put(encoded.message(sub, dropped))
                outlet.dropped += dropped
            if slot.ended and line.writable:
                outlet.stop(GOING_AWAY, "the values ended")


def _fault(asked: Subscribe) -> str:
    if not 0 < asked.sub < 1 << 32:
        return f"subscription number {asked.sub}, expected 1 to 4294967295"
    if len(asked.tags) > MAX_GLOBS or any(not 0 < len(tag) <= 200 for tag in asked.tags):
        sizes = f"{len(asked.tags)} paths of {min(map(len, asked.tags))} to {max(map(len, asked.tags))} characters"
        return f"{sizes}; expected at most {MAX_GLOBS} of 1 to 200 characters"
    if not 0 <= asked.interval <= LONGEST:
        return f"interval of {asked.interval:g} s, expected 0 to {LONGEST:g}"
    return ""
