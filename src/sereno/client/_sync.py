"""The same client without async: its own thread and loop, for scripts, notebooks and threads."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, Unpack

from sereno.model import Ack, Command, NotConnectedError, TagSpec

from ._aggregates import DEFAULT_AGGREGATES, Aggregates
from ._alarms import AlarmEvent, AlarmStatus
from ._client import Client, How, Moment
from ._connect import connect
from ._forms import Futures, SyncDevice, SyncGroup, SyncTag
from ._statistics import Statistics
from ._sync_shift import SyncLogbook, SyncNotices
from ._sync_streams import Stream, SyncSubscription
from ._values import DeviceStatus, Reading, Series, TraceLine
from ._waiting import WaitingCommand

T = TypeVar("T")
_CALLS = frozenset(
    ("tags", "read", "get", "subscribe", "write", "call", "acks", "query", "aggregate", "statistics", "devices")
) | frozenset(
    ("select", "waiting", "execute", "approve", "decline", "cancel", "alarms", "acknowledge", "shelve", "unshelve")
)


def connect_sync(
    url: str | None = None, token: str | None = None, data: str | Path | None = None, *, timeout: float = 10.0
) -> SyncClient:
    """A SyncClient of a running node, found as `connect` finds it. Close it, or use it with `with`."""
    return SyncClient(lambda: connect(url, token, data, timeout=timeout))


class SyncClient:
    """Client with blocking calls, from any number of threads. `future` starts a call and does not wait.

    `open_client` makes the Client in the thread that this one owns. Raises what it raises.
    """

    def __init__(self, open_client: Callable[[], AbstractAsyncContextManager[Client]]) -> None:
        self._loop = self._new_loop()
        self._closed = False
        self._lock = threading.Lock()
        self._run_thread()
        try:
            self._context = self._wait(self._make(open_client))
            self._client: Client = self._wait(self._context.__aenter__())
        except BaseException:
            self._end()
            raise

    def __getitem__(self, device: str) -> SyncDevice:
        """The device as an object whose calls block. Raises NotFoundError."""
        return SyncDevice(self, self._wait(self._client[device].describe()))

    @property
    def futures(self) -> Futures:
        """Devices as objects whose calls give a Future at once: `client.futures["lab/ps/1"].voltage.read()`."""
        return Futures(self, lambda path: self._client[path])

    @property
    def logbook(self) -> SyncLogbook:
        """The logbook of the shift."""
        return SyncLogbook(self, self._client)

    @property
    def notices(self) -> SyncNotices:
        """Who would be told, who was told, rosters."""
        return SyncNotices(self, self._client)

    def tag(self, path: str) -> SyncTag:
        """A tag as an object whose calls block."""
        return SyncTag(self, self._client.tag(path))

    def group(self, *globs: str) -> SyncGroup:
        """Tags of many devices as one object whose calls block."""
        return SyncGroup(self, self._client.group(*globs))

    def write_many(self, values: Mapping[str, Any], *, timeout: float = 10.0, comment: str = "") -> list[Ack]:
        """See Client."""
        return self._wait(self._client.write_many(values, timeout=timeout, comment=comment))

    def tags(self, *globs: str) -> list[TagSpec]:
        """See Client."""
        return self._wait(self._client.tags(*globs))

    def read(self, *globs: str) -> list[Reading]:
        """See Client."""
        return self._wait(self._client.read(*globs))

    def get(self, path: str) -> Reading:
        """See Client."""
        return self._wait(self._client.get(path))

    def subscribe(self, *globs: str, min_interval: float = 0.0, lossless: bool = False) -> SyncSubscription:
        """See Client; iterate over it, each step waits for the next update."""
        opened = self._client.subscribe(*globs, min_interval=min_interval, lossless=lossless)
        return SyncSubscription(self, self._wait(opened))

    def write(
        self,
        path: str,
        value: Any,
        *,
        expected: Any = None,
        timeout: float = 10.0,
        comment: str = "",
        key: str | None = None,
        origin: str = "",
    ) -> Ack:
        """See Client."""
        return self._wait(
            self._client.write(path, value, expected=expected, timeout=timeout, comment=comment, key=key, origin=origin)
        )

    def call(self, device: str, name: str, *arguments: Any, timeout: float = 10.0, comment: str = "") -> Ack:
        """See Client."""
        return self._wait(self._client.call(device, name, *arguments, timeout=timeout, comment=comment))

    def select(self, path: str, value: Any, **how: Unpack[How]) -> Ack:
        """See Client."""
        return self._wait(self._client.select(path, value, **how))

    def waiting(self) -> list[WaitingCommand]:
        """See Client."""
        return self._wait(self._client.waiting())

    def execute(self, key: str, *, password: str = "", meaning: str = "") -> None:
        """See Client."""
        self._wait(self._client.execute(key, password=password, meaning=meaning))

    def approve(self, key: str, *, password: str = "", meaning: str = "", comment: str = "") -> None:
        """See Client."""
        self._wait(self._client.approve(key, password=password, meaning=meaning, comment=comment))

    def decline(self, key: str, *, reason: str) -> None:
        """See Client."""
        self._wait(self._client.decline(key, reason=reason))

    def cancel(self, key: str) -> None:
        """See Client."""
        self._wait(self._client.cancel(key))

    def submit(self, command: Command) -> Iterator[Ack]:
        """See Client."""
        return Stream(self, self._client.submit(command))

    def acks(self, key: str) -> list[Ack]:
        """See Client."""
        return self._wait(self._client.acks(key))

    def query(
        self, *tags: str, start: Moment = "now-1h", end: Moment = "now", points: int | None = None
    ) -> list[Series]:
        """See Client."""
        return self._wait(self._client.query(*tags, start=start, end=end, points=points))

    def pieces(self, *tags: str, start: Moment = "now-1h", end: Moment = "now") -> Iterator[Series]:
        """See Client."""
        return Stream(self, self._client.pieces(*tags, start=start, end=end))

    def aggregate(
        self,
        *tags: str,
        every: str,
        aggregates: Sequence[str] = DEFAULT_AGGREGATES,
        start: Moment = "now-7d",
        end: Moment = "now",
        timezone: str = "",
    ) -> list[Aggregates]:
        """See Client."""
        asked = self._client.aggregate(
            *tags, every=every, aggregates=aggregates, start=start, end=end, timezone=timezone
        )
        return self._wait(asked)

    def statistics(self, *tags: str, start: Moment = "now-1d", end: Moment = "now", bins: int = 20) -> Statistics:
        """See Client."""
        return self._wait(self._client.statistics(*tags, start=start, end=end, bins=bins))

    def devices(self) -> list[DeviceStatus]:
        """See Client."""
        return self._wait(self._client.devices())

    def trace(self, device: str) -> Iterator[TraceLine]:
        """See Client."""
        return Stream(self, self._client.trace(device))

    def alarms(self) -> list[AlarmStatus]:
        """See Client."""
        return self._wait(self._client.alarms())

    def acknowledge(self, *ids: str, note: str = "") -> list[AlarmStatus]:
        """See Client."""
        return self._wait(self._client.acknowledge(*ids, note=note))

    def shelve(self, *ids: str, reason: str, seconds: float) -> list[AlarmStatus]:
        """See Client."""
        return self._wait(self._client.shelve(*ids, reason=reason, seconds=seconds))

    def unshelve(self, *ids: str, note: str = "") -> list[AlarmStatus]:
        """See Client."""
        return self._wait(self._client.unshelve(*ids, note=note))

    def alarm_journal(
        self, alarm: str = "", *, start: Moment | None = None, end: Moment | None = None, limit: int = 100
    ) -> list[AlarmEvent]:
        """See Client."""
        return self._wait(self._client.alarm_journal(alarm, start=start, end=end, limit=limit))

    def future(self, call: str, *arguments: Any, **options: Any) -> Future[Any]:
        """Start a call by its name, for example `future("read", "north/*")`, and return its Future."""
        if call not in _CALLS:
            raise ValueError(f"no call {call!r} to wait for, expected one of {', '.join(sorted(_CALLS))}")
        return self.start(getattr(self._client, call)(*arguments, **options))

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine in the client's thread. Raises NotConnectedError when the client is closed."""
        with self._lock:
            if not self._closed:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()
        raise NotConnectedError("this client is closed")

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the client's thread and wait for its result."""
        return self._wait(work)

    def close(self) -> None:
        """Disconnect and end the thread. Calls that wait end with NotConnectedError. May be called twice."""
        with self._lock:
            closed, self._closed = self._closed, True
        if not closed:
            self._wait_closing()
            self._end()

    def __enter__(self) -> SyncClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.new_event_loop()

    def _run_thread(self) -> None:
        self._thread = threading.Thread(target=self._serve, name="sereno client", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        """The thread's life. The loop is closed where it ran: who closes the client may be in a loop of its own."""
        self._loop.run_forever()
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _join_thread(self) -> None:
        self._thread.join()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("a blocking call in the client's own thread would wait for itself for ever")
        future = self.start(work)
        try:
            return future.result()
        except CancelledError:
            raise NotConnectedError("the client was closed meanwhile") from None
        except BaseException:
            future.cancel()
            raise

    async def _make(
        self, open_client: Callable[[], AbstractAsyncContextManager[Client]]
    ) -> AbstractAsyncContextManager[Client]:
        return open_client()

    async def _cancel_all(self) -> None:
        me = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not me]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._context.__aexit__(None, None, None)

    def _wait_closing(self) -> None:
        asyncio.run_coroutine_threadsafe(self._cancel_all(), self._loop).result()

    def _end(self) -> None:
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._join_thread()
