"""The INDI driver against Debian's server and simulators, which nobody here wrote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest

from sereno.device import Environment
from sereno.device.instruments import sky
from sereno.drivers.indi.browse import look
from sereno.drivers.indi.client import IndiClient, Property
from sereno.drivers.indi.family import INDI
from sereno.drivers.indi.late import Asked, Whose, moment, whose
from sereno.drivers.indi.protocol import Address, Blob
from sereno.model import SystemClock
from sereno.testing import DeviceTest
from sereno.wire.fits import decode_header
from tests.drivers.indi.server import indi_server, missing

DEVICES = {
    "telescope": "Telescope Simulator",
    "dome": "Dome Simulator",
    "camera": "CCD Simulator",
    "filterwheel": "Filter Simulator",
    "focuser": "Focuser Simulator",
    "observingconditions": "Weather Simulator",
    "safetymonitor": "Weather Simulator",
}


async def until(device: Any, tag: str, value: Any, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while (await device.read(tag)) != value:
            await asyncio.sleep(0.1)


@asynccontextmanager
async def instrument(place: str, kind: str, folder: Path, **settings: Any) -> AsyncIterator[Any]:
    url = f"indi://{place}/{quote(DEVICES[kind])}"
    async with DeviceTest(INDI.kinds[kind], url=url, folder=folder, **settings) as device:
        yield device


async def test_a_night_with_instruments_that_nobody_here_wrote(
    tmp_path: Path, require_program: Callable[[str, str], Path], require_package: Callable[[str, str], ModuleType]
) -> None:
    for program, package in (("indiserver", "indi-bin"), ("nc", "netcat-openbsd"), ("ip", "iproute2")):
        require_program(program, package)
    fits = require_package("astropy.io.fits", "astropy")
    if lacking := missing():
        pytest.skip(lacking)
    async with indi_server(tmp_path) as place:
        found = {one.name: one.kinds for one in await look(place, timeout=5.0)}
        assert {name: kind for kind, name in DEVICES.items() if kind in found[name]} == {
            n: k for k, n in DEVICES.items()
        }
        async with (
            instrument(place, "telescope", tmp_path, site=[31.0, -115.0, 2800.0]) as telescope,
            instrument(place, "dome", tmp_path) as dome,
            instrument(place, "camera", tmp_path) as camera,
            instrument(place, "filterwheel", tmp_path) as wheel,
            instrument(place, "focuser", tmp_path) as focuser,
            instrument(place, "observingconditions", tmp_path) as weather,
        ):
            await dome.call("open")
            assert await dome.read("shutter") in ("opening", "open")
            aim = 12.0, 85.0  # it begins at the pole
            await telescope.call("slew", *aim)
            assert await telescope.read("state") in ("slewing", "tracking")
            await wheel.call("select", "Blue")
            await focuser.call("move", 50_200)
            await until(telescope, "state", "tracking")
            there = await telescope.read("right_ascension"), await telescope.read("declination")
            assert sky.separation(there, aim) < 0.2  # the simulated mount drifts while it slews
            await until(wheel, "filter", "Blue")
            await until(focuser, "position", 50_200)
            await until(dome, "shutter", "open")
            await camera.call("expose", 1.0)
            await until(camera, "images", 1)
            file = tmp_path / "images" / await camera.read("image")
            with fits.open(file) as opened:
                opened.verify("exception")
                assert opened[0].data.shape == (1024, 1280)
                assert (opened[0].header["EXPTIME"], opened[0].header["IMAGETYP"]) == (1.0, "Light Frame")
            assert await weather.read("temperature") == 15.0
            await dome.call("close")
            await until(dome, "shutter", "closed")
            await telescope.call("park")
            await telescope.call("abort")


async def test_whose_an_image_is_by_the_headers_and_times_of_a_server_that_nobody_here_wrote(
    tmp_path: Path, require_program: Callable[[str, str], Path]
) -> None:
    for program, package in (("indiserver", "indi-bin"), ("nc", "netcat-openbsd"), ("ip", "iproute2")):
        require_program(program, package)
    if lacking := missing():
        pytest.skip(lacking)
    async with indi_server(tmp_path, "ccd") as place:
        async with instrument(place, "camera", tmp_path) as camera:
            await camera.call("expose", 2.0)
            await camera.call("abort")
            await camera.call("expose", 2.0)
            await until(camera, "images", 1)
        indi = IndiClient(Address(f"indi://{place}/{quote(DEVICES['camera'])}"), SystemClock(), print)
        await indi.open(Environment().transports)
        try:
            await indi.learn("CCD1", timeout=10.0)
            await indi.images()
            asked, headers = [], []
            for number in range(2):
                stamps: list[str] = []

                def begun(known: Property, stamps: list[str] = stamps) -> bool:
                    stamps.append(known.stamp)
                    return known.state == "Busy"

                await indi.tell("CCD_EXPOSURE", {"CCD_EXPOSURE_VALUE": 2.0}, timeout=10.0, accepted=begun)
                asked.append(Asked(2.0, begun=moment(stamps[-1]), after=2.0))
                blob = await indi.wait_for(lambda number=number: _image(indi, number), 20.0)
                headers.append(decode_header(blob.data())[0])
        finally:
            indi.close()
    assert [whose(header, one) for one, header in zip(asked, headers, strict=True)] == [Whose.OWN, Whose.OWN]
    assert whose(headers[0], asked[1]) is Whose.BEFORE


def _image(indi: IndiClient, before: int) -> Blob | None:
    came, blob = indi.blob("CCD1")
    return blob if came > before else None
