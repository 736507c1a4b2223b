"""What is noted, tried again and thrown away."""

from __future__ import annotations

from dataclasses import replace

from sereno.client import Calendar, Every, ReportState
from sereno.reports.planning import AGAIN, failed, outdated, plan, problem, to_make
from sereno.reports.shelf import Kept, Parcel, Run
from sereno.reports.spec import ReportSpec

DAY, SECOND = 86_400 * 10**9, 10**9
T0 = 20_000 * DAY
SPEC = ReportSpec(name="r", title="R", every=Every.parse("1d"), calendar=Calendar("UTC"), delay=0.0)


def made(day: int, **given: object) -> Run:
    end = T0 + (day + 1) * DAY
    return Run(key=f"day{day}", start=end - DAY, end=end, due=end, made=end, state=ReportState.MADE, **given)  # type: ignore[arg-type]


def test_what_is_due_is_noted_once() -> None:
    kept = Kept(after=T0 + 1)
    assert not plan(SPEC, kept, T0 + DAY - 1)
    assert plan(SPEC, kept, T0 + DAY)
    assert not plan(SPEC, kept, T0 + DAY + 1)
    (run,) = kept.runs
    assert (run.start, run.end, run.late, run.skipped) == (T0, T0 + DAY, False, 0)


def test_a_node_that_was_down_makes_the_newest_late_and_says_so() -> None:
    kept = Kept(after=T0 + 1)
    assert plan(SPEC, kept, T0 + 10 * DAY + 3600 * SECOND)
    assert [(run.late, run.skipped) for run in kept.runs] == [(True, 7), (True, 0), (True, 0)]
    assert kept.after == T0 + 10 * DAY


def test_a_clock_that_was_a_month_ahead_and_is_set_right_loses_no_report() -> None:
    kept = Kept(after=T0 + 1)
    plan(SPEC, kept, T0 + 30 * DAY)
    plan(SPEC, kept, T0 + DAY // 2)
    assert [run.key for run in kept.runs] == []
    plan(SPEC, kept, T0 + DAY)
    assert [run.end for run in kept.runs] == [T0 + DAY]


def test_a_clock_that_is_set_back_over_the_end_doubles_no_report() -> None:
    kept = Kept(after=T0 + 1)
    plan(SPEC, kept, T0 + DAY + 5 * SECOND)
    kept.runs[0].state = ReportState.MADE
    plan(SPEC, kept, T0 + DAY + SECOND)
    assert len(kept.runs) == 1


def test_what_fails_is_tried_again_and_not_for_ever() -> None:
    run, now = replace(made(0), state=ReportState.DUE, made=0), T0
    kept = Kept(after=T0, runs=[run])
    for seconds in AGAIN:
        failed(run, "the disk is full", now)
        assert (to_make(kept, now), run.state) == ([], ReportState.DUE)
        assert problem(SPEC, kept) == "r day0: the disk is full"
        now += seconds * SECOND
        assert to_make(kept, now) == [run]
    failed(run, "the disk is full", now)
    assert run.state is ReportState.FAILED


def test_a_problem_ends_with_the_next_report_that_arrives() -> None:
    lost = Parcel(way="mail", person="olga", state="failed", outcome="nobody there")
    kept = Kept(after=T0, runs=[made(0, parcels=[lost])])
    assert problem(SPEC, kept) == "r day0 did not reach olga: nobody there"
    kept.runs.append(made(1))
    assert not problem(SPEC, kept)
    kept.runs.append(made(2, actor="eva", send=False, error="asked for too much"))
    assert not problem(SPEC, kept)


def test_reports_are_kept_by_count_and_by_age() -> None:
    waiting = made(0, parcels=[Parcel(way="mail", person="olga")])
    kept = Kept(after=T0, runs=[waiting, *(made(day) for day in range(1, 10))])
    assert [r.key for r in outdated(replace(SPEC, keep=4), kept, T0)] == [f"day{day}" for day in range(1, 6)]
    by_age = replace(SPEC, keep_for=3 * 86_400.0)
    assert [r.key for r in outdated(by_age, kept, T0 + 10 * DAY)] == [f"day{day}" for day in range(1, 6)]
    assert not outdated(SPEC, kept, T0 + 1000 * DAY)
