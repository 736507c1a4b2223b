"""A native server over a real hub and router for tests: tags of every kind, a handler that does as told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sereno.access.actor import ROLES, Actor
from sereno.client import CommandSpec, DeviceStatus, GroupSpec
from sereno.gateways.native.door import TokenDoor
from sereno.gateways.native.ports import NativePorts
from sereno.gateways.native.server import NativeServer
from sereno.hub.hub import Hub
from sereno.hub.locks import Locks
from sereno.hub.router import CommandRouter
from sereno.model import (
    Access,
    Clock,
    DeviceError,
    ExactBlock,
    GroupId,
    LinkState,
    NotFoundError,
    ObjectSample,
    OperationalState,
    RefusedError,
    RowIndex,
    SystemClock,
    TagHandle,
    TagSpec,
    ValueType,
    seal,
)

DEVICE = "lab/ps/1"
SPECS = (
    TagSpec(path=f"{DEVICE}/current", unit="A"),
    TagSpec(path=f"{DEVICE}/label", type=ValueType.STRING),
    TagSpec(path=f"{DEVICE}/mode", type=ValueType.ENUM, labels=("off", "on")),
    TagSpec(path=f"{DEVICE}/on", type=ValueType.BOOL),
    TagSpec(path=f"{DEVICE}/serial", type=ValueType.UINT64),
    TagSpec(path=f"{DEVICE}/voltage", unit="V", access=Access.READ_WRITE),
    TagSpec(path=f"{DEVICE}/wave", shape=(4,)),
)
ROWS = [handle for handle, spec in enumerate(SPECS) if spec.is_row]
NAMES = [spec.name for spec in SPECS]
COMMANDS = ("add", "trip", "wave_form")
TOKENS = {"operator": ROLES["operator"], "viewer": ROLES["viewer"], "engineer": ROLES["engineer"]}


@dataclass
class Handler:
    """The device's commands: what it was given, and a value that is told to the hub as its readback."""

    site: Site
    written: list[tuple[str, Any]] = field(default_factory=list)
    refuse: str = ""

    async def write(self, path: str, value: Any, *, deadline: float | None = None) -> None:
        if self.refuse:
            raise RefusedError(self.refuse)
        self.written.append((path, value))
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(lambda: self.site.publish(**{path.rpartition("/")[2]: value})))

    async def call(self, name: str, arguments: tuple[Any, ...], *, deadline: float | None = None) -> Any:
        if name == "add":
            return sum(arguments)
        if name == "trip":
            raise DeviceError("overheated", "the heat sink is at 95 degC", origin="lab/ps/1/trip", severity="panic")
        if name == "wave":
            return np.arange(3.0)
        raise NotFoundError(f"no command {name!r}")


@dataclass
class Site:
    """What a test works with. `serve` again after `server.stop()` for a restart on the same port."""

    clock: Clock
    hub: Hub
    router: CommandRouter
    door: TokenDoor
    group: GroupId
    server: NativeServer
    handler: Any = None
    locks: Any = None
    events: dict[str, Any] = field(default_factory=dict)
    recorded: list[tuple[str, str, str]] = field(default_factory=list)
    seq: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    index: RowIndex = field(default_factory=lambda: RowIndex(ROWS))

    def publish(self, quality: int = 0, **values: Any) -> int:
        """Values by the tag's name, the others as before; returns the time."""
        self.seq += 1
        self.values |= values
        t = self.clock.wall_ns()
        column = np.array([float(self.values.get(SPECS[h].name, 0.0)) for h in ROWS])
        serial = np.array([self.values.get("serial", 0)], np.uint64).view(np.int64)
        exact = ExactBlock(np.array([ROWS.index(NAMES.index("serial"))], np.int32), serial)
        objects = tuple(
            ObjectSample(TagHandle(NAMES.index(name)), values[name], t, quality)
            for name in ("label", "wave")
            if name in values
        )
        self.hub.publish(seal(self.group, self.seq, self.index, column, t, quality, exact=exact, objects=objects))
        return t

    async def restart(self) -> None:
        """The same server on the same port, after it was stopped."""
        self.server = NativeServer(self.ports, port=self.server.port)
        await self.server.start()

    @property
    def ports(self) -> NativePorts:
        """What its server is given."""
        return NativePorts(
            live=self.hub,
            commands=self.router,
            devices=self,
            door=self.door,
            clock=self.clock,
            node="lab",
            locks=self.locks,
            events=self.events,
        )

    async def record(self, actor: str, action: str, target: str = "", origin: str = "", **more: Any) -> None:
        """The audit."""
        self.recorded.append((actor, action, target))

    async def devices(self, actor: Actor) -> list[DeviceStatus]:
        commands = tuple(CommandSpec(name=name) for name in COMMANDS)
        status = DeviceStatus(DEVICE, "memory", "", OperationalState.ENABLED, LinkState.UP, "", 5, 1.0)
        return [replace(status, commands=commands)]

    def trace(self, device: str, actor: Actor) -> Any:
        raise NotFoundError(device)


@asynccontextmanager
async def site_at(**server: Any) -> AsyncIterator[Site]:
    """A site on 127.0.0.1 with tokens named after the roles that they have."""
    clock = SystemClock()
    hub = Hub(clock)
    hub.register_tags(SPECS)
    objects = tuple(h for h, s in enumerate(SPECS) if not s.is_row)
    group = hub.register_group(GroupSpec("fast", DEVICE, 0.1, 60.0, RowIndex(ROWS), objects))
    router = CommandRouter(hub, clock)
    door = TokenDoor({token: Actor(token, (role,)) for token, role in TOKENS.items()})
    site = Site(clock, hub, router, door, group, None)  # type: ignore[arg-type] - made next, from its ports
    site.handler = Handler(site)
    site.locks = Locks(hub, clock, site.record, [DEVICE])
    router.register(DEVICE, site.handler)
    site.server = NativeServer(site.ports, **server)
    await site.server.start()
    try:
        yield site
    finally:
        await site.server.stop()
        await router.close()
        hub.close()
