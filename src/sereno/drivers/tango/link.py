"""The link to one Tango device: its calls in a thread, its events in the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from weakref import WeakMethod

from sereno.device import Environment, Link
from sereno.device.authoring.turn import OneThread
from sereno.model import ExpiredError, NotConnectedError

from .failures import BrokenError
from .peer import Answer, Peer
from .tags import TangoConfig

T = TypeVar("T")


class TangoLink(Link):
    """Connects with a proxy of its own each time: Tango's own reconnection waits, and keeps silent meanwhile.

    Who listens is called in the loop with the newest answers by attribute; what one attribute brought faster than the
    loop turned is counted as `conflated`.
    """

    def __init__(self, config: TangoConfig, environment: Environment) -> None:
        super().__init__(config.url, environment)
        self.pipelines = True  # events are published while a call is under way; the thread keeps calls in order
        self.counters = {"connects": 0, "requests": 0, "events": 0, "conflated": 0}
        self._listeners: list[WeakMethod[Callable[[dict[str, Answer]], None]]] = []
        self._config = config
        self._peer: Peer | None = None
        self._thread: OneThread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._turn = asyncio.Lock()
        self._news: dict[str, Answer] = {}

    def listen(self, told: Callable[[dict[str, Answer]], None]) -> None:
        """Tell a method of a driver, for as long as there is the driver: devices of one address share the link."""
        self._listeners = [*(one for one in self._listeners if one() is not None), WeakMethod(told)]

    async def connect(self) -> None:
        """See Link."""
        await self.close()
        self._loop = asyncio.get_running_loop()
        self._thread = OneThread(f"tango {self.key}")
        self._turn = asyncio.Lock()  # what hangs in the thread before keeps nobody out
        peer = await self._run(lambda: Peer(self._config.url, self._config.timeout))
        self._peer = peer
        self.counters["connects"] += 1
        self._traced("note", "connected")

    async def close(self) -> None:
        """See Link."""
        peer, self._peer = self._peer, None
        thread, self._thread = self._thread, None
        if thread is not None:
            if peer is not None:
                thread.submit(peer.close)
            thread.shutdown(wait=False)

    async def ask(
        self,
        words: str,
        work: Callable[[Peer], T],
        deadline: float | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> T:
        """The result of a call. Raises DeliveryError, after which the link is down if the connection is gone.

        ExpiredError if it could not begin by monotonic time `deadline`; what `check` raises when its turn has come.
        """
        peer = self._peer
        if peer is None:
            raise NotConnectedError(f"not connected to {self.key}")
        self.counters["requests"] += 1
        self._traced("tx", words)
        try:
            async with self._turn:
                check()
                result = await self._run(lambda: work(self._in_time(peer, deadline)))
        except Exception as error:
            self._traced("rx", f"{words}: {error}")
            if isinstance(error, NotConnectedError | BrokenError) and self._peer is peer:
                self.lost(str(error))
            raise
        self._traced("rx", words)
        return result

    async def subscribe(self, names: Sequence[str]) -> None:
        """Ask for the events of attributes, until the connection ends."""
        await self.ask(f"subscribe {', '.join(names)}", lambda peer: peer.subscribe(names, self._taker(peer)))

    def _in_time(self, peer: Peer, deadline: float | None) -> Peer:
        if deadline is not None and self.environment.clock.monotonic() >= deadline:
            raise ExpiredError(f"its time was over when {self.key} became free")
        return peer

    async def _run(self, work: Callable[[], T]) -> T:
        thread = self._thread
        if thread is None:
            raise NotConnectedError(f"not connected to {self.key}")
        return await asyncio.get_running_loop().run_in_executor(thread, work)

    def _taker(self, peer: Peer) -> Callable[[str, Answer], None]:
        loop = self._loop
        assert loop is not None

        def pushed(name: str, answer: Answer) -> None:
            if peer is not self._peer:
                return
            with self._lock:
                first = not self._news
                self.counters["conflated"] += name in self._news
                self._news[name] = answer
            if first:
                loop.call_soon_threadsafe(self._hand_over)

        return pushed

    def _hand_over(self) -> None:
        with self._lock:
            news, self._news = self._news, {}
        self.counters["events"] += len(news)
        for name, answer in news.items():
            self._traced("rx", f"event {name} {answer.error or answer.value!r:.200}")
        for listener in self._listeners:
            if (told := listener()) is not None:
                told(news)

    def _traced(self, direction: str, text: Any) -> None:
        if self.taps:
            self.trace(direction, b"", str(text))
