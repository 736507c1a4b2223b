"""The observer among fakes: a sequence from start to images; cancelled, interrupted, hung, and over a restart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sereno.client import Client, Reading
from sereno.model import AckState, NotConnectedError, OperationError
from sereno.testing import JumpingClock, jumping
from sereno_observatory.observer import Observer, agent
from tests.observatory.observer.bench import BOOK, OBSERVER, Bench, observing
from tests.observatory.sequences.asked import TOML


async def exposing(bench: Bench) -> int:
    """A sequence in the midst of its first exposures."""
    number = await bench.add()
    assert await bench.call(OBSERVER, "execute", number) == "M31"
    await bench.until("state", "exposing", device="site/vis")
    await bench.clock.sleep(3.0)
    return number


@jumping
async def test_a_sequence_is_executed_with_both_cameras_and_put_on_record(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        number = await exposing(bench)
        assert await bench.told("state", "site/nir") == "exposing"
        assert (await bench.told("activity"), await bench.told("executing")) == ("EXPOSING", "M31")
        await clock.sleep(5.0)
        assert await bench.told("instruments_status") == "BUSY"
        assert await bench.told("ready") is True
        lines = await bench.told("instruments")
        assert "telescope: tracking at 0.7123 h +41.269 deg" in lines
        assert "Visible camera, filter: idle r" in lines
        await bench.until("activity", "IDLE")
        await clock.sleep(5.0)
        entry = await bench.entry(number)
        assert entry["status"] == "EXECUTED"
        assert [(one["slot"]["album"], one["slot"]["number"]) for one in entry["images"]] == [(0, 1), (0, 2), (1, 1)]
        assert entry["why"].startswith("3 images in ")
        assert (await bench.told("result")).startswith(f"sequence {number} executed: 3 images")
        facts = bench.shelf.facts[0]
        assert (facts.ambient, facts.entry.sequence.observer) == (7.5, "vera")
        assert facts.shot.seen.of("site/wheel", "filter") == "r"


@jumping
async def test_cancelled_in_the_book_its_exposures_end_within_a_second(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        number = await exposing(bench)
        await bench.call(BOOK, "cancel", number, "clouds")
        await clock.sleep(1.0)
        assert [await bench.told("state", f"site/{camera}") for camera in ("vis", "nir")] == ["idle", "idle"]
        await bench.until("activity", "IDLE", 5.0)
        assert ((await bench.entry(number))["status"], bench.shelf.facts) == ("CANCELLED", [])


@pytest.mark.parametrize(("order", "status"), [("interrupt", "PLANNED"), ("abort", "ABORTED")])
def test_what_is_stopped_says_why(order: str, status: str, tmp_path: Path) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        async with observing(clock, tmp_path) as bench:
            number = await exposing(bench)
            assert await bench.call(OBSERVER, order, "rain") is True
            await clock.sleep(0.5)
            assert await bench.told("state", "site/vis") == "idle"
            await clock.sleep(4.0)
            entry = await bench.entry(number)
            assert (entry["status"], entry["why"].partition(";")[0]) == (status, "rain")
            assert await bench.call(OBSERVER, order, "rain") is False

    run()


@jumping
async def test_a_restart_goes_on_with_what_is_missing(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        number = await exposing(bench)
        await bench.until("taken", 1)
        device = bench.server.devices
        await device.pause(OBSERVER)
        await clock.sleep(2.0)
        assert await bench.told("state", "site/vis") == "exposing"
        device.resume(OBSERVER)
        await bench.until("activity", "EXPOSING", 60.0)
        await bench.until("activity", "IDLE")
        await clock.sleep(5.0)
        entry = await bench.entry(number)
        assert (entry["status"], len(entry["images"])) == ("EXECUTED", 3)
        assert bench.devices["site/vis"].aborted == 1
        assert (await bench.told("result")).startswith(f"sequence {number} executed: 2 images")


@pytest.mark.parametrize(("order", "status"), [("interrupt", "PLANNED"), ("abort", "ABORTED")])
def test_what_was_stopped_stays_stopped_although_the_observer_ends_at_once(
    order: str, status: str, tmp_path: Path
) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        async with observing(clock, tmp_path) as bench:
            number = await exposing(bench)
            assert await bench.call(OBSERVER, order, "rain") is True
            await bench.server.devices.pause(OBSERVER)  # the cameras are still being stopped
            assert (await bench.entry(number))["status"] == status
            bench.server.devices.resume(OBSERVER)
            await clock.sleep(20.0)
            assert (await bench.told("activity"), (await bench.entry(number))["status"]) == ("IDLE", status)

    run()


class Deaf(Observer):
    """An observer that ends between an image kept and the book told."""

    ends_there = False

    async def _insist(self, name: str, *arguments: Any) -> None:
        if self.ends_there and name == "record":
            await self.client.clock.sleep(1e6)
        await super()._insist(name, *arguments)


@jumping
async def test_an_image_that_was_kept_when_the_observer_ended_is_on_record_once(
    clock: JumpingClock, tmp_path: Path
) -> None:
    async with observing(clock, tmp_path, Deaf) as bench:
        number = await exposing(bench)
        observer = bench.devices[OBSERVER]
        observer.ends_there = True
        await clock.sleep(25.0)
        await bench.server.devices.pause(OBSERVER)
        kept = sorted(path.name for path in (tmp_path / "nights").rglob("*.fits"))
        assert kept
        assert (await bench.entry(number))["images"] == []
        observer.ends_there = False
        bench.server.devices.resume(OBSERVER)
        await bench.until("activity", "EXPOSING", 60.0)
        await bench.until("activity", "IDLE")
        await clock.sleep(5.0)
        entry = await bench.entry(number)
        files = sorted(Path(image["file"]).name for image in entry["images"])
        assert (entry["status"], len(files)) == ("EXECUTED", 3)
        assert files == sorted(path.name for path in (tmp_path / "nights").rglob("*.fits"))
        assert set(kept) <= set(files)


@jumping
async def test_a_camera_that_hangs_ends_with_a_stated_result(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        bench.devices["site/nir"].hung = True
        number = await bench.add()
        await bench.call(OBSERVER, "execute", number)
        await clock.sleep(60.0)
        assert await bench.told("taken") == 2
        await bench.until("activity", "IDLE")
        await clock.sleep(5.0)
        entry = await bench.entry(number)
        assert entry["status"] == "PLANNED"
        assert entry["why"].startswith("Near-infrared camera: ")
        assert entry["why"].endswith("; try 1 of 3")
        bench.devices["site/nir"].hung = False
        assert await bench.told("due", BOOK) == 0
        await clock.sleep(70.0)
        assert await bench.told("due", BOOK) == number
        await bench.call(OBSERVER, "execute", number)
        await bench.until("activity", "IDLE")
        await clock.sleep(5.0)
        entry = await bench.entry(number)
        assert (entry["status"], len(entry["images"])) == ("EXECUTED", 3)


@jumping
async def test_a_camera_that_never_comes_back_fails_in_the_end(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        bench.devices["site/nir"].hung = True
        number = await bench.add()
        for _ in range(3):
            await bench.call(OBSERVER, "execute", number)
            await bench.until("activity", "IDLE")
            await clock.sleep(5.0)
        entry = await bench.entry(number)
        assert (entry["status"], entry["why"].endswith("; try 3 of 3")) == ("FAILED", True)
        assert [one["status"] for one in entry["changes"]].count("EXECUTING") == 3
        assert len(entry["images"]) == 2


@jumping
async def test_a_telescope_that_is_slow_to_answer_is_told_once(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        mount = bench.devices["site/telescope"]
        mount.slow = 8.0
        await bench.call(OBSERVER, "execute", await bench.add())
        await bench.until("taken", 1)
        assert mount.slews == 1, "the slew was taken for lost, and ordered again"


@jumping
async def test_a_telescope_that_refuses_and_a_filter_that_is_not_there(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        bench.devices["site/telescope"].refusing = "it is stuck"
        first = await bench.add()
        await bench.call(OBSERVER, "execute", first)
        await bench.until("activity", "IDLE")
        bench.devices["site/telescope"].refusing = ""
        second = await bench.add(TOML.replace('"r"', '"z"'))
        await clock.sleep(5.0)
        await bench.call(OBSERVER, "execute", second)
        await bench.until("activity", "IDLE")
        await clock.sleep(5.0)
        assert "it is stuck" in (await bench.entry(first))["why"]
        assert "there is no filter 'z'" in (await bench.entry(second))["why"]


@jumping
async def test_a_closed_dome_leaves_it_for_later(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        number = await exposing(bench)
        await bench.client.write("site/plc/shutter", "closed")
        await bench.until("activity", "IDLE", 20.0)
        await clock.sleep(2.0)
        entry = await bench.entry(number)
        assert (entry["status"], entry["why"].partition(";")[0]) == ("PLANNED", "the dome is not open")


@jumping
async def test_a_full_disk_is_the_reason(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        number = await exposing(bench)
        bench.shelf.full = "no space left"
        await bench.until("activity", "IDLE")
        await clock.sleep(5.0)
        entry = await bench.entry(number)
        assert (entry["status"], entry["images"]) == ("FAILED", [])
        assert "an image could not be kept: no space left" in entry["why"]


@jumping
async def test_one_at_a_time_and_only_what_the_book_has(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        ack = await bench.client.call(OBSERVER, "execute", 7)
        assert (ack.state, "no sequence 7" in ack.reason) == (AckState.FAILED, True)
        await exposing(bench)
        ack = await bench.client.call(OBSERVER, "execute", await bench.add())
        assert "sequence 1 is executed" in ack.reason


@jumping
async def test_a_book_that_is_gone_for_a_while_hears_everything_later(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        number = await exposing(bench)
        await bench.server.devices.pause(BOOK)
        await clock.sleep(120.0)
        bench.server.devices.resume(BOOK)
        await bench.until("activity", "IDLE")
        await clock.sleep(10.0)
        entry = await bench.entry(number)
        assert (entry["status"], len(entry["images"])) == ("EXECUTED", 3)


@jumping
async def test_a_sequence_whose_begin_was_not_heard_of_is_executed_all_the_same(
    clock: JumpingClock, tmp_path: Path
) -> None:
    async with observing(clock, tmp_path) as bench:
        await clock.sleep(10.0)
        observer = bench.devices[OBSERVER]
        ask = observer._ask

        async def deaf(name: str, *arguments: Any) -> Any:
            answer = await ask(name, *arguments)
            if name == "start":
                raise NotConnectedError("the answer is lost")
            return answer

        observer._ask = deaf
        number = await bench.add()
        assert (await bench.client.call(OBSERVER, "execute", number)).state is not AckState.DONE
        await bench.until("activity", "EXPOSING", 60.0)
        await bench.until("activity", "IDLE")
        await clock.sleep(5.0)
        entry = await bench.entry(number)
        assert (entry["status"], len(entry["images"])) == ("EXECUTED", 3)


@jumping
async def test_what_the_book_has_begun_by_itself_is_executed(clock: JumpingClock, tmp_path: Path) -> None:
    async with observing(clock, tmp_path) as bench:
        await clock.sleep(10.0)
        number = await bench.add()
        await bench.call(BOOK, "start", number)
        await bench.until("activity", "EXPOSING", 60.0)
        await bench.until("activity", "IDLE")
        await clock.sleep(15.0)
        assert (await bench.entry(number))["status"] == "EXECUTED"
        assert len(bench.shelf.facts) == 3


@pytest.mark.parametrize("name", ["record", "happen"])
def test_a_database_that_fails_for_a_while_loses_nothing(name: str, tmp_path: Path) -> None:
    @jumping
    async def run(clock: JumpingClock) -> None:
        async with observing(clock, tmp_path) as bench:
            number = await exposing(bench)
            book = bench.devices[BOOK]._book
            works, failures = getattr(book, name), []

            def failing(*arguments: Any) -> Any:
                if len(failures) < 2:
                    failures.append(arguments)
                    raise OperationError("database or disk is full")
                return works(*arguments)

            setattr(book, name, failing)
            await bench.until("activity", "IDLE")
            await clock.sleep(20.0)
            entry = await bench.entry(number)
            assert (entry["status"], len(entry["images"]), len(failures)) == ("EXECUTED", 3, 2)
            assert len(bench.shelf.facts) == 3

    run()


@jumping
async def test_an_image_that_breaks_the_archive_does_not_break_the_observer(
    clock: JumpingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with observing(clock, tmp_path) as bench:

        async def broken(_facts: Any) -> Any:
            raise KeyError("BITPIX")

        monkeypatch.setattr(bench.shelf, "keep", broken)
        number = await exposing(bench)
        await bench.until("activity", "IDLE")
        await clock.sleep(5.0)
        entry = await bench.entry(number)
        assert (entry["status"], "an image could not be kept: 'BITPIX'" in entry["why"]) == ("FAILED", True)


@jumping
async def test_detectors_without_cameras_are_refused(clock: JumpingClock, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="2 detectors have 1 cameras"):
        async with observing(clock, tmp_path, cameras=["site/vis"]):
            pass


@jumping
async def test_a_book_that_comes_after_the_observer_is_waited_for_without_a_word(
    clock: JumpingClock, tmp_path: Path
) -> None:
    async with observing(clock, tmp_path) as bench:
        devices = bench.server.devices
        await devices.pause(OBSERVER)
        await devices.pause(BOOK)
        devices.resume(OBSERVER)
        for _ in range(20):
            await clock.sleep(1.0)
            assert await bench.told("result") == ""
        await clock.sleep(30.0)
        assert (await bench.told("result")).startswith("the book is not there: ")
        devices.resume(BOOK)
        await bench.until("result", "", 30.0)


@jumping
async def test_an_air_that_nobody_can_tell_costs_no_image(
    clock: JumpingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when an observer in a process of its own does not reach the node for a moment."""
    read = agent.readings_of

    async def hiccup(client: Client, paths: Sequence[str]) -> list[Reading]:
        if any(path.endswith("/weather_temperature") for path in paths):
            raise NotConnectedError("the node is busy")
        return await read(client, paths)

    monkeypatch.setattr(agent, "readings_of", hiccup)
    async with observing(clock, tmp_path) as bench:
        number = await exposing(bench)
        await bench.until("activity", "IDLE")
        await clock.sleep(5.0)
        entry = await bench.entry(number)
        assert (entry["status"], len(entry["images"])) == ("EXECUTED", 3)
        assert all(one.aborted == 0 for one in (bench.devices["site/vis"], bench.devices["site/nir"]))
