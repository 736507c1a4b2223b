"""The INDI driver against a device that does what no simulator does, in memory and in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sereno.device.instruments import decode_fits, encode_fits
from sereno.model import AckState, DeviceError, Quality, severity
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


def test_what_it_says_of_its_versions_stands_beside_the_device(tmp_path: Path) -> None:
    fake = wheel()
    fake.properties["DRIVER_INFO"] = FakeProperty(
        "Text", {"DRIVER_NAME": "A wheel", "DRIVER_VERSION": "2.1"}, perm="ro"
    )

    @at("filterwheel", fake, tmp_path)
    async def _(here: Bench) -> None:
        (status,) = await here.client.devices()
        assert status.remarks == ("A wheel, driver version 2.1",)


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
    ("says", "place"),
    [((23.9998, 20.0), (0.0002, 20.0)), ((0.0002, 20.0), (23.9998, 20.0)), ((3.0, 89.99), (15.0, 89.99))],
)
def test_a_mount_that_is_there_over_the_edge_of_right_ascension(
    says: tuple[float, float], place: tuple[float, float], tmp_path: Path
) -> None:
    coordinates = FakeProperty("Number", {"RA": says[0], "DEC": says[1]}, answer=None)
    fake = FakeIndi({"EQUATORIAL_COORD": coordinates})

    @at("telescope", fake, tmp_path)
    async def _(bench: Bench) -> None:
        slew = asyncio.create_task(bench.client.call("site/it", "slew", *place))
        while not any(name == "EQUATORIAL_COORD" for name, _ in fake.asked):
            await bench.clock.sleep(0.1)
        fake.tell("EQUATORIAL_COORD", "Ok")
        assert (await slew).state is AckState.DONE


@pytest.mark.parametrize(("says", "azimuth"), [(359.8, 0.1), (0.1, 359.8), (0.4, 0.0)])
def test_a_dome_that_is_there_over_north(says: float, azimuth: float, tmp_path: Path) -> None:
    fake = dome()
    fake.properties["DOME_PARK"].members = {"PARK": False, "UNPARK": True}
    fake.properties["ABS_DOME_POSITION"] = FakeProperty("Number", {"DOME_ABSOLUTE_POSITION": says}, answer=None)

    @at("dome", fake, tmp_path)
    async def _(bench: Bench) -> None:
        turn = asyncio.create_task(bench.client.call("site/it", "turn", azimuth))
        while not any(name == "ABS_DOME_POSITION" for name, _ in fake.asked):
            await bench.clock.sleep(0.1)
        fake.tell("ABS_DOME_POSITION", "Ok")
        assert (await turn).state is AckState.DONE


def test_a_dome_that_is_closed_while_it_is_unparked_stays_closed(tmp_path: Path) -> None:
    fake = dome()
    fake.properties["DOME_PARK"].answer = None

    @at("dome", fake, tmp_path)
    async def _(bench: Bench) -> None:
        opening = asyncio.create_task(bench.client.call("site/it", "open"))
        while ("DOME_PARK", {"UNPARK": "On"}) not in fake.asked:
            await bench.clock.sleep(0.1)
        begun = bench.clock.monotonic()
        await bench.call("close")
        assert bench.clock.monotonic() - begun < 0.5
        fake.tell("DOME_PARK", "Ok", PARK=False, UNPARK=True)
        assert (await opening).state is AckState.UNKNOWN
        await bench.clock.sleep(10.0)
        assert [members for name, members in fake.asked if name == "DOME_SHUTTER"] == [{"SHUTTER_CLOSE": "On"}]


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


def test_a_shutter_of_which_nobody_knows_where_it_is_is_not_one_that_is_missing(tmp_path: Path) -> None:
    fake = dome()
    fake.properties["DOME_SHUTTER"].members["SHUTTER_CLOSE"] = False

    @at("dome", fake, tmp_path)
    async def _(here: Bench) -> None:
        shutter, azimuth = [await here.client.get(f"site/it/{name}") for name in ("shutter", "azimuth")]
        assert (shutter.quality, shutter.reason) == (Quality.BAD, "bad: not known now")
        assert azimuth.quality == Quality.NOT_IMPLEMENTED
        fake.tell("DOME_SHUTTER", "Ok", SHUTTER_CLOSE=True)
        await here.until("shutter", "closed")


@pytest.mark.parametrize(("told", "state"), [(1, AckState.UNKNOWN), (2, AckState.UNKNOWN), (3, AckState.DONE)])
def test_news_of_another_value_is_no_acceptance(tmp_path: Path, told: int, state: AckState) -> None:
    fake = wheel()

    @at("filterwheel", fake, tmp_path)
    async def _(here: Bench) -> None:
        fake.properties["FILTER_SLOT"].answer = None
        asked = asyncio.create_task(here.client.call("site/it", "move", 2))
        await here.clock.sleep(1.0)
        fake.tell("FILTER_SLOT", "Ok", FILTER_SLOT_VALUE=told)
        assert (await asked).state is state


@pytest.mark.parametrize(("opens", "state"), [(False, AckState.UNKNOWN), (True, AckState.DONE)])
def test_a_shutter_that_says_what_it_did_before_has_not_accepted(tmp_path: Path, opens: bool, state: AckState) -> None:
    fake = dome()
    fake.properties["DOME_PARK"].members = {"PARK": False, "UNPARK": True}

    @at("dome", fake, tmp_path)
    async def _(here: Bench) -> None:
        fake.properties["DOME_SHUTTER"].answer = None
        asked = asyncio.create_task(here.client.call("site/it", "open"))
        await here.clock.sleep(1.0)
        fake.tell("DOME_SHUTTER", "Busy", SHUTTER_OPEN=opens, SHUTTER_CLOSE=not opens)
        assert (await asked).state is state


def test_an_order_whose_answer_is_lost_with_the_connection_was_sent(tmp_path: Path) -> None:
    fake = dome()
    fake.properties["DOME_PARK"].members = {"PARK": False, "UNPARK": True}

    @at("dome", fake, tmp_path)
    async def _(here: Bench) -> None:
        fake.properties["DOME_SHUTTER"].answer = None
        asked = asyncio.create_task(here.client.call("site/it", "open"))
        await here.clock.sleep(1.0)
        assert fake.asked[-1] == ("DOME_SHUTTER", {"SHUTTER_OPEN": "On"})
        for end in list(fake.ends):
            end.transport.abort()
        ack = await asked
        assert ack.state is AckState.UNKNOWN, ack.reason


def test_a_dome_that_takes_its_time_to_unpark_is_told_again_and_holds_up_nothing(tmp_path: Path) -> None:
    fake = dome()
    fake.properties["DOME_PARK"].answer = "Busy"

    @at("dome", fake, tmp_path)
    async def _(here: Bench) -> None:
        fake.asked.clear()
        with pytest.raises(DeviceError, match="is being unparked, which takes longer than 5 s"):
            await here.call("open")
        assert fake.asked == [("DOME_PARK", {"UNPARK": "On"})]
        await here.call("close")
        fake.tell("DOME_PARK", "Ok")
        await here.call("open")
        assert fake.asked[1:] == [("DOME_SHUTTER", {"SHUTTER_CLOSE": "On"}), ("DOME_SHUTTER", {"SHUTTER_OPEN": "On"})]


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
        await here.clock.sleep(1.0)
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


def test_the_late_image_of_an_aborted_exposure_is_not_that_of_the_next(tmp_path: Path) -> None:
    fake = camera()
    late, own = (np.full((3, 4), value, np.uint16) for value in (7, 9))

    @at("camera", fake, tmp_path)
    async def _(here: Bench) -> None:
        await here.call("expose", 5.0)
        await here.clock.sleep(4.9)
        await here.call("abort")
        await here.call("expose", 5.0)
        await here.clock.sleep(0.5)
        fake.tell("CCD1", "Ok", CCD1=encode_fits(late))  # it was being read out already
        await here.clock.sleep(5.0)
        fake.tell("CCD1", "Ok", CCD1=encode_fits(own))
        fake.tell("CCD_EXPOSURE", "Ok", CCD_EXPOSURE_VALUE=0)
        await here.until("images", 1)
        image = decode_fits((tmp_path / "images" / await here.read("image")).read_bytes())
        assert np.array_equal(image.pixels, own)


@pytest.mark.parametrize("said", [{"EXPTIME": 5.0}, {"EXPTIME": 0.1, "FRAME": "Light"}])
def test_a_late_image_is_not_that_of_a_short_exposure_by_its_own_header(said: dict[str, Any], tmp_path: Path) -> None:
    fake = camera()
    late, own = (np.full((3, 4), value, np.uint16) for value in (7, 9))

    @at("camera", fake, tmp_path)
    async def _(here: Bench) -> None:
        for _ in range(2):  # the next image without a doubt, and once more
            images = await here.read("images")
            await here.call("expose", said["EXPTIME"])
            await here.call("abort")
            await here.call("expose", 0.0, "bias")
            await here.clock.sleep(0.2)
            fake.tell("CCD1", "Ok", CCD1=encode_fits(late, said))
            await here.clock.sleep(1.0)
            assert await here.read("images") == images
            fake.tell("CCD1", "Ok", CCD1=encode_fits(own, {"EXPTIME": 0.1, "FRAME": "Bias"}))
            fake.tell("CCD_EXPOSURE", "Ok", CCD_EXPOSURE_VALUE=0)
            await here.until("images", images + 1)
            image = decode_fits((tmp_path / "images" / await here.read("image")).read_bytes())
            assert np.array_equal(image.pixels, own)


@pytest.mark.parametrize(("off", "seconds"), [(0.0, 3.0), (-7.25, 3.0), (3600.0, 1.5), (-40000.3, 20.0)])
def test_a_late_image_of_the_same_kind_is_told_by_when_it_began(off: float, seconds: float, tmp_path: Path) -> None:
    """The server's clock is so many seconds off ours."""
    fake = camera()
    late, own, third = (np.full((3, 4), value, np.uint16) for value in (7, 9, 11))

    @at("camera", fake, tmp_path)
    async def _(here: Bench) -> None:
        def there() -> datetime:
            return datetime.fromtimestamp(here.clock.wall_ns() / 1e9 + off, UTC)

        def image(pixels: Any, began: datetime) -> bytes:
            when = began.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
            return encode_fits(pixels, {"EXPTIME": seconds, "FRAME": "Light", "DATE-OBS": when})

        async def comes(pixels: Any, images: int) -> None:
            await here.until("images", images)
            found = decode_fits((tmp_path / "images" / await here.read("image")).read_bytes())
            assert np.array_equal(found.pixels, pixels)

        fake.stamp = lambda: there().strftime("%Y-%m-%dT%H:%M:%S")
        began = there()
        await here.call("expose", seconds)
        await here.clock.sleep(seconds)
        await here.call("abort")
        again = there()
        await here.call("expose", seconds)
        await here.clock.sleep(seconds + 1.0)
        fake.tell("CCD1", "Ok", CCD1=image(late, began))  # a slow download
        await here.clock.sleep(1.0)
        assert await here.read("images") == 0
        fake.tell("CCD1", "Ok", CCD1=image(own, again))
        fake.tell("CCD_EXPOSURE", "Ok", CCD_EXPOSURE_VALUE=0)
        await comes(own, 1)
        await here.call("expose", seconds)
        fake.properties["CCD_ABORT_EXPOSURE"].answer = "Ok"
        await here.call("abort")  # and its image does not come
        third_began = there()
        await here.call("expose", seconds)
        await here.clock.sleep(seconds)
        fake.tell("CCD1", "Ok", CCD1=image(third, third_began))
        await comes(third, 2)


