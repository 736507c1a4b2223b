"""Proxies without async: blocking ones, and ones whose calls give a Future."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sereno.model import Ack, TagSpec

from ._described import CommandSpec
from ._group import Group, GroupReading
from ._proxy import CommandProxy, DeviceProxy, TagProxy, wait_for_value
from ._values import DeviceStatus, Reading
from ._watching import Watch

if TYPE_CHECKING:
    from ._sync import SyncClient

T = TypeVar("T")


class SyncTag:
    """A TagProxy whose calls block."""

    def __init__(self, client: SyncClient, tag: TagProxy) -> None:
        self.path = tag.path
        self._client = client
        self._tag = tag

    def read(self) -> Reading:
        """See TagProxy."""
        return self._client.wait(self._tag.read())

    def value(self) -> Any:
        """See TagProxy."""
        return self._client.wait(self._tag.value())

    def spec(self) -> TagSpec:
        """See TagProxy."""
        return self._client.wait(self._tag.spec())

    def write(self, value: Any, **options: Any) -> Ack:
        """See TagProxy."""
        return self._client.wait(self._tag.write(value, **options))

    def begin_write(self, value: Any, **options: Any) -> Coroutine[Any, Any, Ack]:
        """The write as a coroutine for `SyncClient.start`, which gives its Future."""
        return self._tag.write(value, **options)

    def subscribe(self, callback: Callable[[Reading], object] | None = None, **terms: Any) -> SyncWatch:
        """See TagProxy; a callback is called in the client's thread."""
        return SyncWatch(self._client, self._client.wait(self._tag.subscribe(callback, **terms)))

    def wait_for(self, value: Any, timeout: float | None = None, *, tolerance: float = 0.0) -> Reading:
        """See `wait_for_value`."""
        return self._client.wait(wait_for_value(self._tag, value, timeout, tolerance=tolerance))

    def __repr__(self) -> str:
        return repr(self._tag)


class SyncWatch:
    """A Watch whose steps block. Close it when done, or use it with `with`."""

    def __init__(self, client: SyncClient, watch: Watch) -> None:
        self._client = client
        self._watch = watch
        self._stream = aiter(watch)

    @property
    def dropped(self) -> int:
        """Readings that did not come because the reader was slow."""
        return self._watch.dropped

    def __iter__(self) -> Iterator[Reading]:
        return self

    def __next__(self) -> Reading:
        for reading in self._client.wait(self._next()):
            return reading
        raise StopIteration

    def close(self) -> None:
        """See Watch."""
        self._client.wait(self._watch.close())

    def __enter__(self) -> SyncWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _next(self) -> list[Reading]:
        try:
            return [await anext(self._stream)]
        except StopAsyncIteration:
            return []


class _Named(Generic[T]):
    """Attributes of a described device, in another form."""

    def __init__(self, device: DeviceProxy, in_form: Callable[[TagProxy | CommandProxy], T]) -> None:
        self.path = device.path
        self._device = device
        self._in_form = in_form

    @property
    def tags(self) -> dict[str, TagSpec]:
        """Declarations of its tags by name."""
        return self._device.tags

    @property
    def commands(self) -> dict[str, CommandSpec]:
        """Its commands by name."""
        return self._device.commands

    def tag(self, name: str) -> T:
        """A tag by name, whatever else has that name."""
        return self._in_form(self._device.tag(name))

    def command(self, name: str) -> T:
        """A command by name, whatever else has that name."""
        return self._in_form(self._device.command(name))

    def __getitem__(self, name: str) -> T:
        return self._in_form(self._device[name])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._in_form(getattr(self._device, name))

    def __dir__(self) -> list[str]:
        return sorted({*dir(self._device), "call", "read", "status", "write"} - {"describe"})

    def __repr__(self) -> str:
        return repr(self._device)


