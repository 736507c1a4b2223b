"""A simulated observatory behind Alpaca in memory, and devices of our driver at it, on one virtual clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sereno.app.serve.server import DeviceServer
from sereno.client import Client, done
from sereno.device import Environment, device_configs
from sereno.drivers.alpaca.family import ALPACA
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.instruments.observatory import SimObservatory
from sereno.sim.instruments.starfield import Sensor
from sereno.sim.scenario import Scenario
from sereno.testing import TESTER, JumpingClock, MemoryTransports

SMALL = Sensor(width=160, height=120, scale=8.0)


@dataclass
class Rig:
    """What a test uses."""

    clock: JumpingClock
    site: SimObservatory
    server: AlpacaServer
    client: Client
    folder: Path

    async def call(self, device: str, command: str, *arguments: Any) -> Any:
        return done(await self.client.call(f"site/{device}", command, *arguments)).value

    async def write(self, tag: str, value: Any) -> Any:
        return done(await self.client.write(f"site/{tag}", value)).value

    async def read(self, tag: str) -> Any:
        return (await self.client.get(f"site/{tag}")).value

    async def until(self, tag: str, value: Any, seconds: float = 300.0) -> None:
        """Wait until a tag has this value."""
        last = self.clock.monotonic() + seconds
        while (reading := await self.client.get(f"site/{tag}")).value != value or reading.quality:
            if self.clock.monotonic() > last:
                raise AssertionError(f"{tag} is {reading.value!r} ({reading.reason}), not {value!r}")
            await self.clock.sleep(0.1)


KINDS = {
    "telescope": "telescope",
    "dome": "dome",
    "cameraVIS": "camera",
    "filterWheel": "filterwheel",
    "focuser": "focuser",
    "conditions": "observingconditions",
    "safety": "safetymonitor",
    "switch": "switch",
}


@asynccontextmanager
async def rig(
    clock: JumpingClock,
    folder: Path,
    *actors: str,
    scenario: Scenario | None = None,
    settings: Mapping[str, dict[str, Any]] | None = None,
    **site: Any,
) -> AsyncIterator[Rig]:
    """The simulators, and a device of ours for each of `actors`, with its name in lower case and its `settings`."""
    network = MemoryTransports()
    models = SimObservatory(clock, visible=SMALL, **site)
    server = AlpacaServer(models.devices(), clock, transports=network, scenario=scenario)
    await server.start(80)
    urls = server.urls()
    configs = []
    for actor in actors:
        more = (settings or {}).get(actor, {})
        configs += device_configs(ALPACA.kinds[KINDS[actor]], f"site/{actor.lower()}", {"url": urls[actor], **more})
    environment = Environment(clock=clock, transports=network, folder=folder)
    try:
        async with DeviceServer(configs, environment) as devices:
            await devices.ready(TESTER, 10.0)
            yield Rig(clock, models, server, devices.client(TESTER), folder)
    finally:
        await server.close()
