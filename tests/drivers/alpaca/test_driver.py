"""The Alpaca driver against our simulators, in memory and in virtual time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from sereno.app.serve.server import DeviceServer
from sereno.client import done
from sereno.device import Environment, device_configs
from sereno.device.instruments import ShutterState, decode_fits, sky
from sereno.drivers.alpaca import camera, client
from sereno.drivers.alpaca.family import ALPACA
from sereno.drivers.alpaca.protocol import Address
from sereno.model import AckState, DeviceError, NoAnswerError, Quality, severity
from sereno.sim.instruments.alpaca import AlpacaServer
from sereno.sim.instruments.observatory import SimObservatory
from sereno.sim.instruments.values import Arguments
from sereno.sim.instruments.web import Silence
from sereno.sim.scenario import parse_scenario
from sereno.testing import TESTER, JumpingClock, MemoryTransports, run_jumping
from tests.drivers.alpaca.rig import Rig, rig

Work = Callable[[Rig], Awaitable[None]]


def at(tmp_path: Path, *actors: str, scenario: object = None, **site: Any) -> Callable[[Work], None]:
    def run(work: Work) -> None:
        async def whole(clock: JumpingClock) -> None:
            script = None if scenario is None else parse_scenario(scenario, "test")
            async with rig(clock, tmp_path, *actors, scenario=script, **site) as bench:
                await work(bench)

        run_jumping(whole)

    return run


def test_what_it_says_of_its_versions_stands_beside_the_device(tmp_path: Path) -> None:
    @at(tmp_path, "focuser")
    async def _(bench: Rig) -> None:
        (status,) = [one for one in await bench.client.devices() if one.path == "site/focuser"]
        assert status.remarks[0].startswith("Simulated instrument of Sereno, driver version 1.0, interface ")


def test_an_instrument_that_does_not_say_its_versions_is_of_use(tmp_path: Path) -> None:
    @at(tmp_path, "focuser")
    async def _(bench: Rig) -> None:
        (focuser,) = [one for one in bench.server.devices if one.kind == "focuser"]

        def broken(_: Any) -> Any:
            raise Silence

        focuser.get["driverinfo"] = broken
        focuser.connected = False
        await bench.clock.sleep(30.0)
        await bench.call("focuser", "move", 100)


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


def test_a_dome_that_nobody_scans_closes_by_itself(tmp_path: Path) -> None:
    @run_jumping
    async def _(clock: JumpingClock) -> None:
        network = MemoryTransports()
        site = SimObservatory(clock)
        server = AlpacaServer(site.devices(), clock, transports=network)
        await server.start(80)
        settings = {"url": server.urls()["dome"], "beat": 5.0}
        configs = device_configs(ALPACA.kinds["dome"], "site/dome", settings)
        try:
            async with DeviceServer(configs, Environment(clock=clock, transports=network, folder=tmp_path)) as devices:
                await devices.ready(TESTER, 10.0)
                client = devices.client(TESTER)
                assert (await client.get("site/dome/watchdog")).value == 5.0
                done(await client.call("site/dome", "open"))
                await clock.sleep(60.0)
                assert site.dome.shutter is ShutterState.OPEN, "scans are the beat"
            await clock.sleep(4.0)
            assert site.dome.shutter is ShutterState.OPEN
            await clock.sleep(2.0)
            assert site.dome.shutter is ShutterState.CLOSING, "the node is gone"
        finally:
            await server.close()


@pytest.mark.parametrize("beat", [20.0, 0.0])
def test_a_watchdog_that_is_changed_at_the_other_end_is_set_again_or_told(beat: float, tmp_path: Path) -> None:
    @at(tmp_path, "dome", settings={"dome": {"beat": beat}})
    async def _(bench: Rig) -> None:
        bench.site.dome.watchdog = 300.0
        await bench.clock.sleep(15.0)
        assert bench.site.dome.watchdog == (beat or 300.0)
        assert await bench.read("dome/watchdog") == (beat or 300.0)


def test_a_watchdog_that_is_lost_while_connected_is_told_and_comes_back(tmp_path: Path) -> None:
    @at(tmp_path, "dome", settings={"dome": {"beat": 20.0}})
    async def _(bench: Rig) -> None:
        (dome,) = [one for one in bench.server.devices if one.kind == "dome"]
        (action,) = dome.members.actions.values()
        said = ["300"]

        def other(_: str) -> str:
            if not said:
                raise Silence
            return said[0]

        assert await bench.read("dome/watchdog") == 20.0
        for answers in (["300"], ["0"], []):
            said[:] = answers
            dome.members.actions = {"watchdog": other}
            await bench.clock.sleep(17.0)
            reading = await bench.client.get("site/dome/watchdog")
            assert (reading.quality, reading.reason) == (Quality.BAD, "bad: not known now"), answers
            reading = await bench.client.get("site/dome/shutter")
            assert (reading.value, reading.quality) == ("closed", 0), "the dome is seen all the same"
            dome.members.actions = {"watchdog": action}
            await bench.until("dome/watchdog", 20.0, seconds=30.0)


@pytest.mark.parametrize(("beat", "quality"), [(0.0, Quality.NOT_IMPLEMENTED), (20.0, Quality.BAD)])
def test_a_dome_without_a_watchdog_says_so_and_is_a_complaint_where_one_was_asked_for(
    beat: float, quality: Quality, tmp_path: Path
) -> None:
    @at(tmp_path, "dome", shutter=False, settings={"dome": {"beat": beat}})
    async def _(bench: Rig) -> None:
        assert (await bench.client.get("site/dome/watchdog")).quality == quality


@pytest.mark.parametrize(("kind", "member", "tag"), [
    ("focuser", "temperature", "temperature"), ("focuser", "position", "position"),
    ("dome", "shutterstatus", "shutter"),
])  # fmt: skip
def test_what_is_not_known_now_is_not_what_it_does_not_have(kind: str, member: str, tag: str, tmp_path: Path) -> None:
    @at(tmp_path, kind)
    async def _(bench: Rig) -> None:
        (device,) = [one for one in bench.server.devices if one.kind == kind]

        def told(reason: str) -> Callable[[Any], Any]:
            def value(_: Any) -> Any:
                raise DeviceError(reason, "no words")

            return value

        for reason, quality in (("value_not_set", Quality.BAD), ("not_implemented", Quality.NOT_IMPLEMENTED)):
            device.get[member] = device.members.get[member] = told(reason)
            await bench.clock.sleep(5.0)
            assert (await bench.client.get(f"site/{kind}/{tag}")).quality == quality


class _Slow:
    """Requests for one method are taken up and answered late, as by a server whose hardware is slow."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, member: str, seconds: float) -> None:
        self.began = 0
        answer = AlpacaServer.answer

        async def late(server: AlpacaServer, request: Any) -> Any:
            if request.method == "PUT" and request.path.endswith(f"/{member}"):
                self.began += 1
                await server._clock.sleep(seconds)
            return await answer(server, request)

        monkeypatch.setattr(AlpacaServer, "answer", late)


