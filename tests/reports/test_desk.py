"""Reports over days of virtual time: made when they are due, sent, tried again, over restarts, by those who may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sereno.access.actor import ROLES, Actor, Permission, Right, Role
from sereno.client import ReportOrder, ReportRun, ReportState
from sereno.model import DeniedError, NotFoundError, OperationError, RefusedError, TagSpec
from sereno.reports import gather
from sereno.reports.desk import Reports
from sereno.reports.maker import Maker
from sereno.reports.shelf import Shelf
from sereno.reports.spec import ReportSpec, Shown
from sereno.testing import EPOCH_NS, JumpingClock, run_jumping
from tests.reports.rig import Declared, Post, report, sources

DAY, HOUR = 86_400, 3600
EVA, OLGA, VERA = (Actor(n, (ROLES[r],)) for n, r in (("eva", "engineer"), ("olga", "operator"), ("vera", "viewer")))
NORTH = Actor("north", (Role("north", (Permission(Right.READ, "north/*"), Permission(Right.HISTORY, "north/*"))),))
TAGS = Declared(TagSpec(path="north/a"), TagSpec(path="south/b"))
DAILY = report(logbook=True, by=("mail",), to=("olga",))


class Desk:
    """A desk at work on a folder; `acts` is what went on record."""

    def __init__(self, folder: Path, clock: JumpingClock, post: Post, *specs: ReportSpec) -> None:
        self.acts: list[tuple[str, str]] = []
        self.post = post
        self.shelf = Shelf(folder)
        self.maker = Maker(sources(TAGS), self.shelf, post, clock)
        self.reports = Reports(specs, TAGS, self.maker, clock, record=self.record)  # type: ignore[arg-type]

    async def record(self, actor: str, action: str, target: str, **_: Any) -> None:
        self.acts.append((actor, action))
        assert target

    async def runs(self) -> list[ReportRun]:
        return await self.reports.runs("daily", EVA)

    async def ended(self, run: ReportRun) -> ReportRun:
        while True:
            found = next(one for one in await self.runs() if one.key == run.key)
            if found.state not in (ReportState.DUE, ReportState.MAKING):
                return found
            await asyncio.sleep(0.1)


@asynccontextmanager
async def at_work(desk: Desk) -> AsyncIterator[Desk]:
    task = asyncio.create_task(desk.reports.run())
    try:
        yield desk
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_a_report_a_day_each_sent_once_over_restarts(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        post = Post()
        for hours in (30, 1, 2, 47, 0.5, 23.6):
            async with at_work(Desk(tmp_path, clock, post, DAILY)) as desk:
                await clock.sleep(hours * HOUR)
        runs = list(reversed(await desk.runs()))
        assert [run.key for run in runs] == ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04"]
        assert [letter.subject[:27] for _, letter in post.taken] == [
            f"Works: Daily, 2026-01-0{d} 00" for d in (1, 2, 3, 4)
        ]
        assert len({letter.id for _, letter in post.taken}) == 4
        assert {delivery.state for run in runs for delivery in run.deliveries} == {"sent"}
        assert runs[0].made - runs[0].end < 91 * 10**9
        names = [(name, media) for name, media, _ in post.taken[0][1].files]
        assert names == [
            ("daily-2026-01-01.html", "text/html"),
            ("daily-2026-01-01.csv", "text/csv"),
            ("daily-2026-01-01-logbook.csv", "text/csv"),
        ]
        assert post.taken[0][1].html.startswith("<!DOCTYPE html>")
        assert not any(run.late for run in runs)

    run_jumping(story)


def test_after_a_week_without_a_node_three_are_made_late(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        post = Post()
        async with at_work(Desk(tmp_path, clock, post, DAILY)):
            await clock.sleep(HOUR)
        await clock.sleep(7 * DAY)
        async with at_work(Desk(tmp_path, clock, post, DAILY)) as desk:
            await clock.sleep(60)
        assert [(r.key[-2:], r.late, r.skipped) for r in reversed(await desk.runs())] == [
            ("05", True, 4),
            ("06", True, 0),
            ("07", True, 0),
        ]
        assert "4 earlier reports were not made" in post.taken[0][1].text
        assert "Made late" in post.taken[2][1].html

    run_jumping(story)


def test_a_kill_between_the_mail_and_its_record_sends_it_again_and_says_so(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        post = Post(failures=1)
        desk = Desk(tmp_path, clock, post, DAILY)
        save, copies = desk.shelf.save, list[bytes]()
        desk.shelf.save = lambda name, data: (copies.append(data), save(name, data))[1]  # type: ignore[method-assign]
        async with at_work(desk):
            await clock.sleep(DAY + 65)
        before = next(data for data in copies if b'"attempts":1' in data and b"server is away" not in data)
        Shelf(tmp_path).save("daily", before)
        async with at_work(Desk(tmp_path, clock, post, DAILY)):
            await clock.sleep(HOUR)
        first, second = (letter for _, letter in post.taken[-2:])
        assert (first.id == second.id, first.again, second.again) == (True, False, True)

    run_jumping(story)


def test_a_way_that_fails_is_tried_again_for_hours_and_then_given_up(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        post = Post(failures=6)
        async with at_work(Desk(tmp_path, clock, post, DAILY)) as desk:
            await clock.sleep(DAY + 2 * HOUR)
            assert not desk.reports.problem
            assert (await desk.runs())[0].deliveries[0].outcome == "the server is away"
            await clock.sleep(5 * HOUR)
            assert desk.reports.problem == "daily 2026-01-01 did not reach olga: the server is away"
            assert len(post.taken) == 6
            await clock.sleep(DAY)
            assert not desk.reports.problem
            assert len(post.taken) == 7

    run_jumping(story)


def test_what_cannot_be_gathered_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(clock: JumpingClock) -> None:
        failures = iter([OperationError("history is busy"), ValueError("odd")])
        whole = gather._Gatherer.log

        async def log(self: Any) -> dict[str, Any]:
            for failure in failures:
                raise failure
            return await whole(self)

        monkeypatch.setattr(gather._Gatherer, "log", log)
        async with at_work(Desk(tmp_path, clock, Post(), DAILY)) as desk:
            await clock.sleep(DAY + 65)
            assert desk.reports.problem == "daily 2026-01-01: history is busy"
            await clock.sleep(120)
            assert [run.state for run in await desk.runs()] == [ReportState.MADE]

    run_jumping(story)


def test_a_full_disk_loses_no_report_and_sends_none_twice(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        post = Post()
        desk = Desk(tmp_path, clock, post, DAILY)
        write, full = desk.shelf.write, False

        def limited(report: str, name: str, data: bytes) -> None:
            if full:
                raise OSError(28, "no space left on device")
            write(report, name, data)

        desk.shelf.write = limited  # type: ignore[method-assign]
        async with at_work(desk):
            await clock.sleep(HOUR)
            full = True
            await clock.sleep(DAY)
            assert "no space left" in desk.reports.problem
            assert not post.taken
            full = False
            await clock.sleep(HOUR)
            assert [run.state for run in await desk.runs()] == [ReportState.MADE]
            assert (len(post.taken), desk.reports.problem) == (1, "")

    run_jumping(story)


def test_copies_in_a_folder_go_with_what_is_kept_no_more(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        out = tmp_path / "out"
        spec = report(logbook=True, folder=str(out), formats=("csv",), keep=2)
        async with at_work(Desk(tmp_path / "kept", clock, Post(), spec)) as desk:
            await clock.sleep(HOUR)
            (tmp_path / "out").mkdir()
            (out / "daily-notes.txt").write_text("of somebody else")
            await clock.sleep(5 * DAY)
        days = ("2026-01-04", "2026-01-05")
        wanted = {f"daily-{day}{part}.csv" for day in days for part in ("", "-logbook")}
        assert {path.name for path in out.iterdir()} == {*wanted, "daily-notes.txt"}
        assert {path.name for path in (tmp_path / "kept" / "daily").iterdir()} == {*wanted, "state.json"}
        assert [run.deliveries[0].outcome for run in await desk.runs()] == [f"written to {out}"] * 2

    run_jumping(story)


def test_nobody_on_duty_is_a_problem_and_not_silence(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with at_work(Desk(tmp_path, clock, Post(), replace(DAILY, to=("nobody",)))) as desk:
            await clock.sleep(DAY + 120)
            assert desk.reports.problem.endswith("nobody of nobody is on duty")

    run_jumping(story)


def test_one_that_somebody_asks_for(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        async with at_work(Desk(tmp_path, clock, Post(), DAILY)) as desk:
            await clock.sleep(DAY + HOUR)
            asked = await desk.reports.order(ReportOrder(report="daily", period="now", formats=("html",)), OLGA)
            made = await desk.ended(asked)
            assert (made.state, made.actor, len(made.files), made.deliveries) == (ReportState.MADE, "olga", 1, ())
            assert b"not over" in await desk.reports.file("daily", made.files[0], VERA)
            sent = await desk.reports.order(ReportOrder(report="daily", send=True), EVA)
            await desk.ended(sent)
            await clock.sleep(60)
            assert len(desk.post.taken) == 2
            assert desk.acts == [("olga", "report.order"), ("eva", "report.order")]
            assert len(await desk.runs()) == 3, "what the plant file asked for stays as it was"

    run_jumping(story)


def test_who_may_not_and_what_is_not_there(tmp_path: Path) -> None:
    both = report(Shown(tags=("*/*",), show=("last",)))
    north = replace(report(Shown(tags=("north/*",), show=("last",))), name="north")

    async def story(clock: JumpingClock) -> None:
        desk = Desk(tmp_path, clock, Post(), both, north, replace(DAILY, name="log"))
        reports = desk.reports
        assert [one.name for one in await reports.reports(NORTH)] == ["north"]
        assert [one.name for one in await reports.reports(VERA)] == ["daily", "north", "log"]
        for name in ("daily", "log"):
            with pytest.raises(DeniedError):
                await reports.runs(name, NORTH)
        with pytest.raises(DeniedError, match="acknowledge"):
            await reports.order(ReportOrder(report="daily"), VERA)
        with pytest.raises(DeniedError, match="configure"):
            await reports.order(ReportOrder(report="daily", send=True), OLGA)
        for name in ("state.json", "../daily/state.json", "nothing.csv"):
            with pytest.raises(NotFoundError):
                await reports.file("daily", name, EVA)
        with pytest.raises(NotFoundError, match="known: daily"):
            await reports.runs("dayly", EVA)
        with pytest.raises(NotFoundError):
            await reports.cancel("daily", "2026-01-01", EVA)
        with pytest.raises(ValueError, match="no format pdf"):
            await reports.order(ReportOrder(report="daily", formats=("pdf",)), EVA)
        assert not desk.acts

    run_jumping(story)


def test_cancelling_ends_the_work_and_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(clock: JumpingClock) -> None:
        begun, ended = asyncio.Event(), False

        async def endless(self: Any) -> dict[str, Any]:
            nonlocal ended
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended = True
            return {}

        monkeypatch.setattr(gather._Gatherer, "log", endless)
        async with at_work(Desk(tmp_path, clock, Post(), DAILY)) as desk:
            asked = await desk.reports.order(ReportOrder(report="daily"), OLGA)
            await begun.wait()
            (running,) = await desk.runs()
            assert running.state is ReportState.MAKING
            await desk.reports.cancel("daily", asked.key, OLGA)
            assert (await desk.ended(asked)).state is ReportState.CANCELLED
            await clock.sleep(1)
            assert (ended, desk.reports.problem) == (True, "")
            with pytest.raises(RefusedError):
                await desk.reports.cancel("daily", asked.key, OLGA)

    run_jumping(story)


def test_a_damaged_state_is_put_aside_and_reports_go_on(tmp_path: Path) -> None:
    (tmp_path / "daily").mkdir(mode=0o700)
    (tmp_path / "daily" / "state.json").write_text('{"after": ')

    async def story(clock: JumpingClock) -> None:
        async with at_work(Desk(tmp_path, clock, Post(), DAILY)) as desk:
            await clock.sleep(DAY + 65)
            assert [run.key for run in await desk.runs()] == ["2026-01-01"]

    run_jumping(story)
    assert (tmp_path / "daily" / "state.json.damaged").exists()


def test_other_reports_begin_at_once(tmp_path: Path) -> None:
    async def story(clock: JumpingClock) -> None:
        assert clock.wall_ns() == EPOCH_NS
        async with at_work(Desk(tmp_path, clock, Post(), DAILY)) as desk:
            await clock.sleep(HOUR)
            desk.reports.replace([replace(DAILY, every=report(every="1h").every)])
            await clock.sleep(2 * HOUR)
            assert [run.key for run in await desk.runs()] == ["2026-01-01T0100+0000", "2026-01-01T0000+0000"]

    run_jumping(story)
