"""A client that others wrote (alpyca) drives our simulated instruments."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from sereno.model import SystemClock
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.instruments.observatory import SimObservatory
from sereno.sim.instruments.starfield import Sensor


@pytest.fixture
async def server() -> AsyncIterator[AlpacaServer]:
    clock = SystemClock()
    site = SimObservatory(clock, visible=Sensor(width=48, height=32, readout=0.05))
    site.telescope.rate, site.telescope.settle, site.dome.seconds, site.dome.rate = 400.0, 0.0, 0.2, 4000.0
    site.wheel.seconds, site.focuser.rate = 0.02, 1e6
    server = AlpacaServer(site.devices(), clock)
    await server.start()
    yield server
    await server.close()


def wait(condition: Callable[[], bool]) -> None:
    last = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < last
        time.sleep(0.01)


async def driven(server: AlpacaServer, work: Callable[[str], None]) -> None:
    await asyncio.to_thread(work, f"127.0.0.1:{server.port}")


async def test_a_telescope(server: AlpacaServer, require_package: Any) -> None:
    module = require_package("alpaca.telescope", "alpyca")

    def work(address: str) -> None:
        telescope = module.Telescope(address, 0)
        telescope.Connected = True
        assert telescope.CanSlewAsync
        assert telescope.AtPark
        with pytest.raises(require_package("alpaca.exceptions", "alpyca").ParkedException):
            telescope.SlewToCoordinatesAsync(1.0, 10.0)
        telescope.Unpark()
        telescope.Tracking = True
        wanted = telescope.SiderealTime
        telescope.SlewToCoordinatesAsync(wanted, 20.0)
        wait(lambda: not telescope.Slewing)
        assert telescope.RightAscension == pytest.approx(wanted, abs=1e-6)
        assert telescope.Declination == pytest.approx(20.0)
        with pytest.raises(require_package("alpaca.exceptions", "alpyca").NotImplementedException):
            telescope.FindHome()
        with pytest.raises(require_package("alpaca.exceptions", "alpyca").InvalidValueException):
            telescope.SlewToCoordinatesAsync(25.0, 20.0)
        assert telescope.UTCDate.year >= 2025
        telescope.Park()
        wait(lambda: telescope.AtPark)

    await driven(server, work)


async def test_a_dome(server: AlpacaServer, require_package: Any) -> None:
    module = require_package("alpaca.dome", "alpyca")

    def work(address: str) -> None:
        dome = module.Dome(address, 0)
        dome.Connected = True
        assert dome.ShutterStatus == module.ShutterState.shutterClosed
        dome.OpenShutter()
        wait(lambda: dome.ShutterStatus == module.ShutterState.shutterOpen)
        dome.SlewToAzimuth(120.0)
        wait(lambda: not dome.Slewing)
        assert dome.Azimuth == pytest.approx(120.0)
        dome.CloseShutter()
        wait(lambda: dome.ShutterStatus == module.ShutterState.shutterClosed)

    await driven(server, work)


async def test_a_camera(server: AlpacaServer, require_package: Any) -> None:
    module = require_package("alpaca.camera", "alpyca")

    def work(address: str) -> None:
        camera = module.Camera(address, 0)
        camera.Connected = True
        assert (camera.CameraXSize, camera.CameraYSize) == (48, 32)
        camera.StartExposure(0.1, False)
        wait(lambda: camera.ImageReady)
        image = np.array(camera.ImageArray)
        assert image.shape == (48, 32)
        assert 400 < np.median(image) < 600
        assert camera.LastExposureDuration == pytest.approx(0.1)
        camera.SetCCDTemperature = -15.0
        camera.CoolerOn = True
        assert (camera.SetCCDTemperature, camera.CoolerOn) == (-15.0, True)

    await driven(server, work)


async def test_wheel_focuser_weather_safety_and_switches(server: AlpacaServer, require_package: Any) -> None:
    alpaca = {
        name: require_package(f"alpaca.{name}", "alpyca")
        for name in ("filterwheel", "focuser", "observingconditions", "safetymonitor", "switch", "management")
    }

    def work(address: str) -> None:
        wheel = alpaca["filterwheel"].FilterWheel(address, 0)
        wheel.Connected = True
        wheel.Position = 2
        wait(lambda: wheel.Position == 2)
        assert wheel.Names[2] == "g"
        focuser = alpaca["focuser"].Focuser(address, 0)
        focuser.Connected = True
        focuser.Move(5200)
        wait(lambda: not focuser.IsMoving)
        assert focuser.Position == 5200
        weather = alpaca["observingconditions"].ObservingConditions(address, 0)
        weather.Connected = True
        assert weather.WindSpeed == 3.1
        safety = alpaca["safetymonitor"].SafetyMonitor(address, 0)
        safety.Connected = True
        assert safety.IsSafe
        switch = alpaca["switch"].Switch(address, 0)
        switch.Connected = True
        switch.SetSwitch(0, True)
        assert switch.GetSwitchValue(0) == 1.0
        assert switch.GetSwitchName(0) == "Flat lamp"
        listed = alpaca["management"].configureddevices(address)
        assert {one["DeviceType"].lower() for one in listed} >= {"camera", "dome", "telescope", "switch"}

    await driven(server, work)
