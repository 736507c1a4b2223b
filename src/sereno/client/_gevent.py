"""The client without async for gevent: a waiting greenlet lets the others run. Needs the extra `gevent`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeVar

from sereno.model import NotConnectedError

from ._client import Client
from ._connect import connect
from ._sync import SyncClient

T = TypeVar("T")


def connect_gevent(
    url: str | None = None, token: str | None = None, data: str | Path | None = None, *, timeout: float = 10.0
) -> GeventClient:
    """A GeventClient of a running node, found as `connect` finds it. Close it, or use it with `with`."""
    return GeventClient(lambda: connect(url, token, data, timeout=timeout))


class GeventClient(SyncClient):
    """SyncClient whose calls wait as greenlets do. With or without `monkey.patch_all`; of one gevent hub only."""

    def __init__(self, open_client: Callable[[], AbstractAsyncContextManager[Client]]) -> None:
        from gevent import get_hub

        self._hub = get_hub()
        super().__init__(open_client)

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        """One that does not use what gevent may have patched."""
        import uvloop

        return uvloop.new_event_loop()

    def _run_thread(self) -> None:
        self._running = self._hub.threadpool.spawn(self._serve)

    def _join_thread(self) -> None:
        self._running.get()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._closed:
            work.close()
            raise NotConnectedError("this client is closed")
        waited: T = _Greenlet(self._hub, self._loop).wait(work)
        return waited

    def _wait_closing(self) -> None:
        _Greenlet(self._hub, self._loop).wait(self._cancel_all())


class _Greenlet:
    """One call: begun in the client's thread, waited for by the greenlet that made it."""

    def __init__(self, hub: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._hub = hub
        self._loop = loop
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False
        self._result: Any = None
        self._error: BaseException | None = None

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result. A greenlet that is killed meanwhile cancels the call."""
        from gevent.hub import Waiter

        waiter, watcher = Waiter(self._hub), self._hub.loop.async_()
        watcher.start(waiter.switch, None)
        try:
            self._loop.call_soon_threadsafe(self._begin, work, watcher.send_ignoring_arg)
            waiter.get()
        except BaseException:
            self._loop.call_soon_threadsafe(self._cancel)
            raise
        finally:
            watcher.stop()
            watcher.close()
        if isinstance(self._error, asyncio.CancelledError):
            raise NotConnectedError("the client was closed meanwhile")
        if self._error is not None:
            raise self._error
        return self._result

    def _begin(self, work: Coroutine[Any, Any, Any], tell: Callable[[object], None]) -> None:
        self._task = asyncio.ensure_future(work)
        self._task.add_done_callback(lambda task: self._done(task, tell))

    def _cancel(self) -> None:
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()

    def _done(self, task: asyncio.Task[Any], tell: Callable[[object], None]) -> None:
        if task.cancelled():
            self._error = asyncio.CancelledError()
        else:
            self._error = task.exception()
            self._result = None if self._error else task.result()
        if not self._cancelled:
            tell(None)
