"""Whose turn it is in a device: one call at a time, blocking ones in a thread of the device's own."""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from contextvars import copy_context
from typing import Any, TypeVar

import structlog

from sereno.model import Clock, ExpiredError

T = TypeVar("T")
log = structlog.get_logger(__name__)


class OneThread(Executor):
    """An executor of one daemon thread, started with the first call: a device that hangs keeps no process alive."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.current: Future[Any] | None = None

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """See Executor."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        future: Future[T] = Future()
        self._work.put((future, lambda: fn(*args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See Executor; what is under way goes on, `wait` for it."""
        del cancel_futures
        thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(None)
            if wait:
                thread.join()

    def _run(self) -> None:
        while (item := self._work.get()) is not None:
            future, work = item
            if not future.set_running_or_notify_cancel():
                continue
            self.current = future
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - handed over as it is
                log.debug("call raised", task=self._name, error=repr(error))
                future.set_exception(error)
            else:
                future.set_result(result)
            self.current = None
            del item, future, work


class Turn:
    """Serialises the calls to one device's code, or to several that share it. Belongs to one loop while in use."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = asyncio.Lock()
        self._thread: OneThread | None = None
        self._given_up: Future[Any] | None = None

    @property
    def stuck(self) -> bool:
        """True while something goes on in the thread that was given up."""
        return self._given_up is not None and self._given_up.running()

    def give_up(self) -> None:
        """Nobody waits any longer for what the thread is at."""
        self._given_up = None if self._thread is None else self._thread.current

    @asynccontextmanager
    async def mine(self, clock: Clock, deadline: float | None = None) -> AsyncIterator[None]:
        """The turn. Raises ExpiredError when it does not come before the monotonic time `deadline`."""
        if deadline is None:
            await self._lock.acquire()
        else:
            try:
                async with clock.timeout(max(0.0, deadline - clock.monotonic())):
                    await self._lock.acquire()
            except TimeoutError:
                raise ExpiredError(f"its time was over while {self._name} was busy") from None
        try:
            yield
        finally:
            self._lock.release()

    async def call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """The result of a method of the device: awaited where it is async, else from the device's thread."""
        if inspect.iscoroutinefunction(method):
            return await method(*arguments)
        return await self.in_thread(method, *arguments)

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """The result of `work`, which may block. Cancelled, it goes on, and later work waits for it."""
        if self._thread is None:
            self._thread = OneThread(f"device {self._name}")
        known = copy_context()  # who asks, among other things
        return await asyncio.get_running_loop().run_in_executor(self._thread, known.run, work, *arguments)

    def end(self) -> None:
        """Let the thread end once it has done what it is doing."""
        if self._thread is not None:
            self._thread.shutdown(wait=False)
            self._thread = self._given_up = None
