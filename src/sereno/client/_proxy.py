"""Proxies: devices and tags as objects. `ps = client["lab/ps/1"]; await ps.voltage.read(); await ps.reset()`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, suppress
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from sereno.model import Ack, DeliveryError, NotFoundError, TagSpec, new_key

from ._described import CommandSpec
from ._locks import Lock
from ._outcome import done
from ._values import DeviceStatus, Reading
from ._watching import Terms, Watch

if TYPE_CHECKING:
    from ._client import Client

_OWN = ("call", "command", "describe", "locked", "path", "read", "status", "tag", "write")


class TagProxy:
    """One tag. Nothing travels until it is asked. All calls raise SerenoError only."""

    def __init__(self, client: Client, path: str) -> None:
        self.path = path
        self._client = client

    async def read(self) -> Reading:
        """The present value with quality, time and reason. Raises NotFoundError."""
        return await self._client.get(self.path)

    async def value(self) -> Any:
        """The present value alone; None when there never was one."""
        return (await self._client.get(self.path)).value

    async def spec(self) -> TagSpec:
        """The declaration. Raises NotFoundError."""
        for spec in await self._client.tags(self.path):
            if spec.path == self.path:
                return spec
        raise NotFoundError(f"{self.path!r} is not a tag")

    async def write(self, value: Any, *, expected: Any = None, timeout: float = 10.0, comment: str = "") -> Ack:
        """Set it; the ack of what is done, its value the readback. Raises what else became of it (see `Client.write`).

        RefusedError, DeniedError, the device's error, ExpiredError (never sent), NoAnswerError (unknown).
        """
        return done(
            await self._client.write(
                self.path, value, expected=expected, timeout=timeout, comment=comment, key=new_key()
            )
        )

    async def subscribe(self, callback: Callable[[Reading], object] | None = None, **terms: Any) -> Watch:
        """Readings as they come, the present one first; `terms` are the fields of Terms.

        Those asked for at the same time share one subscription.
        """
        return await self._client.watching.watch(self.path, Terms(**terms), callback)

    def __repr__(self) -> str:
        return f"<tag {self.path}>"


class CommandProxy:
    """One command of a device: call it."""

    def __init__(self, client: Client, device: str, name: str) -> None:
        self.device = device
        self.name = name
        self._client = client

    async def __call__(self, *arguments: Any, timeout: float = 10.0, comment: str = "") -> Any:
        """Execute it and return its result. Raises what else became of it, as `TagProxy.write`."""
        ack = await self._client.call(self.device, self.name, *arguments, timeout=timeout, comment=comment)
        return done(ack).value

    def __repr__(self) -> str:
        return f"<command {self.name} of {self.device}>"


class Member(TagProxy, CommandProxy):
    """A name of a device that is not described yet: a tag when it is read, written or subscribed, else a command."""

    def __init__(self, client: Client, device: str, name: str) -> None:
        TagProxy.__init__(self, client, f"{device}/{name}")
        self.device = device
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name} of {self.device}>"


class DeviceProxy:
    """One device: tags and commands as attributes, and as `proxy["name"]` where a name is taken or unusual.

    Described (`await proxy` or `await proxy.describe()`), it knows its names: `dir` and tab completion show them, and
    a wrong one is an AttributeError. Before, every name is taken at its word.
    """

    def __init__(self, client: Client, path: str) -> None:
        self.path = path
        self._client = client
        self._tags: dict[str, TagSpec] | None = None
        self._commands: dict[str, CommandSpec] = {}

    def __await__(self) -> Generator[Any, None, DeviceProxy]:
        return self.describe().__await__()

    async def describe(self) -> DeviceProxy:
        """Learn the names of its tags and commands. Raises NotFoundError."""
        prefix = f"{self.path}/"
        specs = await self._client.tags(self.path)
        status = next((d for d in await self._client.devices() if d.path == self.path), None)
        own = {s.path[len(prefix) :]: s for s in specs if s.path.startswith(prefix)}
        if status is None and not own:
            raise NotFoundError(f"no device {self.path!r}")
        self._tags = {name: spec for name, spec in own.items() if "/" not in name}
        self._commands = {command.name: command for command in (status.commands if status is not None else ())}
        return self

    async def status(self) -> DeviceStatus:
        """State, link, scan groups. Raises NotFoundError."""
        for status in await self._client.devices():
            if status.path == self.path:
                return status
        raise NotFoundError(f"no device {self.path!r}")

    async def read(self) -> dict[str, Reading]:
        """All its tags in one request, by name."""
        prefix = f"{self.path}/"
        return {r.tag.path.removeprefix(prefix): r for r in await self._client.read(self.path)}

    async def write(self, values: dict[str, Any] | None = None, /, **more: Any) -> dict[str, Ack]:
        """Several of its tags in one request; the acks by name, whatever became of them."""
        wanted = {**(values or {}), **more}
        acks = await self._client.write_many({f"{self.path}/{name}": value for name, value in wanted.items()})
        return dict(zip(wanted, acks, strict=True))

    async def call(self, name: str, *arguments: Any, timeout: float = 10.0, comment: str = "") -> Any:
        """Execute a command and return its result. Raises what else became of it."""
        return await self.command(name)(*arguments, timeout=timeout, comment=comment)

    @asynccontextmanager
    async def locked(self, *, seconds: float = 0.0) -> AsyncIterator[Lock]:
        """Keep its commands for oneself meanwhile. Raises RefusedError if somebody else has it."""
        lock = await self._client.lock(self.path, seconds=seconds)
        try:
            yield lock
        finally:
            with suppress(NotFoundError, DeliveryError):  # it was taken away, or ended with the connection
                await self._client.unlock(self.path)

    def tag(self, name: str) -> TagProxy:
        """A tag by name, whatever else has that name."""
        return TagProxy(self._client, f"{self.path}/{name}")

    def command(self, name: str) -> CommandProxy:
        """A command by name, whatever else has that name."""
        return CommandProxy(self._client, self.path, name)

    @property
    def tags(self) -> dict[str, TagSpec]:
        """Declarations of its tags by name; empty until it is described."""
        return dict(self._tags or {})

    @property
    def commands(self) -> dict[str, CommandSpec]:
        """Its commands by name, as the device declares them; empty until it is described."""
        return dict(self._commands)

    def __getitem__(self, name: str) -> Any:
        if self._tags is None:
            return Member(self._client, self.path, name)
        if name in self._tags:
            return self.tag(name)
        if name in self._commands:
            return self.command(name)
        near = get_close_matches(name, [*self._tags, *self._commands], 2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise KeyError(f"{self.path} has no tag or command {name!r}{hint}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(str(error.args[0])) from None

    def __dir__(self) -> list[str]:
        return sorted({*_OWN, "commands", "tags", *(self._tags or ()), *self._commands})

    def __repr__(self) -> str:
        return f"<device {self.path}>"


async def observe(tag: TagProxy, **terms: Any) -> AsyncIterator[Reading]:
    """Readings of a tag as they come, the present one first; the subscription ends with the loop over it."""
    watch = await tag.subscribe(**terms)
    try:
        async for reading in watch:
            yield reading
    finally:
        await watch.close()


async def wait_for_value(tag: TagProxy, value: Any, timeout: float | None = None, *, tolerance: float = 0.0) -> Reading:
    """The first reading that is good and is `value`, or for which the function `value` is true.

    Raises TimeoutError with what was seen last.
    """
    seen: Reading | None = None
    clock = tag._client.clock
    try:
        async with clock.timeout(float("inf") if timeout is None else timeout):
            async for reading in observe(tag):
                seen = reading
                if reading.quality >> 14 == 0 and _is(reading.value, value, tolerance):
                    return reading
    except TimeoutError:
        last = "nothing came" if seen is None else f"it was {seen.value!r}{f' ({seen.reason})' if seen.reason else ''}"
        wanted = "true of it" if callable(value) else f"{value!r}"
        raise TimeoutError(f"{tag.path} did not become {wanted} within {timeout:g} s; {last}") from None
    raise TimeoutError(f"the subscription to {tag.path} ended")


def _is(found: Any, wanted: Any, tolerance: float) -> bool:
    if callable(wanted):
        return bool(wanted(found))
    if tolerance and isinstance(found, int | float):
        return bool(abs(found - wanted) <= tolerance)
    return bool(found == wanted)
