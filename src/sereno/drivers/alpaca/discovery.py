"""Discovery: who answers to a datagram on port 32227, and which devices they have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sereno.device import HttpClient, SocketTransports, Transports
from sereno.model import Clock, NoAnswerError, SystemClock, suggest_segment

from .protocol import DISCOVERY, DISCOVERY_PORT, JSON, value_of

EVERYBODY = ("255.255.255.255", "127.0.0.1")
WAIT = 1.0


@dataclass(frozen=True, slots=True)
class Configured:
    """One device of a server; `url` as in a plant file."""

    kind: str
    name: str
    number: int
    url: str


class DiscoveryAnswers(asyncio.DatagramProtocol):
    """The answering end: tells the port of an Alpaca server to who asks for it."""

    def __init__(self, port: int) -> None:
        self._answer = json.dumps({"AlpacaPort": port}).encode()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.DatagramProtocol."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See asyncio.DatagramProtocol."""
        if data.startswith(DISCOVERY):
            self._transport.sendto(self._answer, addr)


class _Asking(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.found: dict[str, None] = {}

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See asyncio.DatagramProtocol."""
        try:
            port = json.loads(data)["AlpacaPort"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return
        if isinstance(port, int) and 0 < port < 65536:
            self.found[f"{addr[0]}:{port}"] = None


async def discover(
    hosts: Sequence[str] = EVERYBODY, *, port: int = DISCOVERY_PORT, wait: float = WAIT, clock: Clock | None = None
) -> list[str]:
    """HOST:PORT of every Alpaca server that answers within `wait` seconds."""
    loop = asyncio.get_running_loop()
    transport, asking = await loop.create_datagram_endpoint(
        _Asking,
        local_addr=("0.0.0.0", 0),  # noqa: S104 - answers come to whatever address asked
        allow_broadcast=True,
    )
    try:
        for host in hosts:
            transport.sendto(DISCOVERY, (host, port))
        await (clock or SystemClock()).sleep(wait)
    finally:
        transport.close()
    return sorted(asking.found)


async def configured(server: str, *, timeout: float = 3.0, transports: Transports | None = None) -> list[Configured]:
    """The devices of a server, HOST:PORT. Raises DeliveryError, DeviceError."""
    http = HttpClient(transports or SocketTransports())
    url = f"http://{server}/management/v1/configureddevices"
    answer = await http.ask("GET", url, headers={"Accept": JSON}, timeout=timeout)
    if answer.status != 200:
        raise NoAnswerError(f"{server} does not say which devices it has: status {answer.status}")
    listed = value_of(answer.body, "configureddevices")
    if not isinstance(listed, list):
        raise NoAnswerError(f"{server} lists {listed!r:.60}")
    return [_configured(one, server) for one in listed]


def device_toml(devices: Sequence[Configured], below: str, kinds: Sequence[str]) -> str:
    """The sections of a plant file; devices of kinds that we have no interface for are named in comments."""
    lines: list[str] = []
    taken: set[str] = set()
    for device in devices:
        if device.kind not in kinds:
            words = " ".join(f"{device.name} is a {device.kind}, which has no interface here".split())
            lines += [f"# {words}", ""]
            continue
        name = segment = suggest_segment(device.name)
        number = 2
        while name in taken:
            name, number = f"{segment}_{number}", number + 1
        taken.add(name)
        lines += ["[[device]]", f"name = {json.dumps(f'{below}/{name}')}", 'driver = "alpaca"']
        lines += [f"kind = {json.dumps(device.kind)}", f"url = {json.dumps(device.url)}", ""]
    return "\n".join(lines)


def _configured(one: Any, server: str) -> Configured:
    try:
        kind, number = str(one["DeviceType"]).lower(), int(one["DeviceNumber"])
        return Configured(kind, str(one.get("DeviceName", kind)), number, f"http://{server}/{number}")
    except (LookupError, TypeError, ValueError, AttributeError):
        raise NoAnswerError(f"{server} lists {one!r:.80}") from None
