"""The Alpaca driver against our simulators, in memory and in virtual time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from sereno.device import device_configs
from sereno.device.instruments import decode_fits, sky
from sereno.drivers.alpaca import camera, client
from sereno.drivers.alpaca.family import ALPACA
from sereno.drivers.alpaca.protocol import Address
from sereno.model import DeviceError, NoAnswerError, severity
from sereno.sim.scenario import parse_scenario
from sereno.testing import JumpingClock, run_jumping
from tests.drivers.alpaca.rig import Rig, rig

Work = Callable[[Rig], Awaitable[None]]


def at(tmp_path: Path, *actors: str, scenario: object = None) -> Callable[[Work], None]:
    def run(work: Work) -> None:
        async def whole(clock: JumpingClock) -> None:
            script = None if scenario is None else parse_scenario(scenario, "test")
            async with rig(clock, tmp_path, *actors, scenario=script) as bench:
                await work(bench)

        run_jumping(whole)

    return run


def test_a_telescope_slews_tracks_and_parks(tmp_path: Path) -> None:
    @at(tmp_path, "telescope")
    async def _(bench: Rig) -> None:
        assert await bench.read("telescope/state") == "parked"
        with pytest.raises(DeviceError, match="parked"):
            await bench.call("telescope", "slew", 1.0, 10.0)
        await bench.call("telescope", "unpark")
        lst = bench.site.telescope.sidereal
        wanted = (lst - 2.0) % 24.0, 20.0
        begun = bench.clock.monotonic()
        await bench.call("telescope", "slew", *wanted)
        assert bench.clock.monotonic() - begun < 0.1
        assert await bench.read("telescope/state") == "slewing"
        await bench.until("telescope/state", "tracking")
        found = await bench.read("telescope/right_ascension"), await bench.read("telescope/declination")
        assert sky.separation(found, wanted) < 1e-4
        assert sky.separation(bench.site.telescope.position(), wanted) > 0.1  # it speaks of the equinox of date
        await bench.clock.sleep(300.0)
        assert sky.separation(bench.site.telescope.pointing(), wanted) < 1e-4
        await bench.call("telescope", "track", False)
        assert await bench.read("telescope/state") == "idle"
        await bench.call("telescope", "park")
        await bench.until("telescope/parked", True)
        assert await bench.read("telescope/state") == "parked"


def test_a_slew_is_aborted_and_one_below_the_horizon_is_refused(tmp_path: Path) -> None:
    @at(tmp_path, "telescope")
    async def _(bench: Rig) -> None:
        await bench.call("telescope", "unpark")
        lst = bench.site.telescope.sidereal
        with pytest.raises(DeviceError, match="above the horizon, the lowest is 10"):
            await bench.call("telescope", "slew", (lst + 12.0) % 24.0, 0.0)
        await bench.call("telescope", "slew", (lst - 5.0) % 24.0, 30.0)
        await bench.clock.sleep(4.0)
        await bench.call("telescope", "abort")
        assert await bench.read("telescope/state") in ("tracking", "idle")
        place = bench.site.telescope.pointing()
        await bench.clock.sleep(30.0)
        assert sky.separation(bench.site.telescope.pointing(), place) < 1e-3


def test_a_dome_opens_turns_jams_and_closes(tmp_path: Path) -> None:
    @at(tmp_path, "dome")
    async def _(bench: Rig) -> None:
        assert await bench.read("dome/shutter") == "closed"
        await bench.call("dome", "open")
        assert await bench.read("dome/shutter") == "opening"
        await bench.until("dome/shutter", "open")
        await bench.call("dome", "turn", 90.0)
        assert await bench.read("dome/turning") is True
        await bench.until("dome/turning", False)
        assert await bench.read("dome/azimuth") == pytest.approx(90.0)
        await bench.call("dome", "close")
        await bench.clock.sleep(3.0)
        bench.server.force("dome", {"jam": 1})
        await bench.until("dome/shutter", "error")
        bench.server.force("dome", {"jam": 0})
        await bench.call("dome", "close")
        await bench.until("dome/shutter", "closed")


def test_an_image_arrives_as_a_file(tmp_path: Path) -> None:
    @at(tmp_path, "cameraVIS", "filterWheel", "focuser", "telescope")
    async def _(bench: Rig) -> None:
        bench.site.roofless = True
        await bench.call("telescope", "unpark")
        await bench.call("telescope", "slew", bench.site.telescope.sidereal, 30.0)
        await bench.call("filterwheel", "select", "r")
        await bench.until("filterwheel/filter", "r")
        await bench.until("telescope/state", "tracking")
        await bench.write("cameravis/target_temperature", -20.0)
        await bench.write("cameravis/cooler", True)
        await bench.clock.sleep(300.0)
        assert await bench.read("cameravis/temperature") == pytest.approx(-20.0, abs=0.5)
        await bench.call("cameravis", "expose", 30.0)
        assert await bench.read("cameravis/state") == "exposing"
        await bench.until("cameravis/images", 1)
        image = decode_fits((tmp_path / "images" / await bench.read("cameravis/image")).read_bytes())
        assert image.pixels.dtype == np.uint16
        assert image.pixels.shape == (120, 160)
        assert np.array_equal(image.pixels, bench.site.visible.image())
        assert (image.cards["EXPTIME"], image.cards["XBINNING"]) == (30.0, 1)
        assert image.pixels.max() > np.median(image.pixels) + 500  # there are stars
        await bench.write("cameravis/binning", 2)
        assert (await bench.read("cameravis/width"), await bench.read("cameravis/height")) == (80, 60)
        await bench.call("cameravis", "expose", 0.0, "bias")
        await bench.until("cameravis/images", 2)


@pytest.mark.parametrize("decoder", ["decode_image", "counts"])
def test_an_image_is_not_decoded_in_the_loop(tmp_path: Path, decoder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = client if decoder == "decode_image" else camera
    real, threads = getattr(module, decoder), []

    def decode(data: Any) -> Any:
        threads.append(threading.current_thread())
        return real(data)

    monkeypatch.setattr(module, decoder, decode)

    @at(tmp_path, "cameraVIS")
    async def _(bench: Rig) -> None:
        await bench.call("cameravis", "expose", 0.0, "bias")
        await bench.until("cameravis/images", 1)
        assert threads
        assert threading.current_thread() not in threads


def test_a_sensor_of_no_measure_takes_no_memory() -> None:
    async def work(_: JumpingClock) -> None:
        asked: list[int] = []

        class Http:
            async def ask(self, *_: Any, most: int, **__: Any) -> Any:
                asked.append(most)
                raise NoAnswerError("enough")

        asking = client.AlpacaClient(cast(Any, Http()), Address("http://127.0.0.1:1/0"), "camera")
        with pytest.raises(NoAnswerError, match="enough"):
            await asking.image(10**12, 1.0)
        assert asked == [client.MOST_IMAGE]

    run_jumping(work)


def test_a_gauge_that_gives_no_number_does_not_take_the_others_along(tmp_path: Path) -> None:
    @at(tmp_path, "conditions")
    async def _(bench: Rig) -> None:
        (station,) = [one for one in bench.server.devices if one.kind == "observingconditions"]
        station.get["devicestate"] = lambda _: []
        station.get["humidity"] = lambda _: float("nan")
        await bench.clock.sleep(3.0)
        humidity, temperature = [
            await bench.client.get(f"site/conditions/{one}") for one in ("humidity", "temperature")
        ]
        assert (severity(humidity.quality), severity(temperature.quality)) == ("bad", "good")


def test_a_camera_that_stops_giving_images_is_in_an_error(tmp_path: Path) -> None:
    @at(tmp_path, "cameraVIS")
    async def _(bench: Rig) -> None:
        bench.server.force("cameraVIS", {"silent": 1})
        await bench.call("cameravis", "expose", 1.0)
        await bench.until("cameravis/state", "error")
        assert "no image" in await bench.read("cameravis/trouble")
        bench.server.force("cameraVIS", {"silent": 0})
        await bench.call("cameravis", "abort")
        await bench.call("cameravis", "expose", 1.0)
        await bench.until("cameravis/images", 1)


def test_an_exposure_is_aborted(tmp_path: Path) -> None:
    @at(tmp_path, "cameraVIS")
    async def _(bench: Rig) -> None:
        await bench.call("cameravis", "expose", 3000.0)
        await bench.clock.sleep(5.0)
        await bench.call("cameravis", "abort")
        assert (await bench.read("cameravis/state"), await bench.read("cameravis/trouble")) == ("idle", "")


def test_what_does_not_answer_is_stale_and_comes_back(tmp_path: Path) -> None:
    @at(tmp_path, "safety", scenario=[100, {"time": 5, "safetySimulator": {"broken": 20}}])
    async def _(bench: Rig) -> None:
        await bench.until("safety/safe", True)
        await bench.clock.sleep(14.0)
        assert (await bench.client.get("site/safety/safe")).quality
        await bench.clock.sleep(30.0)
        await bench.until("safety/safe", True)


def test_weather_and_switches(tmp_path: Path) -> None:
    @at(tmp_path, "conditions", "switch", "focuser")
    async def _(bench: Rig) -> None:
        assert await bench.read("conditions/temperature") == 12.12
        bench.server.force("conditions", {"rain_rate": 3.5, "seeing": None})
        await bench.call("conditions", "refresh")
        assert await bench.read("conditions/rain_rate") == 3.5
        await bench.write("switch/flat_lamp", True)
        await bench.write("switch/dew_heater", 40.0)
        assert bench.site.switches.values[:2] == [1.0, 40.0]
        assert await bench.read("switch/mains_voltage") == pytest.approx(229.6)
        await bench.call("focuser", "move", 6000)
        assert await bench.read("focuser/moving") is True
        await bench.until("focuser/moving", False)
        assert await bench.read("focuser/position") == 6000
        with pytest.raises(DeviceError, match="expected 0 to 10000"):
            await bench.call("focuser", "move", 20000)


def test_a_device_that_forgot_its_connection_is_connected_anew(tmp_path: Path) -> None:
    @at(tmp_path, "safety")
    async def _(bench: Rig) -> None:
        device = next(one for one in bench.server.devices if one.actor == "safety")
        device.connected = False
        await bench.clock.sleep(10.0)
        assert device.connected
        await bench.until("safety/safe", True)


def test_questions_and_answers_are_shown_to_who_looks(tmp_path: Path) -> None:
    @at(tmp_path, "safety")
    async def _(bench: Rig) -> None:
        seen = []
        async for line in bench.client.trace("site/safety"):
            seen.append((line.direction, line.text))
            if len(seen) == 2:
                break
        assert seen == [("tx", "GET issafe"), ("rx", "200 issafe")]


def test_a_farewell_that_takes_too_long_leaves_no_connection_behind() -> None:
    async def work(clock: JumpingClock) -> None:
        settings = {"url": "http://127.0.0.1:1/0", "hang_up": True}
        (config,) = device_configs(ALPACA.kinds["dome"], "site/it", settings)
        closed: list[str] = []

        class Silent:
            async def put(self, *_: Any, **__: Any) -> None:
                await asyncio.Event().wait()

            async def close(self) -> None:
                closed.append("http")

        device = cast(Any, config.config).device
        device._http = device._client = Silent()
        with pytest.raises(TimeoutError):
            async with clock.timeout(1.0):
                await device.shutdown()
        assert closed == ["http"]

    run_jumping(work)
