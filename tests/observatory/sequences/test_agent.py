"""The book of sequences as a device: its commands, its tags, and that it goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from sereno import Device, scan, setting, tag
from sereno.access.actor import ROLES, Actor
from sereno.app.serve.server import DeviceServer
from sereno.device import Environment, device_configs
from sereno.model import DeviceError, OperationError, RefusedError, SerenoError
from sereno.testing import DeviceTest, JumpingClock, jumping
from sereno_observatory.sequences import Image, Sequences, Slot
from tests.observatory.sequences.asked import EPOCH, TOML

SHOT = Image(slot=Slot(0, 0, 1), file="a.fits", t_start=EPOCH, seconds=20.0, detector="Visible camera")


@jumping
async def test_a_sequence_from_its_request_to_its_end(clock: JumpingClock, tmp_path: Path) -> None:
    async with DeviceTest(Sequences, clock=clock, folder=tmp_path, latitude=0.0, longitude=-90.0) as book:
        assert await book.read("due") == 0
        assert await book.call("add", TOML, "vera") == [1]
        await clock.sleep(0.2)
        assert await book.read("due") == 1
        started = json.loads(await book.call("start", 1))
        assert started["sequence"]["observer"] == "vera"
        await clock.sleep(0.2)
        assert await book.read("executing") == 1
        assert json.loads(await book.call("under_way")) == started
        await book.call("record", 1, msgspec.json.encode(SHOT).decode())
        assert await book.call("conclude", 1, "finish", "2 images") == "EXECUTED"
        await clock.sleep(0.2)
        assert (await book.read("executing"), await book.read("waiting")) == (0, 0)
        (line,) = await book.read("present")
        told = json.loads(line)
        assert (told["status"], told["taken"], told["images"], told["why"]) == ("EXECUTED", 1, 2, "2 images")
        shown = json.loads(await book.call("show", 1))
        assert [change["status"] for change in shown["changes"]] == ["TOBEPLANNED", "EXECUTING", "EXECUTED"]


@jumping
async def test_a_restart_goes_on_where_it_was(clock: JumpingClock, tmp_path: Path) -> None:
    async with DeviceTest(Sequences, clock=clock, folder=tmp_path, latitude=0.0, longitude=-90.0) as book:
        await book.call("add", TOML)
        await book.call("start", 1)
    async with DeviceTest(Sequences, clock=clock, folder=tmp_path, latitude=0.0, longitude=-90.0) as book:
        assert json.loads(await book.call("under_way"))["id"] == 1
        await book.call("cancel", 1, "no time")
        assert await book.call("conclude", 1, "abort", "late") == "CANCELLED"
        await clock.sleep(0.2)
        assert await book.read("cancelled") == 1


@jumping
async def test_a_clock_that_is_wrong_for_a_while_expires_nothing(clock: JumpingClock, tmp_path: Path) -> None:
    async with DeviceTest(Sequences, clock=clock, folder=tmp_path, latitude=0.0, longitude=-90.0) as book:
        await book.call("add", TOML)
        await clock.sleep(120.0)
        clock.step_wall(86_400.0)
        await clock.sleep(300.0)
        assert (await book.read("waiting"), await book.read("due")) == (1, 0)
        clock.step_wall(-86_400.0)
        await clock.sleep(10.0)
        assert await book.read("due") == 1
    clock.step_wall(86_400.0)
    async with DeviceTest(Sequences, clock=clock, folder=tmp_path, latitude=0.0, longitude=-90.0) as book:
        await clock.sleep(30.0)
        assert await book.read("waiting") == 1, "a machine that has just started may not have its time yet"
        await clock.sleep(60.0)
        assert await book.read("waiting") == 0


@jumping
async def test_what_is_not_executed_in_time_expires(clock: JumpingClock, tmp_path: Path) -> None:
    async with DeviceTest(Sequences, clock=clock, folder=tmp_path, latitude=0.0, longitude=-90.0) as book:
        await book.call("add", TOML.replace("end = 3600", "end = 60"))
        await clock.sleep(70)
        assert json.loads(await book.call("find", "expired"))[0]["why"] == "its window is over"
        with pytest.raises(DeviceError, match="over already"):
            await book.call("add", TOML.replace("start = 0", "start = -99").replace("end = 3600", "end = -1"))


@jumping
async def test_what_needs_no_sky_is_told_apart(clock: JumpingClock, tmp_path: Path) -> None:
    pointless = TOML.replace('target = "00:42:44.3 +41:16:09"', "").replace("priority = 5", "")
    standing = TOML + pointless.replace("exposure = 20", 'exposure = 20\nframe = "dark"')
    async with DeviceTest(
        Sequences, clock=clock, folder=tmp_path, latitude=0.0, longitude=-90.0, standing=standing
    ) as book:
        await clock.sleep(1.0)
        assert (await book.read("due"), await book.read("calibration"), await book.read("waiting")) == (1, 2, 2)
    async with DeviceTest(
        Sequences, clock=clock, folder=tmp_path, latitude=0.0, longitude=-90.0, standing=standing
    ) as book:
        await clock.sleep(1.0)
        assert await book.read("waiting") == 2
    async with DeviceTest(
        Sequences, clock=clock, folder=tmp_path / "other", latitude=0.0, longitude=-90.0, standing=pointless
    ) as book:
        await clock.sleep(1.0)
        assert (await book.read("due"), await book.read("calibration")) == (1, 0)  # it is exposed to the sky


@jumping
async def test_what_stands_too_low_waits(clock: JumpingClock, tmp_path: Path) -> None:
    async with DeviceTest(Sequences, clock=clock, folder=tmp_path, latitude=-60.0, longitude=-90.0) as book:
        await book.call("add", TOML)
        await clock.sleep(0.2)
        assert (await book.read("due"), await book.read("waiting")) == (0, 1)


@jumping
async def test_what_cannot_be_is_refused(clock: JumpingClock, tmp_path: Path) -> None:
    async with DeviceTest(
        Sequences, clock=clock, folder=tmp_path, latitude=0.0, longitude=0.0, detectors=["Blue camera"]
    ) as book:
        with pytest.raises(DeviceError, match="asks for 'Visible camera'; there are: 'Blue camera'"):
            await book.call("add", TOML)
        with pytest.raises(SerenoError, match="unknown key 'a'"):
            await book.call("add", "a = 1")
        with pytest.raises(OperationError, match="no sequence 4"):
            await book.call("show", 4)
        with pytest.raises(RefusedError, match="one of: TOBEPLANNED"):
            await book.call("find", "done")
        await book.call("add", TOML.replace("Visible", "Blue"))
        with pytest.raises(RefusedError, match="cannot finish"):
            await book.call("conclude", 1, "finish")
        with pytest.raises(RefusedError, match="no end of an execution"):
            await book.call("conclude", 1, "cancel")
        with pytest.raises(RefusedError, match="image:"):
            await book.call("record", 1, "{}")


class Wheel(Device):
    """Tells its filters, unless it does not know them."""

    known: list[str] = setting([])
    filters: list[str] = tag(scan="look")

    @scan(period="100ms")
    def look(self) -> None:
        """As it is."""
        if not self.known:
            raise DeviceError("lost", "it does not turn")
        self.filters = self.known


@pytest.mark.parametrize(("known", "refused"), [(["r", "g"], ""), (["J", "H"], "no_such_filter"), ([], "")])
def test_a_filter_that_the_wheel_does_not_have_is_refused(known: list[str], refused: str, tmp_path: Path) -> None:
    more = {"latitude": 0.0, "longitude": -90.0, "detectors": ["Visible camera"], "wheels": ["lab/wheel"]}

    @jumping
    async def run(clock: JumpingClock) -> None:
        around = Environment(clock=clock, folder=tmp_path)
        wheel, book = device_configs(Wheel, "lab/wheel", {"known": known}), device_configs(Sequences, "lab/book", more)
        async with DeviceServer([*wheel, *book], around) as server:
            await clock.sleep(1.0)
            ack = await server.client(Actor("vera", (ROLES["operator"],))).call("lab/book", "add", TOML)
            assert (ack.value, refused in ack.reason) == (None if refused else [1], True), ack.reason
            assert not refused or "asks for 'r' of 'Visible camera'; there are: J, H" in ack.reason

    run()
