"""An observer among fakes, with the book of sequences, on a jumping clock."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sereno.access.actor import ROLES, Actor
from sereno.app.serve.server import DeviceServer
from sereno.client import Client
from sereno.device import Environment, NoMemory, device_configs
from sereno.testing import JumpingClock
from sereno_observatory.observer import Observer
from sereno_observatory.sequences import Sequences
from tests.observatory.observer.fakes import SHELF, Mount, Roof, Shelf, Shooter, Sky, Watcher, Wheel
from tests.observatory.sequences.asked import TOML

OBSERVER, BOOK = "observatory/observer", "observatory/sequences"
SITE = {"latitude": 31.0439, "longitude": -115.4637}
NAMES = ["Visible camera", "Near-infrared camera"]
OBSERVING = {
    **SITE,
    "detectors": NAMES,
    "cameras": ["site/vis", "site/nir"],
    "wheels": ["site/wheel", ""],
}
BOTH = (
    TOML
    + """
[[sequence.album]]
detector = "Near-infrared camera"
[[sequence.album.plan]]
exposure = 30
"""
)


class Bench:
    """What a test works with."""

    def __init__(self, server: DeviceServer, clock: JumpingClock, devices: dict[str, Any]) -> None:
        self.client: Client = server.client(Actor("tester", (ROLES["admin"],)))
        self.server = server
        self.clock = clock
        self.devices = devices

    @property
    def shelf(self) -> Shelf:
        """Where a Watcher's images are."""
        return SHELF

    async def told(self, name: str, device: str = OBSERVER) -> Any:
        """A tag."""
        return (await self.client.get(f"{device}/{name}")).value

    async def call(self, device: str, name: str, *arguments: Any) -> Any:
        """A command that is done."""
        ack = await self.client.call(device, name, *arguments)
        assert str(ack.state) == "done", ack.reason
        return ack.value

    async def add(self, text: str = BOTH) -> int:
        """A sequence in the book; its number."""
        return int((await self.call(BOOK, "add", text, "vera"))[0])

    async def entry(self, number: int = 1) -> dict[str, Any]:
        """A sequence of the book."""
        found: dict[str, Any] = json.loads(await self.call(BOOK, "show", number))
        return found

    async def until(self, name: str, value: Any, seconds: float = 900.0, device: str = OBSERVER) -> None:
        """Wait for a tag's value."""
        end = self.clock.monotonic() + seconds
        while await self.told(name, device) != value:
            assert self.clock.monotonic() < end, f"{name} is {await self.told(name, device)!r}, not {value!r}"
            await self.clock.sleep(0.25)


@asynccontextmanager
async def observing(
    clock: JumpingClock,
    folder: Path,
    observer: type[Observer] = Watcher,
    book: Mapping[str, Any] = SITE,
    **more: Any,
) -> AsyncIterator[Bench]:
    """The observer, its book and its fakes, running."""
    wanted: dict[str, tuple[Any, dict[str, Any]]] = {
        "site/telescope": (Mount, {}),
        "site/vis": (Shooter, {}),
        "site/nir": (Shooter, {}),
        "site/wheel": (Wheel, {}),
        "site/plc": (Roof, {}),
        "observatory/environment": (Sky, {}),
        BOOK: (Sequences, {"detectors": NAMES, **book}),
        OBSERVER: (observer, {**OBSERVING, **more}),
    }
    configs = []
    for path, (cls, settings) in wanted.items():
        configs += device_configs(cls, path, settings, memory=NoMemory())
    devices = {config.path: config.config.device for config in configs}
    async with DeviceServer(configs, Environment(clock=clock, folder=folder)) as server:
        await server.ready(Actor("tester", (ROLES["admin"],)), 4.0)
        yield Bench(server, clock, devices)
