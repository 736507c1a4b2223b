"""When a job runs: single stories, and all of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sereno.agents.jobs.calendar import parse_calendar
from sereno.agents.jobs.machine import JobMachine, JobState, Moment, Schedule, Why

WALL = 1_767_225_600_000_000_000


def at(t: float) -> Moment:
    return Moment(t, WALL + round(t * 1e9))


def test_an_interval_begins_at_once_and_keeps_its_grid() -> None:
    machine = JobMachine(Schedule(every=10.0), at(0))
    assert machine.tick(at(0)) is Why.INTERVAL
    assert machine.tick(at(10)) is None, "never twice at once"
    machine.ended(at(23))
    assert machine.skipped == 1
    assert machine.delay(at(23)) == 7.0
    assert machine.tick(at(30.2)) is Why.INTERVAL
    machine.ended(at(31))
    assert machine.delay(at(31)) == 9.0


def test_again_counts_from_the_end() -> None:
    machine = JobMachine(Schedule(again=2.0), at(0))
    assert machine.tick(at(0)) is Why.AGAIN
    machine.ended(at(5))
    assert (machine.tick(at(6.9)), machine.tick(at(7))) == (None, Why.AGAIN)


def test_after_a_restart_the_interval_goes_on() -> None:
    machine = JobMachine(Schedule(every=60.0), at(0), last_start=WALL - 20 * 10**9)
    assert machine.delay(at(0)) == 40.0
    assert JobMachine(Schedule(every=60.0), at(0), last_start=WALL - 3600 * 10**9).delay(at(0)) == 0.0


def test_a_change_while_it_runs_is_not_forgotten() -> None:
    machine = JobMachine(Schedule(), at(0))
    assert (machine.tick(at(0)), machine.delay(at(0))) == (None, None)
    machine.change()
    assert machine.tick(at(1)) is Why.CHANGE
    machine.change()
    machine.change()
    machine.ended(at(2))
    assert machine.tick(at(2)) is Why.CHANGE
    machine.ended(at(3))
    assert machine.tick(at(3)) is None


def test_paused_it_runs_only_when_asked() -> None:
    machine = JobMachine(Schedule(every=10.0, calendar=parse_calendar("* * * * *", "UTC")), at(0), paused=True)
    machine.change()
    assert (machine.tick(at(100)), machine.state) == (None, JobState.PAUSED)
    assert machine.ask()
    assert not machine.ask()
    assert machine.tick(at(101)) is Why.ASKED
    assert not machine.ask()
    machine.ended(at(102))
    machine.resume(at(105))
    assert machine.delay(at(105)) == 5.0


def test_the_calendar_is_by_the_wall_clock() -> None:
    machine = JobMachine(Schedule(calendar=parse_calendar("@hourly", "UTC")), at(0))
    assert machine.delay(at(0)) == 3600.0
    stepped = Moment(10.0, WALL + 3601 * 10**9)
    assert machine.tick(stepped) is Why.CALENDAR


EVENTS = st.lists(
    st.tuples(st.sampled_from(["tick", "ended", "ask", "change", "pause", "resume"]), st.floats(0, 40)), max_size=80
)
SCHEDULES = st.builds(
    Schedule,
    every=st.one_of(st.none(), st.floats(0.5, 30)),
    again=st.one_of(st.none(), st.floats(0.1, 10)),
    calendar=st.one_of(st.none(), st.just(parse_calendar("* * * * *", "UTC"))),
)


@given(SCHEDULES, EVENTS)
def test_never_twice_at_once_and_never_without_a_reason(schedule: Schedule, events: list[tuple[str, float]]) -> None:
    machine = JobMachine(schedule, at(0))
    now, running, paused, asked, changed, starts = 0.0, False, False, False, False, []
    for event, passed in events:
        now += passed
        if event == "tick":
            expected: Any = machine.delay(at(now)) == 0.0
            why = machine.tick(at(now))
            assert (why is not None) == expected
            if why is None:
                assert running or (not asked and (paused or not changed))
                continue
            assert not running
            assert not paused or why is Why.ASKED
            assert why is not Why.ASKED or asked
            assert why is not Why.CHANGE or changed
            if why is Why.INTERVAL:
                starts.append(now)
            running, asked, changed = True, False, False
        elif event == "ended" and running:
            machine.ended(at(now))
            running = False
        elif event == "ask":
            assert machine.ask() == (not running and not asked)
            asked = asked or not running
        elif event == "change":
            machine.change()
            changed = changed or not paused
        elif event in ("pause", "resume"):
            machine.pause() if event == "pause" else machine.resume(at(now))
            paused = event == "pause"
            changed = changed and not paused
        assert machine.running == running
    if schedule.every is not None and len(starts) > 1:
        assert len(starts) - 1 <= (starts[-1] - starts[0]) / schedule.every + 1
