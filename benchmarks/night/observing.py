"""Instruments of the site, observer and a sequence: what a night observes, and a camera that stops answering."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sereno.device import Transports
from sereno.model import Clock
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.instruments.observatory import SimObservatory
from sereno.sim.instruments.starfield import Sensor

from .site import Changes

CAMERA = "cameraVIS"
SMALL = Sensor(width=64, height=48, scale=8.0)
DETECTORS = ("Visible camera", "Near-infrared camera")
_PARTS = {
    "telescope": ("telescope", "telescope"),
    "visible": (CAMERA, "camera"),
    "wheel": ("filterWheel", "filterwheel"),
    "infrared": ("cameraNIR", "camera"),
}
"""Device of the site -> what the simulator calls it, and its kind."""
_DEVICE = """
[[device]]
name = "site/{name}"
driver = "alpaca"
kind = "{kind}"
url = "{url}"
"""
_OBSERVER = """
[[device]]
name = "observatory/observer"
class = "sereno_observatory.observer:Observer"
detectors = ["Visible camera", "Near-infrared camera"]
cameras = ["site/visible", "site/infrared"]
wheels = ["site/wheel", ""]
latitude = 31.0439
longitude = -115.4637

[[agent]]
device = "observatory/observer"
writes = ["site/*"]
calls = [{calls}]
silent = "30s"
"""
_HANDS, _BOOK = '"site/*"', '"observatory/sequences"'
_MAJORDOME = "night_below ="
_RIGHTS = 'writes = ["site/plc/dome_open", "site/plc/dome_close"]'
MAJORDOME: Changes = {
    "plant.toml": (
        (
            _MAJORDOME,
            'telescope = "site/telescope"\nobserver = "observatory/observer"\n'
            f'sequences = "observatory/sequences"\n{_MAJORDOME}',
        ),
        (_RIGHTS, f'{_RIGHTS}\ncalls = ["site/telescope", "observatory/observer", "observatory/sequences"]'),
    ),
}
"""The majordome has what is due observed."""
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
exposure = 20
images = 8

[[sequence.album]]
detector = "Near-infrared camera"
[[sequence.album.plan]]
exposure = 30
images = 6
"""


@asynccontextmanager
async def instruments(clock: Clock, transports: Transports, seed: int) -> AsyncIterator[AlpacaServer]:
    """Simulated telescope, cameras and wheel behind one server. Their dome is the PLC's business."""
    site = SimObservatory(clock, seed=seed, roofless=True, visible=SMALL, infrared=SMALL)
    server = AlpacaServer(site.devices(*(actor for actor, _ in _PARTS.values())), clock, transports=transports)
    await server.start()
    try:
        yield server
    finally:
        await server.close()


def add_instruments(plant_file: Path, server: AlpacaServer, *, unheard: bool) -> None:
    """Declare them and the observer in the plant; `unheard`: it has no right to tell the book anything."""
    urls = server.urls()
    made = [_DEVICE.format(name=name, kind=kind, url=urls[actor]) for name, (actor, kind) in _PARTS.items()]
    with plant_file.open("a", encoding="utf-8") as file:
        file.write("".join(made) + _OBSERVER.format(calls=_HANDS if unheard else f"{_HANDS}, {_BOOK}"))
