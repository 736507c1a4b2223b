"""LinkKeeper: performs what the reconnection machine says for one link."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from sereno.model import LinkState, SerenoError, Timer

from ._config import RetryConfig
from ._driver import Link
from ._reconnect import (
    Action,
    Answered,
    Close,
    Complain,
    Connect,
    Connected,
    Due,
    Event,
    Failed,
    Lost,
    Reconnection,
    Recovered,
    Report,
    Start,
    Stop,
    Unanswered,
    Wait,
)
from ._words import in_words

log = structlog.get_logger(__name__)

CLOSE_TIMEOUT = 5.0
LinkListener = Callable[[LinkState, str], None]


class LinkKeeper:
    """Connects a link, reconnects it with back-off, and tells its listeners of every change (state, error).

    Time and randomness come from the link's environment. An outage and its end are logged once each, with the
    devices that the link has then.
    """

    def __init__(self, link: Link, retry: RetryConfig | None = None) -> None:
        self.link = link
        self.error = ""
        self._retry = retry or RetryConfig()
        self._clock = link.environment.clock
        self._machine = Reconnection(self._retry, link.environment.random.random)
        self._listeners: dict[LinkListener, str] = {}
        self._events: deque[Event] = deque()
        self._feeding = False
        self._timer: Timer | None = None
        self._work: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._reported = LinkState.DOWN
        self._down_since = 0.0
        self.started = False
        link.on_lost = self._lost

    @property
    def state(self) -> LinkState:
        """The link's state as last reported."""
        return self._reported

    def add(self, listener: LinkListener, device: str) -> None:
        """Call `listener`, of the device of that path, at each change from now on; it must not block."""
        self._listeners[listener] = device

    def remove(self, listener: LinkListener) -> None:
        """Call it no more."""
        del self._listeners[listener]

    def start(self) -> None:
        """Begin to connect. Needs a running loop."""
        self.started = True
        self._feed(Start())

    async def stop(self) -> None:
        """Give up any attempt and close the link; returns when it is closed."""
        self._feed(Stop())
        while self._tasks:
            await asyncio.wait(self._tasks)

    def answered(self) -> None:
        """A device on the link has answered."""
        if not self._machine.settled:
            self._feed(Answered())

    def unanswered(self, error: str) -> None:
        """A device on the link has not answered."""
        self._feed(Unanswered(self._clock.monotonic(), error))

    def _lost(self, error: str) -> None:
        self._feed(Lost(error))

    def _feed(self, event: Event) -> None:
        """Let the machine see `event` and perform its actions; events that come meanwhile follow in order."""
        self._events.append(event)
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._events:
                for action in self._machine.on(self._events.popleft()):
                    self._perform(action)
        finally:
            self._feeding = False

    def _perform(self, action: Action) -> None:
        match action:
            case Connect():
                self._spawn(self._connect)
            case Close():
                self._cancel()
                self._spawn(self._close)
            case Wait(seconds):
                self._timer = self._clock.call_later(seconds, lambda: self._feed(Due()))
            case Report(state, error):
                self._report(state, error)
            case Complain(error):
                self._down_since = self._clock.monotonic()
                log.warning("link down", **self._named(), error=error)
            case Recovered(attempts):
                seconds = round(self._clock.monotonic() - self._down_since, 3)
                log.info("link up again", **self._named(), down_s=seconds, attempts=attempts)

    def _named(self) -> dict[str, Any]:
        return {"link": self.link.key, "devices": list(self._listeners.values())}

    def _report(self, state: LinkState, error: str) -> None:
        self._reported = self.link.state = state
        self.error = error
        for listener in tuple(self._listeners):
            listener(state, error)

    def _cancel(self) -> None:
        """End the pending wait or attempt."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._work is not None and self._work is not asyncio.current_task():
            self._work.cancel()

    def _spawn(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        previous = self._work

        async def run() -> None:
            if previous is not None and not previous.done():
                await asyncio.wait([previous])
            await step()

        self._work = asyncio.create_task(run(), name=f"link {self.link.key}")
        self._tasks.add(self._work)
        self._work.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        try:
            async with self._clock.timeout(self._retry.connect_timeout):
                await self.link.connect()
        except (SerenoError, OSError) as error:
            self._feed(Failed(in_words(error)))
        except Exception as error:
            log.exception("link failed", task=f"link {self.link.key}")
            self._feed(Failed(f"{type(error).__name__}: {error}"))
        else:
            self._feed(Connected())

    async def _close(self) -> None:
        try:
            async with self._clock.timeout(CLOSE_TIMEOUT):
                await self.link.close()
        except (SerenoError, OSError) as error:
            log.warning("link did not close", link=self.link.key, error=in_words(error))
        except Exception:
            log.exception("link did not close", task=f"link {self.link.key}")
