"""What goes wrong for one report, one mail or one clock goes wrong for that alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sereno.client import NoLogbook, ReportOrder, ReportState
from sereno.model import DeniedError
from sereno.reports.courier import Letter
from sereno.reports.planning import outdated, plan
from sereno.reports.shelf import Kept, Run, Shelf
from sereno.reports.spec import Shown
from sereno.testing import JumpingClock, run_jumping
from tests.reports.rig import Post, report, sources
from tests.reports.test_desk import DAILY, DAY, EVA, NORTH, OLGA, TAGS, Desk, at_work
from tests.reports.test_planning import DAY as DAY_NS
from tests.reports.test_planning import SPEC, T0, made


class Torn(Post):
    """Something is wrong with one letter that nobody thought of."""

    async def send(self, way: str, person: str, letter: Letter) -> str:
        if letter.id.startswith("report-torn-"):
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
        return await super().send(way, person, letter)


def test_a_letter_that_breaks_the_sender_does_not_end_all_reports(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        post = Torn()
        async with at_work(Desk(tmp_path, clock, post, replace(DAILY, name="torn"), DAILY)) as desk:
            await clock.sleep(2.5 * DAY)
            assert [letter.subject[14:24] for _, letter in post.taken] == ["2026-01-01", "2026-01-02"]
            (newest, oldest) = await desk.reports.runs("torn", EVA)
            assert oldest.deliveries[0].state == "failed"
            assert "invalid start byte" in newest.deliveries[0].outcome

    run_jumping(story)


class Empty:
    """A history of nothing."""

    async def query(self, *_: Any) -> list[Any]:
        return []

    async def aggregate(self, *_: Any) -> AsyncIterator[Any]:
        for nothing in ():
            yield nothing


def test_who_may_read_a_report_now_may_not_read_what_it_said_before(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        both = report(Shown(tags=("north/*", "south/*"), show=("last",)), logbook=True)
        desk = Desk(tmp_path, clock, Post(), both)
        desk.maker._sources = sources(TAGS, analysis=Empty(), history=Empty(), logbook=NoLogbook())
        async with at_work(desk):
            await clock.sleep(DAY + 120)
            mine = report(Shown(tags=("north/*",), show=("count",)))
            desk.reports.replace([mine])
            await clock.sleep(DAY)
            new, old = await desk.reports.runs("daily", NORTH)
            assert b"north/a" in await desk.reports.file("daily", new.files[1], NORTH)
            with pytest.raises(DeniedError, match="may not read all that is in"):
                await desk.reports.file("daily", old.files[1], NORTH)
            assert b"south/b" in await desk.reports.file("daily", old.files[1], EVA)

    run_jumping(story)


def test_a_clock_that_falls_back_for_a_moment_takes_no_report_from_the_books() -> None:
    kept = Kept(after=T0 + 5 * DAY_NS, runs=[made(day) for day in range(5)])
    plan(SPEC, kept, T0 + 2 * DAY_NS)
    assert [run.key for run in kept.runs] == [f"day{day}" for day in range(5)]
    plan(SPEC, kept, T0 + 5 * DAY_NS + 1)
    assert {"day0", "day1"} <= {run.key for run in kept.runs}


def test_what_a_clock_that_was_ahead_had_made_is_made_again_in_its_place() -> None:
    kept = Kept(after=T0)
    plan(SPEC, kept, T0 + DAY_NS)
    kept.runs[0].state, kept.runs[0].made = ReportState.MADE, T0 + DAY_NS
    plan(SPEC, kept, T0 + DAY_NS // 2)
    (before,) = kept.runs
    assert plan(SPEC, kept, T0 + DAY_NS)
    (again,) = kept.runs
    assert (again.key, again.state, before.state) == (before.key, ReportState.DUE, ReportState.MADE)


def test_a_clock_that_is_not_set_yet_is_no_time_for_reports() -> None:
    kept = Kept(after=T0 + 5 * DAY_NS, runs=[made(day) for day in range(5)])
    assert not plan(SPEC, kept, 1000)
    assert kept.after == T0 + 5 * DAY_NS
    new = Kept(after=1000)
    assert plan(SPEC, new, T0 + 5 * DAY_NS + 1)
    assert (new.after, new.runs) == (T0 + 5 * DAY_NS + 1, [])


def test_looking_for_what_is_kept_no_more_compares_no_run_with_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def compared(self: Run, other: object) -> bool:
        raise AssertionError("ten thousand runs would be compared with ten thousand")

    kept = Kept(after=T0, runs=[made(day) for day in range(20)])
    monkeypatch.setattr(Run, "__eq__", compared)
    assert [run.key for run in outdated(replace(SPEC, keep=15), kept, T0)] == [f"day{day}" for day in range(5)]


def test_what_somebody_asks_for_takes_the_place_of_no_report_that_was_due() -> None:
    asked = [made(9, actor="olga") for _ in range(20)]
    kept = Kept(after=T0, runs=[*(made(day) for day in range(5)), *asked])
    found = outdated(replace(SPEC, keep=5), kept, T0)
    assert (len(found), {run.actor for run in found}) == (15, {"olga"})


@pytest.mark.parametrize("stopped", [False, True])
def test_a_report_that_is_cancelled_while_its_files_are_written_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, stopped: bool
) -> None:
    """By a person, or as its node stops: what was written stayed there for ever, as no run named it."""
    begun, go = threading.Event(), threading.Event()
    write = Shelf.write

    def slow(self: Shelf, report: str, name: str, data: bytes) -> None:
        write(self, report, name, data)
        if name.endswith(".html"):
            begun.set()
            go.wait(60)

    monkeypatch.setattr(Shelf, "write", slow)

    async def story(clock: JumpingClock) -> None:
        async with at_work(Desk(tmp_path, clock, Post(), DAILY)) as desk:
            asked = await desk.reports.order(ReportOrder(report="daily"), OLGA)
            await asyncio.to_thread(begun.wait, 10)
            if not stopped:
                await desk.reports.cancel("daily", asked.key, OLGA)
            threading.Timer(0.05, go.set).start()  # of real time: virtual time waits for the thread
            if not stopped:
                await desk.ended(asked)
                while any(tmp_path.rglob("*.html")):
                    await asyncio.sleep(0.01)
        assert [path.name for path in tmp_path.rglob("*.*")] == ["state.json"]

    run_jumping(story)
