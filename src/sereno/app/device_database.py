"""The device database of an installation: devices, classes, properties, aliases, memorised values, history."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from sereno.model import Clock, NotFoundError, OperationError, check_path
from sereno.store.device_facts import Fact, FactChange, FactKind, FactStore, SqlFacts

log = structlog.get_logger(__name__)
SOON = 0.2
"""Seconds in which memorised values are gathered before they are written."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A device that is known: its class as module:Class, and the server that runs it."""

    path: str
    cls: str
    server: str


def open_facts(where: str, data: Path, clock: Clock) -> FactStore:
    """The facts at a redis:// URL, any other database URL, or in an SQLite file; "" = that of the data folder.

    Blocks. Raises StoreError.
    """
    if where.startswith(("redis://", "rediss://", "unix://")):
        from sereno.store.device_redis import RedisFacts

        return RedisFacts(where)
    from sereno.store.engine import Store

    data.mkdir(parents=True, exist_ok=True)
    database: str | Path = where if "://" in where else Path(where) if where else data / "sereno.db"
    return SqlFacts(Store.open(database, keys=data / "keys", clock=clock), owns=True)


class DeviceDatabase:
    """The device database over a FactStore, and a Memory of devices that run. All calls raise StoreError."""

    def __init__(self, facts: FactStore, clock: Clock, actor: str) -> None:
        self._facts = facts
        self._clock = clock
        self._actor = actor
        self._waiting: dict[tuple[str, str], Any] = {}
        self._task: asyncio.Task[None] | None = None

    # ---- devices

    async def devices(self, server: str | None = None) -> list[Registered]:
        """Devices by path; those of one server if it is named."""
        known: dict[str, dict[str, str]] = {}
        for fact in await self._facts.read(FactKind.DEVICE):
            known.setdefault(fact.owner, {})[fact.name] = fact.value
        found = [Registered(path, facts["class"], facts.get("server", "")) for path, facts in known.items()]
        return [one for one in found if server in (None, one.server)]

    async def add(self, device: Registered) -> None:
        """Make a device known, or known otherwise. Raises ValueError for a bad path or class."""
        check_path(device.path, segments=2)
        if ":" not in device.cls:
            raise ValueError(f"{device.cls!r} names no class, expected module:Class or file.py:Class")
        await self._write(
            Fact(FactKind.DEVICE, device.path, "class", device.cls),
            Fact(FactKind.DEVICE, device.path, "server", device.server or None),
        )

    async def remove(self, path: str) -> None:
        """Forget a device with its properties, aliases and memorised values. Raises NotFoundError."""
        if path not in {one.path for one in await self.devices()}:
            raise NotFoundError(f"no device {path!r} in the device database")
        gone = [*await self._facts.read(FactKind.DEVICE, path), *await self._facts.read(FactKind.PROPERTY, path)]
        gone += await self._facts.read(FactKind.MEMORY, path)
        gone += [fact for fact in await self._facts.read(FactKind.ALIAS) if fact.value == path]
        await self._write(*(Fact(fact.kind, fact.owner, fact.name, None) for fact in gone))

    # ---- properties

    async def properties(self, owner: str) -> dict[str, Any]:
        """Properties of a device, or of a class as class:NAME."""
        return {fact.name: fact.value for fact in await self._facts.read(FactKind.PROPERTY, owner)}

    async def all_properties(self) -> dict[str, dict[str, Any]]:
        """Owner -> name -> value."""
        found: dict[str, dict[str, Any]] = {}
        for fact in await self._facts.read(FactKind.PROPERTY):
            found.setdefault(fact.owner, {})[fact.name] = fact.value
        return found

    async def set_property(self, owner: str, name: str, value: Any) -> None:
        """Keep a property; None takes it away."""
        await self._write(Fact(FactKind.PROPERTY, owner, name, value))

    # ---- aliases

    async def aliases(self) -> dict[str, str]:
        """Alias -> path."""
        return {fact.owner: fact.value for fact in await self._facts.read(FactKind.ALIAS)}

    async def set_alias(self, alias: str, path: str | None) -> None:
        """Let `alias` stand for a device; None takes it away. Raises ValueError for a bad alias."""
        check_path(alias, segments=1)
        await self._write(Fact(FactKind.ALIAS, alias, "path", path))

    # ---- memory and history

    async def recall(self, device: str) -> Mapping[str, Any]:
        """See Memory."""
        return {fact.name: fact.value for fact in await self._facts.read(FactKind.MEMORY, device)}

    def keep(self, device: str, name: str, value: Any) -> None:
        """See Memory."""
        self._waiting[device, name] = value
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write_soon(), name="memorised values")

    async def forget(self, device: str, name: str) -> None:
        """Memorise a tag no longer."""
        await self._write(Fact(FactKind.MEMORY, device, name, None))

    async def history(self, owner: str | None = None, limit: int = 100) -> list[FactChange]:
        """Changes, the newest first."""
        return await self._facts.history(owner, limit)

    async def pause(self) -> None:
        """Another event loop goes on from here."""
        await self._facts.pause()

    async def close(self) -> None:
        """Write what is not written yet and give the connection back."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._write_waiting()
        await self._facts.close()

    async def _write(self, *facts: Fact) -> None:
        await self._facts.write(facts, self._actor, self._clock.wall_ns())

    async def _write_soon(self) -> None:
        while self._waiting:
            await self._clock.sleep(SOON)
            await self._write_waiting()

    async def _write_waiting(self) -> None:
        taken = dict(self._waiting)
        if not taken:
            return
        try:
            await self._write(*(Fact(FactKind.MEMORY, path, tag, value) for (path, tag), value in taken.items()))
        except OperationError as error:
            log.error("memorised values not written", task="memorised values", error=str(error))
        self._waiting = {key: value for key, value in self._waiting.items() if value is not taken.get(key)}
