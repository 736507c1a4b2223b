"""The whole observatory with its simulators: a safe night, a sequence, rain in the midst, and the images of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

from sereno.model import AckState
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.instruments.observatory import SimObservatory
from sereno.sim.instruments.starfield import Sensor
from sereno.testing import JumpingClock, MemoryTransports, jumping
from tests.observatory.rig import Site, site
from tests.observatory.test_majordome import DUSK, MAJORDOME

SMALL = Sensor(width=40, height=30)
OBSERVER, BOOK = "observatory/observer", "observatory/sequences"


async def until(here: Site, path: str, value: object, seconds: float) -> None:
    end = here.clock.monotonic() + seconds
    while await here.value(path) != value:
        assert here.clock.monotonic() < end, f"{path} is {await here.value(path)!r}"
        await here.clock.sleep(1.0)


def test_a_night_with_a_sequence_interrupted_by_rain(require_package: Callable[[str, str], ModuleType]) -> None:
    fits = require_package("astropy.io.fits", "astropy")

    @jumping
    async def night(clock: JumpingClock) -> None:
        clock.step_wall(DUSK + 600)
        models = SimObservatory(clock, visible=SMALL, infrared=SMALL, roofless=True, shutter=False)
        server = AlpacaServer(models.devices(), clock, transports=MemoryTransports())
        async with site(clock, mode="AUTO", instruments=server) as here:
            await until(here, f"{MAJORDOME}/activity", "EXECUTING", 120.0)
            await until(here, "site/vis/state", "exposing", 120.0)
            assert await here.value("site/nir/state") in ("exposing", "reading")
            await until(here, f"{OBSERVER}/taken", 1, 60.0)
            here.force("WXT520", "RainRate", 3.0)
            await until(here, f"{MAJORDOME}/activity", "PAUSED", 10.0)
            await until(here, "site/telescope/state", "parked", 60.0)
            assert here.shutter == "closed"
            assert await here.value(f"{OBSERVER}/activity") == "IDLE"
            assert "the environment is not safe" in await here.value(f"{OBSERVER}/result")
            here.force("WXT520", "RainRate", 0.0)
            assert "executed: 6 images" not in await finished(here), "those of before the rain are not taken again"
            entry = await shown(here, 1)
            assert [change["status"] for change in entry["changes"]] == [
                "TOBEPLANNED",
                "EXECUTING",
                "PLANNED",
                "EXECUTING",
                "EXECUTED",
            ]
            for image in entry["images"]:
                with fits.open(here.folder / "nights" / image["file"], checksum=True) as file:
                    file.verify("exception")
                    header = file[0].header
                    assert (header["SEQID"], header["FILTER"]) == (1, image["filter"])
                    assert 68 < header["ALTITUDE"] < 72
                    assert abs((header["DOMEAZ"] - header["AZIMUTH"] + 180.0) % 360.0 - 180.0) < 3.5
            assert len(entry["images"]) == 6

    night()


async def finished(here: Site) -> str:
    """The result, once sequence 1 is finished."""
    end = here.clock.monotonic() + 400.0
    while not (words := str(await here.value(f"{OBSERVER}/result"))).startswith("sequence 1 executed"):
        assert here.clock.monotonic() < end, words
        await here.clock.sleep(1.0)
    await here.clock.sleep(2.0)
    return words


async def shown(here: Site, number: int) -> dict[str, list[dict[str, str]]]:
    ack = await here.client.call(BOOK, "show", number)
    assert ack.state is AckState.DONE
    found: dict[str, list[dict[str, str]]] = json.loads(ack.value)
    return found
