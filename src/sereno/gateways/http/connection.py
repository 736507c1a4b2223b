"""One client's connection: requests are answered in their order, one at a time."""

from __future__ import annotations

import asyncio
import hmac
from collections import deque
from typing import TYPE_CHECKING, Any

import structlog

from .answers import Asker, answer
from .hosts import is_ours
from .protocol import HttpRefusal, Request, Requests, response

if TYPE_CHECKING:
    from .server import HttpServer

MOST_WAITING = 32
"""Requests that may wait for their answers; beyond it nothing more is read."""
DRAINED_WITHIN = 30.0
"""Seconds in which an answer that is long has to be taken."""
MOST_HELD = 64 << 20
"""Bytes of answers that are held for all who do not take them at once."""
log = structlog.get_logger(__name__)


class HttpConnection(asyncio.Protocol):
    """See module. `idle_since` monotonic seconds; None while an answer is being made."""

    def __init__(self, server: HttpServer) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.idle_since: float | None = server.clock.monotonic()
        self._house = server
        self._requests = Requests(self._came)
        self._waiting: deque[Request | HttpRefusal] = deque()
        self._asker: Asker | None = None
        self._transport: Any = None
        self._task: asyncio.Task[None] | None = None
        self._last = False
        self._drained = asyncio.Event()
        self._drained.set()

    @property
    def others(self) -> int:
        """See Connections."""
        return len(self._house.open - {self})

    def hang_up_others(self) -> int:
        """See Connections."""
        others = self._house.open - {self}
        for connection in others:
            connection.hang_up()
        return len(others)

    def hang_up(self) -> None:
        """End it now."""
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport
        peer = transport.get_extra_info("peername")
        if peer is None:  # gone already; not every loop tells the end of such a one
            self._transport.abort()
            return
        house = self._house
        house.open.add(self)
        house.counters["connections"] += 1
        house.counters["peak"] = max(house.counters["peak"], len(house.open))
        actor = house.peers.admit(str(peer[0]))
        if actor is None:
            self._transport.abort()
        elif len(house.open) > house.most:
            house.counters["too_many"] += 1
            self._transport.abort()
        else:
            self._asker = Asker(house.client.as_actor(actor), house.endpoints, self)

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        if self._asker is None or self._last:
            return
        try:
            self._requests.feed(data)
        except HttpRefusal as refusal:
            self._waiting.append(refusal)
            self._last = True
        if self._last or len(self._waiting) > MOST_WAITING:
            self._transport.pause_reading()
        self._go_on()

    def eof_received(self) -> bool:
        """See asyncio.Protocol: what was asked before is still answered."""
        self._last = True
        self._go_on()
        return self._task is not None

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        del exc
        self._house.open.discard(self)
        if self._task is not None:
            self._task.cancel()
        elif not self.ended.done():
            self.ended.set_result(None)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._drained.clear()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._drained.set()

    def _came(self, request: Request) -> None:
        if not self._last:
            self._waiting.append(request)
            self._last = not request.keep_alive

    def _go_on(self) -> None:
        if self._task is None and not self._transport.is_closing():
            if self._waiting and self._asker is not None:
                self._task = asyncio.create_task(self._answer(self._asker), name="http gateway: answers")
                self._task.add_done_callback(self._answered)
            elif self._last:
                self._transport.close()

    async def _answer(self, asker: Asker) -> None:
        self.idle_since = None
        while self._waiting:
            asked = self._waiting.popleft()
            if not self._last and len(self._waiting) <= MOST_WAITING // 2:
                self._transport.resume_reading()
            keep = isinstance(asked, Request) and asked.keep_alive
            head = isinstance(asked, Request) and asked.method == "HEAD"
            self._house.counters["requests"] += 1
            try:
                data = response(200, await self._found(asked, asker), keep_alive=keep)
            except HttpRefusal as refusal:
                self._house.counters["refused"] += 1
                words = {"error": str(refusal)}
                data = response(refusal.status, words, keep_alive=keep, allow=refusal.allow, head=head)
            self._transport.write(data)
            if not self._drained.is_set() and not await self._is_taken():
                self._house.counters["too_slow"] += 1
                self._transport.abort()
                return

    async def _is_taken(self) -> bool:
        """True as soon as most of the answer is under way; False if that takes too long, or all is full of such."""
        size, house = self._transport.get_write_buffer_size(), self._house
        if house.held + size > MOST_HELD:
            return False
        house.held += size
        try:
            async with house.clock.timeout(DRAINED_WITHIN):
                await self._drained.wait()
        except TimeoutError:
            return False
        finally:
            house.held -= size
        return True

    async def _found(self, asked: Request | HttpRefusal, asker: Asker) -> Any:
        if isinstance(asked, HttpRefusal):
            raise asked
        token = self._house.settings.token
        if token and not hmac.compare_digest(asked.headers.get(b"authorization", b""), b"Bearer " + token):
            self._house.counters["denied"] += 1
            raise HttpRefusal(401, "the token of this gateway is missing or another one")
        host = asked.headers.get(b"host")
        if not token and host is not None and not is_ours(host, self._house.hosts):
            raise HttpRefusal(421, "Host is no name of this gateway; declare it in hosts, or ask by its address")
        return await answer(asked, asker)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self.idle_since = self._house.clock.monotonic()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", task=task.get_name(), exc_info=error)
            self._transport.abort()
        if self in self._house.open:
            self._go_on()
        elif not self.ended.done():
            self.ended.set_result(None)
