"""A PLC with marbles for the tests of this folder, and a gateway before it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from sereno import Device, DeviceError, command, on_write, tag
from sereno.access.actor import NOBODY, ROLES, Actor
from sereno.access.insecure import Insecure, Peers, network
from sereno.app.serve.server import DeviceServer
from sereno.device import Environment, device_configs
from sereno.gateways.http.server import HttpServer
from sereno.gateways.http.settings import HttpSettings

MARBLES = ("mill/plc/lane0", "mill/plc/lane1", "mill/plc/lane2")
TOTALS = ("mill/plc/total0", "mill/plc/total1", "mill/plc/total2")


class Plc(Device):
    """Marbles of three lanes, their totals in the fleet as they are told, a temperature."""

    lane0: int = tag(default=3)
    lane1: int = tag(default=0)
    lane2: int = tag(default=12)
    total0: int = tag(write=True)
    total1: int = tag(write=True)
    total2: int = tag(write=True)
    temperature: float = tag(unit="degC", default=21.5)
    running: bool = tag(default=True, write=True)
    name_plate: str = tag(default="PLC 7")
    tags: float = tag(default=5.0)

    def startup(self) -> None:
        self.writes: list[int] = []
        self.hung_up = 0

    @on_write("total0")
    async def told(self, value: int) -> None:
        if value > 1000:
            raise DeviceError("too_many", "there are not so many marbles")
        self.writes.append(value)

    @tag()
    def broken(self) -> float:
        raise DeviceError("burnt", "no more")

    @command
    def disconnect(self) -> int:
        """Hang up on the PLC's network."""
        self.hung_up += 1
        return self.hung_up


class Record:
    """Keeps what is put on record."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    async def record(
        self, actor: str, action: str, target: str = "", origin: str = "", outcome: str = "", **_: Any
    ) -> None:
        self.kept.append(f"{action} {target} {origin} {outcome}")


class Site:
    """What a test works with."""

    def __init__(self, server: DeviceServer, gateway: HttpServer, record: Record) -> None:
        self.server = server
        self.gateway = gateway
        self.record = record

    @property
    def plc(self) -> Plc:
        """The device itself."""
        device: Plc = self.server.devices.handlers["mill/plc"].config.config.device
        return device

    async def raw(self, data: bytes) -> bytes:
        """What a connection of its own is answered, to its end; nothing where it was hung up on."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.gateway.port)
        try:
            writer.write(data)
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def ask(
        self, method: str, path: str, body: Any = None, *, headers: str = "", kind: str = "application/json"
    ) -> tuple[int, Any]:
        """Status and JSON of one request."""
        text = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(text)}\r\n{headers}"
        head += f"Content-Type: {kind}\r\n" if text else ""
        answer = await self.raw(head.encode() + b"\r\n" + text)
        first, _, rest = answer.partition(b"\r\n")
        return int(first.split()[1]), json.loads(rest.partition(b"\r\n\r\n")[2])

    async def get(self, path: str, headers: str = "") -> tuple[int, Any]:
        """Status and JSON of a GET."""
        return await self.ask("GET", path, headers=headers)


@asynccontextmanager
async def site(
    *, allow: str = "127.0.0.0/8", writes: tuple[str, ...] = ("mill/plc*",), most: int = 100, **settings: Any
) -> AsyncIterator[Site]:
    """A gateway on 127.0.0.1; `settings` are those of HttpSettings."""
    given: dict[str, Any] = {
        "names": {"compteur_bille": MARBLES},
        "totals": {"compteur_bille": TOTALS},
        "commands": {"deconnection": "mill/plc/disconnect"},
        "port": 0,
        **settings,
    }
    async with DeviceServer(device_configs(Plc, "mill/plc"), Environment()) as server:
        await server.ready(Actor("olga", (ROLES["admin"],)))
        record = Record()
        door = Insecure(name="gateway/http", allow=(network(allow),), writes=writes)
        peers = Peers(door, record, server.clock)
        gateway = HttpServer(server.client(NOBODY), server.hub, peers, HttpSettings(**given), most=most)
        await gateway.start()
        try:
            yield Site(server, gateway, record)
        finally:
            await gateway.stop()
