"""Instruments of the site, observer and a sequence: what a night observes, and a camera that stops answering."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sereno.device import Transports
from sereno.model import Clock
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.instruments.observatory import SimObservatory
from sereno.sim.instruments.starfield import Sensor
from sereno_observatory.simulators import DEVICES

from .site import Changes

CAMERA = "cameraVIS"
SMALL = Sensor(width=64, height=48, scale=8.0)
UNHEARD: Changes = {"observing.toml": (('"site/focuser", "observatory/sequences"', '"site/focuser"'),)}
"""The observer has no right to tell the book anything."""
WITHOUT: Changes = {
    "plant.toml": (
        ('"plc.toml", "instruments.toml", "safety.toml", "observing.toml"', '"plc.toml", "safety.toml"'),
        ('telescope = "site/telescope"\nobserver = "observatory/observer"\nsequences = "observatory/sequences"\n', ""),
        ('calls = ["site/telescope", "observatory/observer", "observatory/sequences"]\n', ""),
    ),
}
"""A site that observes nothing: what happens is weather and safety."""
STANDING = re.compile(r'standing = """.*?"""\n', re.DOTALL)
SEQUENCE = """
[[sequence]]
name = "Overhead"
target = "18:00:00 +31:00:00"
start = 0
end = 3600
priority = 5

[[sequence.album]]
detector = "Visible camera"
[[sequence.album.plan]]
filter = "r"
exposure = 20
images = 8

[[sequence.album]]
detector = "Near-infrared camera"
[[sequence.album.plan]]
filter = "J"
exposure = 30
images = 6
"""


@asynccontextmanager
async def instruments(clock: Clock, transports: Transports, seed: int) -> AsyncIterator[AlpacaServer]:
    """The simulated instruments behind one server. Their dome is the PLC's business."""
    site = SimObservatory(clock, seed=seed, roofless=True, visible=SMALL, infrared=SMALL)
    server = AlpacaServer(site.devices(), clock, transports=transports)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


def urls_of(server: AlpacaServer) -> dict[str, str]:
    """The URL of each device of the site."""
    return {DEVICES[actor]: url for actor, url in server.urls().items() if actor in DEVICES}


def nothing_standing(folder: Path) -> None:
    """Nothing is to be observed but what is asked for."""
    file = folder / "observing.toml"
    text, times = STANDING.subn("", file.read_text("utf-8"))
    assert times == 1, "observing.toml has no standing sequences"
    file.write_text(text, encoding="utf-8")