def test_the_image_of_an_exposure_that_was_given_up_is_not_that_of_the_next(tmp_path: Path) -> None:
    fake = camera()
    late, own = (np.full((3, 4), value, np.uint16) for value in (7, 9))

    @at("camera", fake, tmp_path, readout=5.0)
    async def _(here: Bench) -> None:
        await here.call("expose", 1.0)
        await here.until("state", "error")
        assert "no image 5 s after" in await here.read("trouble")
        await here.call("expose", 1.0, "dark")
        await here.clock.sleep(2.0)
        fake.tell("CCD1", "Ok", CCD1=encode_fits(late, {"EXPTIME": 1.0, "FRAME": "Light"}))
        await here.clock.sleep(1.0)
        assert await here.read("images") == 0
        fake.tell("CCD1", "Ok", CCD1=encode_fits(own, {"EXPTIME": 1.0, "FRAME": "Dark"}))
        await here.until("images", 1)
        image = decode_fits((tmp_path / "images" / await here.read("image")).read_bytes())
        assert np.array_equal(image.pixels, own)


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
    ("kind", "tag", "value"), [("observingconditions", "temperature", 4.0), ("safetymonitor", "safe", True)]
)
def test_a_station_that_measures_no_more_is_not_believed_although_its_driver_answers(
    kind: str, tag: str, value: float, tmp_path: Path
) -> None:
    fake = FakeIndi(
        {
            "WEATHER_UPDATE": FakeProperty("Number", {"PERIOD": 60}),
            "WEATHER_PARAMETERS": FakeProperty("Number", {"WEATHER_TEMPERATURE": 0.0}, perm="ro"),
            "WEATHER_STATUS": FakeProperty("Light", {"WEATHER_RAIN_HOUR": "Ok"}, perm="ro"),
        }
    )

    @at(kind, fake, tmp_path, patience=0, period=10.0)
    async def _(here: Bench) -> None:
        async def quality() -> str:
            await here.clock.sleep(5.0)
            return severity((await here.client.get(f"site/it/{tag}")).quality)

        assert await quality() == "bad", "what it says before it has measured is nothing"
        assert fake.asked[-1] == ("WEATHER_UPDATE", {"PERIOD": "10.0"})
        for _ in range(3):
            fake.tell("WEATHER_PARAMETERS", "Ok", WEATHER_TEMPERATURE=4.0)
            await here.clock.sleep(5.0)
            assert await quality() == "good"
        assert await here.read(tag) == value
        await here.clock.sleep(20.0)
        assert await quality() == "bad"
        assert (await here.client.get(f"site/it/{tag}")).reason == "bad: not known now"
        fake.tell("WEATHER_PARAMETERS", "Ok")
        assert await quality() == "good"
        fake.tell("WEATHER_UPDATE", PERIOD=0)
        await here.clock.sleep(120.0)
        assert await quality() == "bad", "nobody lets it measure"


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