@pytest.mark.parametrize(("command", "arguments", "member"), [("turn", (90.0,), "slewtoazimuth"), ("open", (), "x")])
def test_a_close_waits_for_nothing_that_is_under_way(
    command: str, arguments: tuple[float, ...], member: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = _Slow(monkeypatch, member if command == "turn" else "openshutter", 4.0)

    @at(tmp_path, "dome")
    async def _(bench: Rig) -> None:
        bench.site.dome.move(1.0)
        await bench.until("dome/shutter", "open")
        under_way = asyncio.create_task(bench.client.call("site/dome", command, *arguments))
        behind = asyncio.create_task(bench.client.call("site/dome", "open", timeout=60.0))
        while not slow.began:
            await bench.clock.sleep(0.01)
        begun = bench.clock.monotonic()
        await bench.call("dome", "close")
        assert bench.clock.monotonic() - begun < 0.5
        assert bench.site.dome.shutter is ShutterState.CLOSING
        overtaken = await under_way
        assert overtaken.state is AckState.UNKNOWN
        assert "overtaken by another command" in overtaken.reason
        last = await behind
        assert last.state is AckState.FAILED
        assert "open was overtaken by close, which came later" in last.reason
        await bench.clock.sleep(30.0)
        assert bench.site.dome.shutter is ShutterState.CLOSED


def test_a_park_overtakes_what_is_left_of_a_slew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = _Slow(monkeypatch, "tracking", 4.0)

    @at(tmp_path, "telescope")
    async def _(bench: Rig) -> None:
        await bench.call("telescope", "unpark")
        slew = asyncio.create_task(bench.client.call("site/telescope", "slew", 5.5, 40.0))
        while not slow.began:
            await bench.clock.sleep(0.01)
        begun = bench.clock.monotonic()
        await bench.call("telescope", "park")
        assert bench.clock.monotonic() - begun < 0.5
        assert (await slew).state is AckState.UNKNOWN
        await bench.until("telescope/state", "parked")
        await bench.clock.sleep(30.0)
        assert await bench.read("telescope/state") == "parked", "the slew itself was never sent"


@pytest.mark.parametrize("answer", ["no actions", "refused", "no number", "none"])
def test_a_strange_watchdog_does_not_keep_a_dome_from_being_closed(answer: str, tmp_path: Path) -> None:
    @at(tmp_path, "dome")
    async def _(bench: Rig) -> None:
        (dome,) = [one for one in bench.server.devices if one.kind == "dome"]

        def action(_: str) -> str:
            if answer == "refused":
                raise DeviceError("invalid_value", "at most 60 s")
            if answer == "none":
                raise Silence
            return "armed"

        bench.site.dome.move(1.0)
        dome.members.actions = {"watchdog": action}
        if answer == "no actions":
            del dome.get["supportedactions"]
        dome.connected = False
        await bench.clock.sleep(20.0)
        reading = await bench.client.get("site/dome/watchdog")
        expected = Quality.NOT_IMPLEMENTED if answer == "no actions" else Quality.BAD
        assert reading.quality == expected
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
        assert image.cards["EGAIN"] == await bench.read("cameravis/electrons_per_count") == 1.4
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


def test_a_look_at_a_slow_device_has_an_end() -> None:
    async def work(clock: JumpingClock) -> None:
        class Slow:
            async def ask(self, *_: Any, timeout: float, **__: Any) -> Any:
                async with clock.timeout(timeout):
                    await clock.sleep(4.0)
                return SimpleNamespace(status=200, body=b'{"Value": 1.0, "ErrorNumber": 0, "ErrorMessage": ""}')

        asking = client.AlpacaClient(cast(Any, Slow()), Address("http://127.0.0.1:1/0"), "camera", clock=clock)
        look = await asking.snapshot()
        begun = clock.monotonic()
        with suppress(NoAnswerError, TimeoutError):
            for _ in range(12):
                await look.number("gain")
        assert clock.monotonic() - begun <= 2 * 5.0, "a scan of twelve questions took 48 s"

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


def test_a_value_that_its_sensor_has_not_renewed_is_not_known(tmp_path: Path) -> None:
    """As where the file of a cloud sensor is written no more, and its driver answers all the same."""

    @at(tmp_path, "conditions", settings={"conditions": {"max_silence": 60.0}})
    async def _(bench: Rig) -> None:
        (station,) = [one for one in bench.server.devices if one.kind == "observingconditions"]
        ages: dict[str, float] = {}

        def age(given: Any) -> float:
            name = str(given.text("SensorName"))
            if name == "Humidity":
                raise DeviceError("not_implemented", "no words")
            return ages.get(name, 1.0)

        async def severities() -> list[str]:
            await bench.clock.sleep(30.0)
            tags = ("rain_rate", "wind_speed", "humidity")
            return [severity((await bench.client.get(f"site/conditions/{tag}")).quality) for tag in tags]

        station.get["timesincelastupdate"] = age
        assert await severities() == ["good"] * 3
        ages |= {"RainRate": 61.0}
        assert await severities() == ["bad", "good", "good"]
        assert (await bench.client.get("site/conditions/rain_rate")).reason == "bad: not known now"
        ages |= {"RainRate": 0.5, "WindSpeed": -1.0}  # it never has
        assert await severities() == ["good", "bad", "good"]


def test_what_only_commands_change_is_asked_for_seldom_and_after_each_command(tmp_path: Path) -> None:
    @at(tmp_path, "cameraVIS")
    async def _(bench: Rig) -> None:
        (device,) = [one for one in bench.server.devices if one.actor == "cameraVIS"]
        asked: list[str] = []

        def counted(member: str, real: Any) -> Any:
            return lambda given: (asked.append(member), real(given))[1]

        for member in ("cooleron", "binx", "camerastate"):
            device.get[member] = counted(member, device.get[member])
        await bench.clock.sleep(20.0)
        assert 1 <= asked.count("binx") <= 3
        assert asked.count("binx") == asked.count("cooleron")
        await bench.write("cameravis/cooler", True)
        assert await bench.read("cameravis/cooler") is True
        await bench.write("cameravis/binning", 2)
        assert (await bench.read("cameravis/binning"), await bench.read("cameravis/width")) == (2, 80)
        device.put["cooleron"](Arguments({"cooleron": "False"}))  # another client
        await bench.clock.sleep(camera.SETTINGS_AGE + 2.0)
        assert await bench.read("cameravis/cooler") is False


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
