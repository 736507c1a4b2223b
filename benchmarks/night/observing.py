"""Instruments of the site, and sites that observe otherwise."""

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

SMALL = Sensor(width=64, height=48, scale=8.0)
UNHEARD: Changes = {"observing.toml": (('    "observatory/sequences",\n', ""),)}
"""The observer has no right to tell the book anything."""
WITHOUT: Changes = {
    "plant.toml": (
        (
            '"plc.toml", "instruments.toml", "safety.toml", "observing.toml", "simulators.toml"',
            '"plc.toml", "safety.toml"',
        ),
        ('telescope = "site/telescope"\nobserver = "observatory/observer"\nsequences = "observatory/sequences"\n', ""),
        ('calls = ["site/telescope", "observatory/observer", "observatory/sequences"]\n', ""),
    ),
}
"""A site that observes nothing: what happens is weather and safety."""
STANDING = re.compile(r'standing = """.*?"""\n', re.DOTALL)


@asynccontextmanager
async def instruments(clock: Clock, transports: Transports, seed: int) -> AsyncIterator[AlpacaServer]:
    """The simulated instruments behind one server. The dome's shutter is the PLC's business."""
    site = SimObservatory(clock, seed=seed, roofless=True, shutter=False, visible=SMALL, infrared=SMALL)
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
