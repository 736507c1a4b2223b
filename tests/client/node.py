"""A node for the tests of the remote client: the real web application over a real hub and historian."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from argon2 import PasswordHasher
from numpy.typing import NDArray

from sereno.access.accounts import Accounts
from sereno.access.actor import Actor
from sereno.access.passwords import Passwords
from sereno.client import Calendar, DeviceStatus, GroupSpec, GroupStatus, TraceLine
from sereno.historian.analyst import Analyst
from sereno.historian.historian import Historian
from sereno.hub.hub import Hub
from sereno.hub.overrides import Overrides
from sereno.model import (
    Access,
    Ack,
    AckState,
    Clock,
    Command,
    ExactBlock,
    LinkState,
    NotFoundError,
    ObjectSample,
    OperationalState,
    Quality,
    RowIndex,
    Setpoint,
    SystemClock,
    TagHandle,
    TagSpec,
    ValueType,
    seal,
)
from sereno.store.engine import Store
from sereno.store.overrides import StoredOverrides
from sereno.web.app import create_app
from sereno.web.context import SiteInfo, WebContext
from sereno.web.server import WebServer
from tests.ports import free_port

SPECS = (
    TagSpec(path="north/plc1/flow", unit="l/s", low=0.0, high=50.0, deadband_percent=1.0),
    TagSpec(path="north/plc1/forecast", shape=(3,), unit="m"),
    TagSpec(path="north/plc1/level", unit="m", decimals=2, description="Level of the tank"),
    TagSpec(path="north/plc1/mode", type=ValueType.ENUM, labels=("off", "on")),
    TagSpec(path="north/plc1/open", type=ValueType.BOOL),
    TagSpec(path="north/plc1/recipe", type=ValueType.STRING),
    TagSpec(path="north/plc1/setpoint", access=Access.READ_WRITE, setpoint=Setpoint(low=0.0, high=5.0, tolerance=0.1)),
    TagSpec(path="north/plc1/total", type=ValueType.INT64),
)
CALENDAR = Calendar("Europe/Madrid", ("06:00", "14:00", "22:00"))
HANDLE = {spec.path.rpartition("/")[2]: handle for handle, spec in enumerate(SPECS)}
ROWS = [handle for handle, spec in enumerate(SPECS) if spec.is_row]


class Commands:
    """A router that does as told: per target a list of (state, reason), after each of which it waits."""

    def __init__(self) -> None:
        self.seen: list[tuple[Command, Actor]] = []
        self.outcome: list[tuple[AckState, str]] = [(AckState.ACCEPTED, ""), (AckState.DONE, "")]
        self.kept: dict[str, list[Ack]] = {}

    async def submit(self, command: Command, actor: Actor) -> AsyncIterator[Ack]:
        if command.key in self.kept:
            for ack in self.kept[command.key]:
                yield ack
            return
        self.seen.append((command, actor))
        self.kept[command.key] = []
        for state, reason in self.outcome:
            value = command.value if state is AckState.DONE else None
            ack = Ack(key=command.key, state=state, t=SystemClock().wall_ns(), reason=reason, value=value)
            self.kept[command.key].append(ack)
            yield ack
            await asyncio.sleep(0.03)

    async def acks(self, key: str, actor: Actor) -> list[Ack]:
        if key not in self.kept:
            raise NotFoundError(f"no command {key!r}")
        return self.kept[key]


class Devices:
    """One device."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[TraceLine | None] = asyncio.Queue()

    async def devices(self, actor: Actor) -> list[DeviceStatus]:
        group = GroupStatus("fast", 0.1, 0.0, 8, 100, 1, 2, 0.01, 0.05, 77, False)
        state, link = OperationalState.ENABLED, LinkState.UP
        return [
            DeviceStatus(
                "north/plc1",
                "modbus",
                "tcp://127.0.0.1:5020",
                state,
                link,
                "",
                5,
                1.0,
                (group,),
                {"requests": 9},
                "PLC",
            )
        ]

    async def trace(self, device: str, actor: Actor) -> AsyncIterator[TraceLine]:
        while (line := await self.lines.get()) is not None:
            yield line


@dataclass
class Node:
    """What a test works with. `server` may be stopped and started again on the same port."""

    folder: Path
    clock: Clock
    hub: Hub
    historian: Historian
    commands: Commands
    devices: Devices
    accounts: Accounts
    make_server: Callable[[int], WebServer]
    token: str = ""
    seq: int = 0
    group: Any = None
    server: WebServer | None = None
    index: RowIndex = field(default_factory=lambda: RowIndex(ROWS))

    @property
    def url(self) -> str:
        assert self.server is not None
        return self.server.url

    async def serve(self, port: int = 0) -> None:
        """Answer on this port, at first on one that nobody else is given while the node does not answer."""
        port = port or free_port()
        self.server = self.make_server(port)
        await self.server.start()

    async def cut(self) -> int:
        """Stop answering; returns the port."""
        assert self.server is not None
        await self.server.stop()
        return self.server.port

    def publish(self, quality: int = 0, **values: Any) -> int:
        """Values by tag name, the others as 0; returns the time."""
        self.seq += 1
        t = self.clock.wall_ns()
        column: NDArray[np.float64] = np.zeros(len(ROWS))
        exact = np.array([values.get("total", 0)], np.int64)
        for row, handle in enumerate(ROWS):
            name = SPECS[handle].name
            column[row] = float(values.get(name, 0.0))
        objects = tuple(
            ObjectSample(TagHandle(HANDLE[name]), values[name], t, quality)
            for name in ("recipe", "forecast")
            if name in values
        )
        total = ExactBlock(np.array([ROWS.index(HANDLE["total"])], np.int32), exact)
        batch = seal(self.group, self.seq, self.index, column, t, quality, exact=total, objects=objects)
        self.hub.publish(batch)
        return t


@asynccontextmanager
async def node_at(folder: Path) -> AsyncIterator[Node]:
    """A node on 127.0.0.1 with a token of an operator."""
    clock = SystemClock()
    hub = Hub(clock)
    hub.register_tags(SPECS)
    objects = tuple(h for h, s in enumerate(SPECS) if not s.is_row)
    group = hub.register_group(GroupSpec("fast", "north/plc1", 0.1, 60.0, RowIndex(ROWS), objects))
    historian = Historian(folder / "history", clock, hub, commit_interval=0.01)
    hub.add_sink(historian)
    store = Store.open(folder / "sereno.db")
    quick = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    accounts = Accounts(store, clock, passwords=quick)
    commands, devices = Commands(), Devices()
    context = WebContext(
        live=hub,
        commands=commands,
        history=historian,
        analysis=Analyst(historian, CALENDAR, accounts.audit.record),
        devices=devices,
        overrides=Overrides(hub, clock, StoredOverrides(store, clock), ["north/plc1"]),
        accounts=accounts,
        clock=clock,
        site=SiteInfo("Test", "UTC", "0"),
    )
    node = Node(
        folder,
        clock,
        hub,
        historian,
        commands,
        devices,
        accounts,
        lambda port: WebServer(create_app(replace(context)), clock, port=port),
        group=group,
    )
    await historian.start()
    try:
        await accounts.add_user("olga", "correct horse battery", ["operator"], by="test")
        node.token = (await accounts.tokens.issue("olga", "test", "operator", 3600.0))[1]
        await node.serve()
        yield node
    finally:
        await node.cut()
        hub.close()
        await historian.stop()
        await store.close()


NOT_CONNECTED = int(Quality.NOT_CONNECTED)
