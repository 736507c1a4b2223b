"""OutsideLoop: an event loop that knows what is under way in threads."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")
Event = tuple[selectors.SelectorKey, int]

SKIP = 15
"""So many turns of the loop with work at hand pass before sockets are looked at again: what runs in memory is quick."""


class SkippingSelector(selectors.DefaultSelector):
    """Looks at sockets in every `SKIP`th of the turns with work at hand or `goes_on`; what is done then is `turn`."""

    _skipped = 0

    def select(self, timeout: float | None = None) -> list[Event]:
        """As in selectors."""
        if self._skipped < SKIP and (timeout == 0 or self.goes_on()):
            self._skipped += 1
            return []
        self._skipped = 0
        return self.turn(super().select(0), timeout)

    def goes_on(self) -> bool:
        """Find work where none is at hand, without a look at sockets; False where these come first."""
        return False

    def turn(self, events: list[Event], timeout: float | None) -> list[Event]:
        """What this turn brings: these events are there at once, and `timeout` is how long may be waited for more."""
        raise NotImplementedError

    def wait(self, timeout: float | None) -> list[Event]:
        """Really wait for events."""
        return super().select(timeout)


class OutsideLoop(asyncio.SelectorEventLoop):
    """Counts work in executor threads, and what is marked by `outside()`: virtual time stands still meanwhile."""

    def __init__(self, selector: Any) -> None:
        self._outside: set[object] = set()
        super().__init__(selector)

    @contextmanager
    def outside(self) -> Iterator[None]:
        """While open, something outside the loop is waited for and time stands still."""
        token = object()
        self._outside.add(token)
        try:
            yield
        finally:
            self._outside.discard(token)

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """As in asyncio; time stands still until the thread is done."""
        token = object()
        self._outside.add(token)
        started = finished = False

        def work() -> T:
            nonlocal started
            started = True
            try:
                return func(*args)
            finally:
                with suppress(RuntimeError):  # the loop was closed meanwhile
                    self.call_soon_threadsafe(ended)

        def ended() -> None:
            nonlocal finished
            finished = True
            if future.done():  # it was cancelled while it ran
                self._outside.discard(token)

        def settled(_: object) -> None:
            if finished or not started:  # not started: it was cancelled in the queue
                self._outside.discard(token)

        future = super().run_in_executor(executor, work)
        future.add_done_callback(settled)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002 - newer signature
        """As in asyncio."""
        with self.outside():
            await super().shutdown_default_executor()

    @property
    def waits_outside(self) -> bool:
        """True while time stands still."""
        return bool(self._outside)
