"""The INDI driver against a device that does what no simulator does, in memory and in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno.device.instruments import decode_fits, encode_fits
from sereno.model import AckState, DeviceError, severity
from sereno.testing import JumpingClock, run_jumping
from tests.drivers.indi.fake import Bench, FakeIndi, FakeProperty, bench

Work = Callable[[Bench], Awaitable[None]]


def at(kind: str, fake: FakeIndi, folder: Path, **how: Any) -> Callable[[Work], None]:
    def run(work: Work) -> None:
        async def whole(clock: JumpingClock) -> None:
            async with bench(clock, kind, fake, folder, **how) as made:
                await work(made)

        run_jumping(whole)

    return run


def wheel() -> FakeIndi:
    slot = FakeProperty("Number", {"FILTER_SLOT_VALUE": 1}, limits='min="1" max="3" step="1"')
    return FakeIndi({"FILTER_SLOT": slot})


def dome() -> FakeIndi:
    return FakeIndi(
        {
            "DOME_SHUTTER": FakeProperty("Switch", {"SHUTTER_OPEN": False, "SHUTTER_CLOSE": True}, answer="Busy"),
            "DOME_PARK": FakeProperty("Switch", {"PARK": True, "UNPARK": False}),
        }
    )


def camera() -> FakeIndi:
    return FakeIndi(
        {
            "CCD_EXPOSURE": FakeProperty(
                "Number", {"CCD_EXPOSURE_VALUE": 0}, answer="Busy", limits='min="0.1" max="9"'
            ),
            "CCD_INFO": FakeProperty("Number", {"CCD_MAX_X": 4, "CCD_MAX_Y": 3}, perm="ro"),
            "CCD1": FakeProperty("BLOB", {"CCD1": b""}, perm="ro"),
            "CCD_ABORT_EXPOSURE": FakeProperty("Switch", {"ABORT": False}, rule="AtMostOne"),
        }
    )


def test_it_connects_the_device_and_counts_places_from_0(tmp_path: Path) -> None:
    fake = wheel()

    @at("filterwheel", fake, tmp_path)
    async def _(here: Bench) -> None:
        assert fake.asked == [("CONNECTION", {"CONNECT": "On"})]
        assert await here.read("filters") == ("place 1", "place 2", "place 3")
        fake.properties["FILTER_SLOT"].answer = "Busy"
        await here.call("move", 2)
        assert fake.asked[-1] == ("FILTER_SLOT", {"FILTER_SLOT_VALUE": "3.0"})
        assert (await here.read("state"), await here.read("position")) == ("moving", -1)
        fake.tell("FILTER_SLOT", "Ok")
        await here.until("filter", "place 3")
        assert await here.read("position") == 2


def test_what_the_device_refuses_comes_with_its_words(tmp_path: Path) -> None:
    fake = wheel()

    @at("filterwheel", fake, tmp_path)
    async def _(here: Bench) -> None:
        known = fake.properties["FILTER_SLOT"]
        known.answer, known.words = "Alert", "The wheel is stuck"
        with pytest.raises(DeviceError, match="The wheel is stuck"):
            await here.call("move", 1)
        known.answer = None
        ack = await here.client.call("site/it", "move", 1, timeout=30.0)
        assert (ack.state, "did not say within 5 s that it took FILTER_SLOT" in ack.reason) == (AckState.UNKNOWN, True)


def test_a_device_that_there_is_not_is_told_with_those_there_are(tmp_path: Path) -> None:
    fake = wheel()
    fake.name = "Other"

    @at("filterwheel", fake, tmp_path, patience=0)
    async def _(here: Bench) -> None:
        await here.error("there is no device 'Fake <1>' on this server; there are: Other")


def test_a_device_of_another_kind_is_told(tmp_path: Path) -> None:
    @at("focuser", wheel(), tmp_path, patience=0)
    async def _(here: Bench) -> None:
        await here.error("has no ABS_FOCUS_POSITION: is it of another kind?")


def test_silence_is_stale_and_it_comes_back(tmp_path: Path) -> None:
    fake = wheel()

    @at("filterwheel", fake, tmp_path)
    async def _(here: Bench) -> None:
        fake.silent = True
        for _ in range(300):
            await here.clock.sleep(0.1)
            if severity((await here.client.get("site/it/position")).quality) == "bad":
                break
        else:
            pytest.fail("what does not answer is shown as if it did")
        fake.silent = False
        await here.until("position", 0)


@pytest.mark.parametrize(
    "end",
    [
        lambda fake: [one.transport.abort() for one in list(fake.ends)],
        lambda fake: fake.say('<delProperty device="Fake &lt;1&gt;"/>'),
        lambda fake: fake.say("no & XML"),
        lambda fake: fake.tell("CONNECTION", CONNECT=False, DISCONNECT=True),
    ],
    ids=["hung up", "driver ended", "no INDI", "disconnected by another"],
)
def test_whatever_ends_it_is_connected_anew(tmp_path: Path, end: Callable[[FakeIndi], object]) -> None:
    fake = wheel()

    @at("filterwheel", fake, tmp_path)
    async def _(here: Bench) -> None:
        fake.properties["FILTER_SLOT"].members["FILTER_SLOT_VALUE"] = 3
        fake.asked.clear()
        end(fake)
        await here.until("position", 2)
        assert fake.asked in ([], [("CONNECTION", {"CONNECT": "On"})])


def test_a_parked_dome_is_unparked_before_it_opens_and_closes_as_it_is(tmp_path: Path) -> None:
    fake = dome()

    @at("dome", fake, tmp_path)
    async def _(here: Bench) -> None:
        assert (await here.read("shutter"), await here.read("parked")) == ("closed", True)
        fake.asked.clear()
        await here.call("open")
        assert fake.asked == [("DOME_PARK", {"UNPARK": "On"}), ("DOME_SHUTTER", {"SHUTTER_OPEN": "On"})]
        assert await here.read("shutter") == "opening"
        fake.tell("DOME_SHUTTER", "Ok")
        await here.until("shutter", "open")
        await here.call("close")
        assert await here.read("shutter") == "closing"
        fake.tell("DOME_SHUTTER", "Alert")
        await here.until("shutter", "error")
        with pytest.raises(DeviceError, match="no ABS_DOME_POSITION"):
            await here.call("turn", 90)


def test_an_image_comes_a_foreign_format_and_none_at_all(tmp_path: Path) -> None:
    fake = camera()
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4)

    @at("camera", fake, tmp_path, readout=5.0)
    async def _(here: Bench) -> None:
        await here.call("expose", 0.0, "bias")
        assert fake.asked[-1] == ("CCD_EXPOSURE", {"CCD_EXPOSURE_VALUE": "0.1"})
        assert await here.read("state") == "exposing" or await here.read("state") == "reading"
        fake.tell("CCD1", CCD1=encode_fits(pixels, {"DETECTOR": "fake"}))
        fake.tell("CCD_EXPOSURE", "Ok")
        await here.until("images", 1)
        image = decode_fits((tmp_path / "images" / await here.read("image")).read_bytes())
        assert np.array_equal(image.pixels, pixels)
        await here.call("expose", 1.0)
        fake.say(
            '<setBLOBVector device="Fake &lt;1&gt;" name="CCD1" state="Ok">'
            '<oneBLOB name="CCD1" size="3" format=".cr2">YWJj</oneBLOB></setBLOBVector>'
        )
        await here.until("state", "error")
        assert "expected .fits" in await here.read("trouble")
        await here.call("expose", 1.0)
        await here.until("state", "error")
        assert "no image 5 s after the exposure" in await here.read("trouble")
        await here.call("expose", 9.0)
        await here.call("abort")
        assert fake.asked[-1] == ("CCD_ABORT_EXPOSURE", {"ABORT": "On"})


def test_a_state_without_an_image_is_not_the_image_of_before(tmp_path: Path) -> None:
    fake = camera()
    first, second = (np.full((3, 4), value, dtype=np.uint16) for value in (1, 2))

    @at("camera", fake, tmp_path, readout=20.0)
    async def _(here: Bench) -> None:
        await here.call("expose", 0.1)
        fake.tell("CCD1", CCD1=encode_fits(first))
        await here.until("images", 1)
        await here.call("expose", 0.1)
        fake.say('<setBLOBVector device="Fake &lt;1&gt;" name="CCD1" state="Busy"></setBLOBVector>')
        await here.clock.sleep(3.0)
        fake.tell("CCD1", CCD1=encode_fits(second))
        await here.until("images", 2)
        image = decode_fits((tmp_path / "images" / await here.read("image")).read_bytes())
        assert np.array_equal(image.pixels, second)


def test_what_a_station_could_not_measure_is_not_shown_as_measured(tmp_path: Path) -> None:
    for kind, tag in (("observingconditions", "temperature"), ("safetymonitor", "safe")):
        fake = FakeIndi(
            {
                "WEATHER_PARAMETERS": FakeProperty("Number", {"WEATHER_TEMPERATURE": 4.0}, perm="ro"),
                "WEATHER_STATUS": FakeProperty("Light", {"WEATHER_RAIN_HOUR": "Ok"}, perm="ro"),
            }
        )

        @at(kind, fake, tmp_path)
        async def _(here: Bench, tag: str = tag, fake: FakeIndi = fake) -> None:
            assert not (await here.client.get(f"site/it/{tag}")).quality
            fake.tell("WEATHER_PARAMETERS", "Alert", "no route to the station")
            await here.clock.sleep(5.0)
            assert severity((await here.client.get(f"site/it/{tag}")).quality) == "bad"
            fake.tell("WEATHER_PARAMETERS", "Ok")
            await here.clock.sleep(5.0)
            assert not (await here.client.get(f"site/it/{tag}")).quality


@pytest.mark.parametrize(
    ("state", "safe", "lenient"),
    [("Ok", True, True), ("Busy", False, True), ("Alert", False, False), ("Idle", False, False)],
)
def test_what_is_not_known_is_not_safe(tmp_path: Path, state: str, safe: bool, lenient: bool) -> None:
    for setting, wanted in ((False, safe), (True, lenient)):
        fake = FakeIndi({"WEATHER_STATUS": FakeProperty("Light", {"WEATHER_RAIN_HOUR": "Ok"}, state=state, perm="ro")})

        @at("safetymonitor", fake, tmp_path, warning_is_safe=setting)
        async def _(here: Bench, wanted: bool = wanted) -> None:
            assert await here.read("safe") is wanted


def test_switches_pairs_and_numbers(tmp_path: Path) -> None:
    fake = FakeIndi(
        {
            "LIGHT": FakeProperty("Switch", {"FLAT_ON": False, "FLAT_OFF": True}),
            "RELAYS": FakeProperty("Switch", {"R1": True, "R2": False}, rule="AnyOfMany"),
            "LEVEL": FakeProperty("Number", {"A": 5, "B": 7}, limits='min="0" max="255" step="1"'),
        }
    )

    @at("switch", fake, tmp_path, properties=["LIGHT", "RELAYS", "LEVEL"])
    async def _(here: Bench) -> None:
        assert [await here.read(one) for one in ("flat_on", "r1", "r2", "a", "b")] == [False, True, False, 5, 7]
        await here.client.write("site/it/flat_on", True)
        await here.until("flat_on", True)
        await here.client.write("site/it/flat_on", False)
        assert fake.asked[-1] == ("LIGHT", {"FLAT_OFF": "On"})
        await here.client.write("site/it/b", 200)
        assert fake.asked[-1] == ("LEVEL", {"A": "5.0", "B": "200.0"})
        assert (await here.client.write("site/it/b", 300)).state is AckState.REFUSED
        assert fake.asked[-1] == ("LEVEL", {"A": "5.0", "B": "200.0"})


def test_a_farewell_that_takes_too_long_leaves_no_connection_behind(tmp_path: Path) -> None:
    fake = wheel()

    @at("filterwheel", fake, tmp_path, hang_up=True, timeout=30.0)
    async def _(here: Bench) -> None:
        fake.properties["CONNECTION"].answer = None
        fake.asked.clear()
        (end,) = fake.ends
        fake.tell("CONNECTION", CONNECT=False, DISCONNECT=True)  # it is connected anew, after a farewell
        for _ in range(300):
            await here.clock.sleep(0.1)
            if end not in fake.ends:
                break
        assert end not in fake.ends
        assert fake.asked[0] == ("CONNECTION", {"DISCONNECT": "On"})
