"""Simulated Alpaca servers that run while a context is open, and one push to a running one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from sereno.device import HttpClient, SocketTransports, Transports
from sereno.device.instruments import sky
from sereno.drivers.alpaca.client import AlpacaClient
from sereno.drivers.alpaca.discovery import DiscoveryAnswers
from sereno.drivers.alpaca.protocol import DISCOVERY_PORT, Address
from sereno.model import Clock, DeliveryError, DeviceError, SystemClock
from sereno.sim.scenario import Scenario

from .alpaca import FORCE, AlpacaServer
from .observatory import HERE, PARTS, GeoPlace, Pointing, SimObservatory

DEFAULT_PORT = 11111
FOLLOWED_EVERY = 1.0


@asynccontextmanager
async def run_alpaca(
    part: str = "",
    *,
    port: int = 0,
    seed: int = 0,
    scenario: Scenario | None = None,
    roofless: bool = False,
    shutter: bool = True,
    telescope: str = "",
    place: GeoPlace = HERE,
    discovery: bool = False,
    clock: Clock | None = None,
    transports: Transports | None = None,
) -> AsyncIterator[AlpacaServer]:
    """A server on 127.0.0.1 with the devices of `part`, all of them without one. Raises OSError when a port is taken.

    `telescope`: the URL of the one that the cameras look through, where that is another server's. `shutter`: the dome
    has one.
    """
    clock, transports = clock or SystemClock(), transports or SocketTransports()
    followed = _Followed(clock, transports, telescope) if telescope else None
    pointing = followed.pointing if followed else None
    site = SimObservatory(clock, seed=seed, roofless=roofless, shutter=shutter, pointing=pointing, place=place)
    server = AlpacaServer(site.devices(*PARTS.get(part, ())), clock, transports=transports, scenario=scenario)
    await server.start(port)
    following = asyncio.create_task(followed.run(), name="pointing of the telescope") if followed else None
    listener = None
    try:
        if discovery:
            answers = DiscoveryAnswers(server.port)
            listener = await transports.datagrams(lambda: answers, "127.0.0.1", DISCOVERY_PORT)
        yield server
    finally:
        if listener is not None:
            await listener.close()
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        await server.close()


class _Followed:
    """Where a telescope points that another process simulates."""

    def __init__(self, clock: Clock, transports: Transports, url: str) -> None:
        self._clock = clock
        self._http = HttpClient(transports, clock, keep=1)
        self._client = AlpacaClient(self._http, Address(url), "telescope", me=1, timeout=2.0)
        self._place: Pointing = (0.0, 0.0)

    def pointing(self) -> Pointing:
        """The last place that was heard of, J2000."""
        return self._place

    async def run(self) -> None:
        """Follow it until cancelled."""
        try:
            while True:
                with suppress(DeliveryError, DeviceError):
                    await self._client.put("connected", Connected=True)
                    place = await self._client.number("rightascension"), await self._client.number("declination")
                    self._place = sky.of_j2000(*place, self._clock.wall_ns() / 1e9)
                await self._clock.sleep(FOLLOWED_EVERY)
        finally:
            await self._http.close()


async def force(url: str, kind: str, action: Mapping[str, Any], *, timeout: float = 5.0) -> None:
    """Have a running simulator do this to a device. Raises DeliveryError, DeviceError."""
    http = HttpClient(SocketTransports())
    client = AlpacaClient(http, Address(url), kind, me=1, timeout=timeout)
    await client.put("action", Action=FORCE, Parameters=json.dumps(action))
