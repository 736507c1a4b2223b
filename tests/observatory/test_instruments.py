"""The site's instruments: simulated ones in memory, on the virtual clock."""

from __future__ import annotations

from typing import Any

from sereno.client import done
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.instruments.observatory import SimObservatory
from sereno.sim.instruments.starfield import Sensor
from sereno.testing import JumpingClock, MemoryTransports, run_jumping
from tests.observatory.rig import Site, site

SMALL = Sensor(width=40, height=30)


def test_the_site_shows_its_instruments_and_takes_an_image_with_both_cameras() -> None:
    async def work(clock: JumpingClock) -> None:
        models = SimObservatory(clock, visible=SMALL, infrared=SMALL, roofless=True)
        server = AlpacaServer(models.devices(), clock, transports=MemoryTransports())
        async with site(clock, instruments=server) as here:
            assert await here.value("site/telescope/state") == "parked"
            assert await here.value("site/nir_wheel/filter") == "First infrared filter"
            done(await here.client.call("site/telescope", "unpark"))
            done(await here.client.call("site/telescope", "slew", models.telescope.sidereal, 40.0))
            await until(here, "site/telescope/state", "tracking")
            for camera in ("site/vis", "site/nir"):
                done(await here.client.call(camera, "expose", 20.0))
            for camera in ("site/vis", "site/nir"):
                await until(here, f"{camera}/images", 1)
                assert await here.value(f"{camera}/image")
            assert here.shutter == "closed"  # what the instruments do is not the dome's business

    run_jumping(work)


async def until(here: Site, path: str, value: Any) -> None:
    for _ in range(600):
        if await here.value(path) == value:
            return
        await here.clock.sleep(0.1)
    raise AssertionError(f"{path} is {await here.value(path)!r}, not {value!r}")