class SyncDevice(_Named[Any]):
    """A DeviceProxy, described, whose calls block."""

    def __init__(self, client: SyncClient, device: DeviceProxy) -> None:
        super().__init__(device, lambda member: _blocking(client, member))
        self._client = client

    def read(self) -> dict[str, Reading]:
        """See DeviceProxy."""
        return self._client.wait(self._device.read())

    def write(self, values: dict[str, Any] | None = None, /, **more: Any) -> dict[str, Ack]:
        """See DeviceProxy."""
        return self._client.wait(self._device.write(values, **more))

    def call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """See DeviceProxy."""
        return self._client.wait(self._device.call(name, *arguments, **options))

    def status(self) -> DeviceStatus:
        """See DeviceProxy."""
        return self._client.wait(self._device.status())


class SyncGroup:
    """A Group whose calls block."""

    def __init__(self, client: SyncClient, group: Group) -> None:
        self._client = client
        self._group = group

    def tags(self) -> list[TagSpec]:
        """See Group."""
        return self._client.wait(self._group.tags())

    def devices(self) -> list[str]:
        """See Group."""
        return self._client.wait(self._group.devices())

    def read(self) -> GroupReading:
        """See Group."""
        return self._client.wait(self._group.read())

    def write(self, value: Any | Mapping[str, Any]) -> dict[str, Ack]:
        """See Group."""
        return self._client.wait(self._group.write(value))

    def call(self, name: str, *arguments: Any, **options: Any) -> dict[str, Ack]:
        """See Group."""
        return self._client.wait(self._group.call(name, *arguments, **options))


class FutureTag:
    """A TagProxy whose calls give a Future at once."""

    def __init__(self, client: SyncClient, tag: TagProxy) -> None:
        self.path = tag.path
        self._client = client
        self._tag = tag

    def read(self) -> Future[Reading]:
        """See TagProxy."""
        return self._client.start(self._tag.read())

    def value(self) -> Future[Any]:
        """See TagProxy."""
        return self._client.start(self._tag.value())

    def write(self, value: Any, **options: Any) -> Future[Ack]:
        """See TagProxy."""
        return self._client.start(self._tag.write(value, **options))

    def wait_for(self, value: Any, timeout: float | None = None, *, tolerance: float = 0.0) -> Future[Reading]:
        """See `wait_for_value`."""
        return self._client.start(wait_for_value(self._tag, value, timeout, tolerance=tolerance))

    def __repr__(self) -> str:
        return repr(self._tag)


class FutureDevice(_Named[Any]):
    """A DeviceProxy, described, whose calls give a Future at once."""

    def __init__(self, client: SyncClient, device: DeviceProxy) -> None:
        super().__init__(device, lambda member: _future(client, member))
        self._client = client

    def read(self) -> Future[dict[str, Reading]]:
        """See DeviceProxy."""
        return self._client.start(self._device.read())

    def write(self, values: dict[str, Any] | None = None, /, **more: Any) -> Future[dict[str, Ack]]:
        """See DeviceProxy."""
        return self._client.start(self._device.write(values, **more))

    def call(self, name: str, *arguments: Any, **options: Any) -> Future[Any]:
        """See DeviceProxy."""
        return self._client.start(self._device.call(name, *arguments, **options))


class Futures:
    """Devices of a client in their Future form: `client.futures["lab/ps/1"].voltage.read()`."""

    def __init__(self, client: SyncClient, device: Callable[[str], DeviceProxy]) -> None:
        self._client = client
        self._device = device

    def __getitem__(self, path: str) -> FutureDevice:
        """Blocks until the device has been described. Raises NotFoundError."""
        return FutureDevice(self._client, self._client.wait(self._device(path).describe()))


def _blocking(client: SyncClient, member: TagProxy | CommandProxy) -> Any:
    if isinstance(member, TagProxy):
        return SyncTag(client, member)
    return lambda *arguments, **options: client.wait(_called(member, arguments, options))


def _future(client: SyncClient, member: TagProxy | CommandProxy) -> Any:
    if isinstance(member, TagProxy):
        return FutureTag(client, member)
    return lambda *arguments, **options: client.start(_called(member, arguments, options))


def _called(command: CommandProxy, arguments: tuple[Any, ...], options: dict[str, Any]) -> Coroutine[Any, Any, Any]:
    return command(*arguments, **options)
