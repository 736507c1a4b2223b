"""One interface of instruments: commands start, tags tell."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno.device import plan_of
from sereno.device.instruments import KINDS, Camera, TelescopeState, TelescopeStatus, decode_fits
from sereno.model import DeviceError, NoAnswerError, Quality, RefusedError, severity
from sereno.testing import DeviceTest, JumpingClock, run_jumping
from tests.device.instruments.fakes import FakeCamera, FakeConditions, FakeSwitch, FakeTelescope, FakeWheel, until


def test_every_kind_declares_its_tags_and_commands_once() -> None:
    plans = {kind: plan_of(cls) for kind, cls in KINDS.items()}
    assert {"state", "right_ascension", "declination", "altitude", "azimuth", "tracking", "parked"} == set(
        plans["telescope"].tags
    )
    assert set(plans["telescope"].commands) == {"slew", "track", "park", "unpark", "abort"}
    assert set(plans["dome"].commands) == {"open", "close", "turn", "park", "abort"}
    camera = plans["camera"]
    assert camera.commands["expose"].spec.signature.startswith("expose(")
    assert [p.optional for p in camera.commands["expose"].spec.parameters] == [False, True]
    assert camera.tags["state"].spec.labels == ("idle", "waiting", "exposing", "reading", "error")
    assert {name for name, tag in camera.tags.items() if tag.spec.access.writable} == {
        "target_temperature", "cooler", "binning",
    }  # fmt: skip
    assert len(plans["observingconditions"].tags) == 12


def test_a_slew_returns_when_it_is_accepted_and_the_tags_tell() -> None:
    async def work(clock: JumpingClock) -> None:
        async with DeviceTest(FakeTelescope, clock=clock) as telescope:
            begun = clock.monotonic()
            await telescope.call("slew", 5.5, -5.4)
            assert clock.monotonic() - begun < 0.01
            assert await telescope.read("state") == "slewing"
            telescope.device.does = TelescopeState.TRACKING
            await until(telescope.client, "test/fake_telescope/state", "tracking")
            assert (await telescope.read("right_ascension"), await telescope.read("tracking")) == (5.5, True)
            altitude = await telescope.reading("altitude")
            assert (altitude.quality, altitude.reason) == (Quality.NOT_IMPLEMENTED, "not implemented")

    run_jumping(work)


class Northern(FakeTelescope):
    """Stands a hair west of north."""

    async def observe(self) -> TelescopeStatus:
        return replace(await super().observe(), azimuth=self.at[1])


def test_north_is_never_shown_as_360_degrees() -> None:
    async def work() -> None:
        async with DeviceTest(Northern) as telescope:
            shown = []
            for telescope.device.at in ((0.0, 359.994), (0.0, 359.998), (0.0, 360.0), (0.0, 0.004)):
                await telescope.device.look()
                shown.append(telescope.device.azimuth)
            assert shown == [359.994, 0.0, 0.0, 0.004]

    asyncio.run(work())


class Speechless(FakeTelescope):
    """Moves, and then cannot say where it is."""

    async def observe(self) -> TelescopeStatus:
        if self.does is TelescopeState.SLEWING:
            raise DeviceError("device_error", "the encoder is away")
        return await super().observe()


def test_what_was_begun_is_not_refused_because_it_cannot_be_looked_at() -> None:
    async def work(clock: JumpingClock) -> None:
        async with DeviceTest(Speechless, clock=clock) as telescope:
            await telescope.call("slew", 5.5, -5.4)
            assert telescope.device.at == (5.5, -5.4)
            await clock.sleep(3.0)
            assert severity((await telescope.reading("state")).quality) == "bad"

    run_jumping(work)


def test_what_is_refused_says_why() -> None:
    async def work(clock: JumpingClock) -> None:
        async with DeviceTest(FakeTelescope, clock=clock) as telescope:
            with pytest.raises(DeviceError, match="below_horizon: that is below the horizon"):
                await telescope.call("slew", 5.5, -80.0)
            with pytest.raises(RefusedError, match="declination takes -90 to 90 deg"):
                await telescope.call("slew", 5.5, 91.0)
            with pytest.raises(DeviceError, match="not_implemented"):
                await telescope.call("park")

    run_jumping(work)


@pytest.mark.parametrize("ends", ["overtaken", "given up"])
def test_an_order_that_takes_its_end_for_an_error_of_its_own_is_not_known(ends: str) -> None:
    class Stubborn(FakeTelescope):
        """Says that the mount refused, whatever ended the order."""

        async def do_slew(self, right_ascension: float, declination: float) -> None:
            try:
                await self.surroundings.clock.sleep(60.0)
            except asyncio.CancelledError:
                raise DeviceError("refused", "no") from None

    async def work(clock: JumpingClock) -> None:
        async with DeviceTest(Stubborn, clock=clock) as telescope:
            slew = asyncio.create_task(telescope.device.begin(telescope.device.do_slew(1.0, 2.0)))
            await clock.sleep(1.0)
            if ends == "overtaken":
                telescope.device.overtake()
            else:
                slew.cancel()
            with pytest.raises(NoAnswerError if ends == "overtaken" else asyncio.CancelledError):
                await slew

    run_jumping(work)


def test_a_wheel_goes_by_filter_or_by_place() -> None:
    async def work(clock: JumpingClock) -> None:
        async with DeviceTest(FakeWheel, clock=clock) as wheel:
            await wheel.call("select", "blue")
            assert (await wheel.read("position"), await wheel.read("filter")) == (2, "blue")
            await wheel.call("move", 1)
            assert await wheel.read("filter") == "red"
            with pytest.raises(DeviceError, match="there is no filter 'green'; there are: clear, red, blue"):
                await wheel.call("select", "green")
            with pytest.raises(DeviceError, match="there are 0 to 2"):
                await wheel.call("move", 3)

    run_jumping(work)


def test_what_a_station_does_not_have_is_said() -> None:
    async def work(clock: JumpingClock) -> None:
        async with DeviceTest(FakeConditions, clock=clock) as station:
            assert await station.read("temperature") == 11.5
            assert (await station.reading("humidity")).reason == "not implemented"

    run_jumping(work)


def test_switches_are_found_when_it_connects() -> None:
    async def work(clock: JumpingClock) -> None:
        async with DeviceTest(FakeSwitch, clock=clock) as box:
            await until(box.client, "test/fake_switch/flat_lamp", False)
            await box.write("flat_lamp", True)
            await box.write("heater", 0.4)
            assert box.device.values == [1.0, 0.4]
            assert (await box.read("flat_lamp"), await box.read("switches")) == (True, 2)
            with pytest.raises(RefusedError):
                await box.write("heater", 0.6)

    run_jumping(work)


def camera_test(work: Any, tmp_path: Path, **facts: Any) -> None:
    async def run(clock: JumpingClock) -> None:
        async with DeviceTest(FakeCamera, clock=clock, images_folder=str(tmp_path / "images")) as camera:
            vars(camera.device).update(facts)
            await work(camera, clock)

    run_jumping(run)


def test_an_image_is_a_file_before_it_is_told(tmp_path: Path) -> None:
    async def work(camera: Any, clock: JumpingClock) -> None:
        await camera.call("expose", 10.0, "flat")
        assert (await camera.read("exposure_id"), await camera.read("state")) == (1, "exposing")
        with pytest.raises(DeviceError, match="busy"):
            await camera.call("expose", 1.0)
        await clock.sleep(5.0)
        assert await camera.read("exposure_left") == pytest.approx(5.0, abs=1.1)
        assert await camera.read("progress") == pytest.approx(50.0, abs=11)
        await until(camera.client, "test/fake_camera/images", 1)
        assert clock.monotonic() == pytest.approx(11.3, abs=0.5)
        name = await camera.read("image")
        image = decode_fits((tmp_path / "images" / name).read_bytes())
        assert np.array_equal(image.pixels, np.arange(12, dtype=np.uint16).reshape(3, 4))
        assert image.cards["EXPTIME"] == 10.0
        assert (image.cards["IMAGETYP"], image.cards["GAIN"], image.cards["CCD-TEMP"]) == ("Flat Frame", 2.0, -10.0)
        await until(camera.client, "test/fake_camera/state", "idle")
        assert [path.name for path in (tmp_path / "images").iterdir()] == [name]

    camera_test(work, tmp_path)


def test_abort_ends_an_exposure_without_an_image(tmp_path: Path) -> None:
    async def work(camera: Any, clock: JumpingClock) -> None:
        await camera.call("expose", 600.0)
        await clock.sleep(3.0)
        await camera.call("abort")
        assert await camera.read("state") == "idle"
        await camera.call("expose", 1.0)
        await until(camera.client, "test/fake_camera/images", 1)
        assert await camera.read("exposure_id") == 2

    camera_test(work, tmp_path)


def test_a_camera_that_never_gives_its_image_is_in_an_error(tmp_path: Path) -> None:
    async def work(camera: Any, clock: JumpingClock) -> None:
        await camera.call("expose", 1.0)
        await clock.sleep(125.0)
        assert (await camera.read("state"), await camera.read("images")) == ("error", 0)
        assert "no image 120 s after the exposure" in await camera.read("trouble")
        await camera.call("abort")
        assert await camera.read("state") == "idle"

    camera_test(work, tmp_path, late=1e9)


def test_a_camera_that_is_silent_for_a_while_gives_its_image_afterwards(tmp_path: Path) -> None:
    async def work(camera: Any, clock: JumpingClock) -> None:
        await camera.call("expose", 2.0)
        camera.device.gone = 3
        await until(camera.client, "test/fake_camera/images", 1)

    camera_test(work, tmp_path)


def test_a_camera_that_talks_nonsense_after_its_image_can_be_shut_down(tmp_path: Path) -> None:
    async def work(camera: Any, clock: JumpingClock) -> None:
        device = camera.device
        fetch = device.do_fetch

        async def nonsense() -> Any:
            raise ValueError("nonsense")

        async def last() -> Any:
            device.observe = nonsense
            return await fetch()

        device.do_fetch = last
        await camera.call("expose", 1.0)
        await until(camera.client, "test/fake_camera/images", 1)
        await device.shutdown()

    camera_test(work, tmp_path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file where the folder should be")

    async def work(camera: Any, clock: JumpingClock) -> None:
        await camera.call("expose", 1.0)
        await until(camera.client, "test/fake_camera/state", "error")
        assert await camera.read("trouble")
        assert await camera.read("image") == ""

    camera_test(work, tmp_path)


def test_an_exposure_ends_with_its_device(tmp_path: Path) -> None:
    async def work(clock: JumpingClock) -> None:
        async with DeviceTest(FakeCamera, clock=clock, images_folder=str(tmp_path)) as camera:
            await camera.call("expose", 600.0)
        assert not [task for task in asyncio.all_tasks() if "exposure" in task.get_name()]

    run_jumping(work)


def test_images_go_to_the_data_folder_unless_told_otherwise(tmp_path: Path) -> None:
    async def work(clock: JumpingClock) -> None:
        async with DeviceTest(FakeCamera, clock=clock, folder=tmp_path / "data") as camera:
            found: Camera = camera.device
            assert found.where() == tmp_path / "data" / "images"

    run_jumping(work)
