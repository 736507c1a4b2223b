"""One peer: bytes to requests, answers to bytes. Nothing is done for a stranger but to refuse or to greet."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Coroutine
from itertools import count
from typing import Any, cast

import structlog

from sereno.access.actor import Actor, Right
from sereno.model import SerenoError
from sereno.wire.errors import WireError
from sereno.wire.errorvalue import error_fields
from sereno.wire.messages import Welcome, read_hello
from sereno.wire.native import MAX_REQUEST_BYTES, MAX_STRANGER_BYTES, Kind, Received, Splitter, pack
from sereno.wire.packed import pack_value

from .entries import ENTRIES, MESSAGE
from .house import BEAT, House

_log = structlog.get_logger(__name__)

PATIENCE = 4
"""Beats without a byte from a peer (or, for a stranger, without its name) after which it is cut off."""
STALL = 10
"""Beats in which a peer took nothing of what waits for it, after which it is cut off."""
HIGH_WATER = 256 << 10
MAX_UNDER_WAY = 256


class Connection(asyncio.Protocol):
    """See the module. What a known peer asks is done by `Requests`, made when it is greeted."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.actor: Actor | None = None
        self.token = ""
        self.name = secrets.token_hex(4)
        self.slice = next(_numbers)
        self.origin = ""
        self.transport: asyncio.Transport
        self.may: frozenset[str] = frozenset()
        self.ended = False
        self._splitter = Splitter(MAX_STRANGER_BYTES)
        self._requests: Any = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: deque[Received] = deque()
        self._out: list[bytes] = []
        self._size = 0
        self._flush_due = False
        self._paused = False
        self._room = asyncio.Event()
        self._room.set()
        self._greeting = False
        self._heard = self._said = True
        self._quiet_beats = self._full_beats = 0
        self._waiting_at_beat = 0

    # ---- the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are none by inheritance
        self.transport.set_write_buffer_limits(high=HIGH_WATER)
        peer = transport.get_extra_info("peername")
        self.origin = str(peer[0]) if peer else "local"
        house = self.house
        house.figures.accepted += 1
        house.here.add(self)
        house.strangers += 1
        house.figures.connections = len(house.here)
        house.figures.connections_peak = max(house.figures.connections_peak, len(house.here))
        if house.closing or len(house.here) > house.max_connections or house.strangers > house.max_strangers:
            self.bye("too many connections" if not house.closing else "the server is stopping")

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        del exc
        self.ended = True
        self.house.here.discard(self)
        self.house.figures.connections = len(self.house.here)
        if self.actor is None:
            self.house.strangers -= 1
        self._room.set()
        for task in self._tasks:
            task.cancel()
        if self._requests is not None:
            self._requests.close()

    def pause_writing(self) -> None:
        """See asyncio.Protocol: who does not take answers may not ask for more."""
        self._paused = True
        self._room.clear()
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._paused = False
        self._room.set()
        self._work_off(())
        if not self._paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._heard = True
        if self.ended:
            return
        self._flush_due = True
        try:
            self._work_off(self._splitter.feed(data))
        except WireError as error:
            self.house.figures.refused += 1
            self.bye(str(error))
        self.flush()

    # ---- the way out

    def send(self, frame: bytes) -> None:
        """Put a frame on its way with whatever else goes out in this turn of the loop."""
        self._out.append(frame)
        self._size += len(frame)
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self.flush)
        elif self._size > HIGH_WATER:
            self._write()

    def flush(self) -> None:
        """Hand over what waits."""
        self._flush_due = False
        self._write()

    def answer(self, number: int, value: Any) -> None:
        """The answer to a request."""
        self.send(pack(Kind.ANSWER, number, 0, pack_value(value)))

    def fail(self, number: int, error: Exception) -> None:
        """A request came to nothing."""
        self.send(pack(Kind.FAILED, number, 0, pack_value(error_fields(error))))

    def bye(self, why: str) -> None:
        """End the connection, saying why."""
        if not self.ended:
            self.ended = True
            self.send(pack(Kind.BYE, 0, 0, pack_value(why[:500])))
            self.flush()
            self.transport.close()

    async def room(self) -> None:
        """Wait until the peer takes what is sent to it."""
        await self._room.wait()

    def beat(self) -> None:
        """One beat has passed."""
        if self.actor is None or not self._heard:
            self._quiet_beats += 1
        else:
            self._quiet_beats = 0
        waiting = self.transport.get_write_buffer_size()
        stuck = self._paused and waiting >= self._waiting_at_beat
        self._full_beats = self._full_beats + 1 if stuck else 0
        self._waiting_at_beat = waiting
        if self._quiet_beats >= PATIENCE or self._full_beats >= STALL:
            self.house.figures.silent += self._quiet_beats >= PATIENCE
            self.house.figures.stalled += self._full_beats >= STALL
            self.transport.abort()
        elif self.actor is not None and not self._said and not self.ended:
            self.send(_PULSE)
        self._heard = self._said = False

    # ---- the way in

    def spawn(self, number: int, work: Coroutine[Any, Any, None], what: str) -> None:
        """Do a request's work as a task that ends with the connection; errors go to the peer."""
        if len(self._tasks) >= MAX_UNDER_WAY:
            work.close()
            self.fail(number, SerenoError(f"more than {MAX_UNDER_WAY} requests under way"))
            return
        task = asyncio.create_task(self._guarded(number, work, what), name=f"native {what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _work_off(self, frames: Any) -> None:
        """Frames in their order; while the peer takes nothing they wait, and no more are read."""
        self._held.extend(frames)
        while self._held and not self._paused and not self.ended:
            self._take(self._held.popleft())

    def _take(self, frame: Received) -> None:
        if self._requests is not None:
            self._requests.take(frame)
        elif self._greeting and frame.kind == Kind.BEAT:
            return  # its greeting takes long, and it is still there
        elif frame.kind != Kind.HELLO or self._greeting:
            self.house.figures.refused += 1
            self.bye("say who you are first, and wait to be welcome")
        else:
            self._greeting = True
            self.spawn(0, self._greet(frame.body), "greeting")

    async def _greet(self, body: bytes) -> None:
        try:
            hello = read_hello(body)
        except WireError as error:
            self.bye(str(error))
            return
        door = self.house.ports.door
        actor = await door.actor(hello.token, self.origin)
        if self.ended:
            return
        if actor is None:
            self.house.figures.refused += 1
            await door.refused(
                "somebody", "access", "token", self.origin, "a token that is unknown, run out or revoked"
            )
            self.bye("denied: this token is unknown, has run out or was revoked")
            return
        self._let_in(hello.token, actor)

    def _let_in(self, token: str, actor: Actor) -> None:
        from .requests import Requests

        self.actor, self.token = actor, token
        self.house.strangers -= 1
        self._splitter.max_bytes = MAX_REQUEST_BYTES
        self.may = frozenset(entry.path for entry in ENTRIES if entry.kind == MESSAGE and entry.admits(actor))
        self._requests = Requests(self)
        rights = [right.value for right in Right if actor.may_somewhere(right)]
        ports = self.house.ports
        welcome = Welcome(actor.name, actor.kind, rights, ports.node, BEAT, self.name, ports.pages(), ports.for_whom)
        self.send(pack(Kind.WELCOME, 0, 0, pack_value(welcome)))

    async def _guarded(self, number: int, work: Coroutine[Any, Any, None], what: str) -> None:
        try:
            await work
        except (SerenoError, ValueError) as error:
            self.fail(number, error)
        except Exception as error:  # noqa: BLE001 - the boundary of this task
            _log.exception("a request failed", task=f"native {what}", actor=self.actor and self.actor.name)
            self.fail(number, SerenoError(f"the server made a mistake, {type(error).__name__}; its log says more"))

    def _write(self) -> None:
        if self._out and not self.transport.is_closing():
            self._said = True
            self.transport.write(self._out[0] if len(self._out) == 1 else b"".join(self._out))
        self._out.clear()
        self._size = 0


_numbers = count()
_PULSE = pack(Kind.PULSE)
