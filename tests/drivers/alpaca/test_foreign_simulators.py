"""The Alpaca driver against simulators that others wrote (alpaca-simulators): slew, expose, open and close."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sereno.app.serve.server import DeviceServer
from sereno.client import Client, done
from sereno.device import Environment, device_configs
from sereno.device.instruments import decode_fits, sky
from sereno.drivers.alpaca.family import ALPACA
from sereno.testing import TESTER
from tests.ports import free_port

START = 100.0
"""Seconds: it imports astropy and more, and the machine may be busy."""
CONFIG = """
devices:
  camera: {0: {name: Camera, cameraxsize: 64, cameraysize: 48, numx: 64, numy: 48, maxbinx: 4, maxbiny: 4}}
  telescope: {0: {name: Telescope, slew_rate: 90.0, sitelatitude: 48.0, sitelongitude: 8.0, equatorialsystem: 1}}
  dome: {0: {name: Dome, shutterstatus: 1}}
  filterwheel: {0: {name: Wheel, names: [clear, red, blue], focusoffsets: [0, 0, 0], position: 0}}
  focuser: {0: {name: Focuser, maxstep: 10000, position: 5000, absolute: true}}
  safetymonitor: {0: {name: Safety, issafe: true}}
  observingconditions: {0: {name: Weather}}
"""


@pytest.fixture(scope="module")
def simulators(require_package: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    require_package("alpaca_simulators", "alpaca-simulators")
    config = tmp_path_factory.mktemp("alpaca") / "simulators.yaml"
    config.write_text(CONFIG)
    port = free_port()
    command = [sys.executable, "-c", "from alpaca_simulators.run_simulator import main; main()"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port), "--config", str(config)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=config.parent,
    )  # fmt: skip
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    last = time.monotonic() + START
    while time.monotonic() < last and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("alpaca-simulators did not start")


@asynccontextmanager
async def plant(url: str, folder: Path, *kinds: str) -> AsyncIterator[Client]:
    configs = [config for kind in kinds for config in device_configs(ALPACA.kinds[kind], f"site/{kind}", {"url": url})]
    async with DeviceServer(configs, Environment(folder=folder)) as server:
        await server.ready(TESTER, 15.0)
        yield server.client(TESTER)


async def until(client: Client, tag: str, value: Any) -> None:
    while (await client.get(f"site/{tag}")).value != value:
        await asyncio.sleep(0.02)


async def test_slew_and_park(simulators: str, tmp_path: Path) -> None:
    async with plant(simulators, tmp_path, "telescope") as client:
        done(await client.call("site/telescope", "unpark"))
        wanted = sky.sidereal_time(client.clock.wall_ns() / 1e9, 8.0), 40.0
        done(await client.call("site/telescope", "slew", *wanted))
        await until(client, "telescope/state", "tracking")
        found = [(await client.get(f"site/telescope/{name}")).value for name in ("right_ascension", "declination")]
        assert sky.separation((found[0], found[1]), wanted) < 0.01
        done(await client.call("site/telescope", "park"))
        await until(client, "telescope/parked", True)


async def test_the_dome_opens_and_closes(simulators: str, tmp_path: Path) -> None:
    async with plant(simulators, tmp_path, "dome") as client:
        done(await client.call("site/dome", "open"))
        await until(client, "dome/shutter", "open")
        done(await client.call("site/dome", "close"))
        await until(client, "dome/shutter", "closed")


async def test_an_image_arrives_as_a_file_that_astropy_verifies(
    simulators: str, tmp_path: Path, require_package: Any
) -> None:
    fits = require_package("astropy.io.fits", "astropy")
    async with plant(simulators, tmp_path, "camera") as client:
        done(await client.call("site/camera", "expose", 0.3, "dark"))
        await until(client, "camera/images", 1)
        path = tmp_path / "images" / (await client.get("site/camera/image")).value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path) as file:
            file.verify("exception")
            assert file[0].data.shape == (48, 64)
            assert (file[0].header["IMAGETYP"], file[0].header["EXPTIME"]) == ("Dark Frame", 0.3)
            assert (decode_fits(path.read_bytes()).pixels == file[0].data).all()


async def test_wheel_focuser_and_sensors(simulators: str, tmp_path: Path) -> None:
    async with plant(simulators, tmp_path, "filterwheel", "focuser", "safetymonitor", "observingconditions") as client:
        done(await client.call("site/filterwheel", "select", "blue"))
        await until(client, "filterwheel/filter", "blue")
        done(await client.call("site/focuser", "move", 5100))
        await until(client, "focuser/position", 5100)
        assert (await client.get("site/safetymonitor/safe")).value in (True, False)
        assert (await client.get("site/observingconditions/temperature")).value is not None
