"""Groups: tags of many devices by glob, read and written in one frame."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sereno.model import Ack, Command, NotFoundError, TagSpec, Verb

from ._ports import Subscription
from ._present import readings
from ._values import Present, Reading
from ._watching import Terms, subscribe

if TYPE_CHECKING:
    from ._client import Client


class GroupReading(Mapping[str, Reading]):
    """Values of one moment: columns over `tags`, and readings by path, made when they are asked for.

    `present` has the numpy columns of its rows (numbers, booleans, codes of enums), `paths` the path of each.
    """

    def __init__(self, tags: tuple[TagSpec, ...], present: Present) -> None:
        self.tags = tags
        self.present = present
        self._readings: dict[str, Reading] | None = None

    @property
    def paths(self) -> list[str]:
        """Path of each row."""
        return [self.tags[place].path for place in self.present.index.tolist()]

    def __getitem__(self, path: str) -> Reading:
        if self._readings is None:
            self._readings = {r.tag.path: r for r in readings(self.tags, self.present)}
        return self._readings[path]

    def __iter__(self) -> Iterator[str]:
        return iter([tag.path for tag in self.tags])

    def __len__(self) -> int:
        return len(self.tags)


class Group:
    """Tags (and the devices they belong to) that globs name. What they name is looked up anew by the node."""

    def __init__(self, client: Client, globs: tuple[str, ...]) -> None:
        self.globs = globs
        self._client = client

    async def tags(self) -> list[TagSpec]:
        """Declarations, by path."""
        return await self._client.tags(*self.globs)

    async def devices(self) -> list[str]:
        """Paths of the devices that have a tag in it."""
        return sorted({spec.device for spec in await self.tags()})

    async def read(self) -> GroupReading:
        """All values of one moment, in one frame. Raises NotFoundError for a glob that names nothing."""
        return GroupReading(*await self._client.present(*self.globs))

    async def write(self, value: Any) -> dict[str, Ack]:
        """Set its writable tags: all to one value, or by path; the acks by path, whatever became of them."""
        if isinstance(value, Mapping):
            wanted = dict(value)
        else:
            wanted = {spec.path: value for spec in await self.tags() if spec.access.writable}
        if not wanted:
            raise NotFoundError(f"{', '.join(self.globs)} names no tag that can be written")
        return dict(zip(wanted, await self._client.write_many(wanted), strict=True))

    async def call(self, name: str, *arguments: Any, timeout: float = 10.0) -> dict[str, Ack]:
        """Execute a command of each of its devices; the acks by device, whatever became of them."""
        devices = await self.devices()
        return dict(zip(devices, await self._client.call_many(devices, name, *arguments, timeout=timeout), strict=True))

    async def subscribe(self, **terms: Any) -> Subscription:
        """Columns as they change, in one subscription; `terms` are the fields of Terms."""
        return await subscribe(self._client, self.globs, Terms(**terms))

    def __repr__(self) -> str:
        return f"<group {' '.join(self.globs)}>"


async def submit_all(client: Client, commands: list[Command]) -> list[Ack]:
    """The final acks of commands that go at the same time; in one frame where the way to the node has frames."""
    from ._native import NativeNode

    if isinstance(client.commands, NativeNode):
        return await client.commands.submit_all(commands, client.go_on)
    return await asyncio.gather(*(client.final(command) for command in commands))


def write_command(client: Client, path: str, value: Any, timeout: float, comment: str) -> Command:
    """A write in the client's name."""
    return Command(target=path, value=value, comment=comment, **_names(client, timeout))


def call_command(client: Client, device: str, name: str, arguments: tuple[Any, ...], timeout: float) -> Command:
    """A call in the client's name."""
    return Command(target=device, verb=Verb.CALL, name=name, arguments=arguments, **_names(client, timeout))


def _names(client: Client, timeout: float) -> dict[str, Any]:
    expires = client.clock.wall_ns() + int(timeout * 1e9)
    return {"actor": client.actor.name, "origin": client.actor.origin, "expires": expires}
