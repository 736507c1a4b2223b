"""When an agent is started again and when it is given up: the machine alone."""

from __future__ import annotations

from sereno.agents.supervision import AgentState, Heartbeats, Patience, Supervision


def test_a_timer_is_late_when_it_completes_no_round() -> None:
    beats = Heartbeats(10.0)
    assert beats.overdue({"fast": (0, 1.0), "slow": (0, 60.0)}, 0.0)[0] == -10.0
    assert beats.overdue({"fast": (5, 1.0), "slow": (0, 60.0)}, 100.0) == (-10.0, 0.0, "fast")
    assert beats.overdue({"fast": (5, 1.0), "slow": (0, 60.0)}, 112.0) == (2.0, 12.0, "fast")
    assert beats.overdue({"fast": (9, 1.0), "slow": (0, 60.0)}, 185.0) == (5.0, 185.0, "slow")


def test_a_new_start_forgives_the_silence_before() -> None:
    beats = Heartbeats(10.0)
    beats.overdue({"fast": (3, 1.0)}, 0.0)
    beats.begin()
    assert beats.overdue({"fast": (3, 1.0)}, 100.0)[0] == -10.0


def test_silence_is_answered_by_restarts_up_to_the_limit() -> None:
    machine = Supervision(Patience(silent=10.0, limit=2, within=100.0))
    assert machine.judge(-1.0, "", 0.0) == ""
    assert machine.state is AgentState.RUNNING
    assert [machine.judge(1.0, "poll", t) for t in (10.0, 20.0, 30.0)] == ["restart", "restart", "stop"]
    assert machine.state is AgentState.GIVEN_UP
    assert machine.restarts == 2
    assert machine.why == "poll, 2 restarts within 100 s did not help"
    assert machine.judge(5.0, "poll", 40.0) == ""


def test_restarts_of_long_ago_do_not_count() -> None:
    machine = Supervision(Patience(silent=10.0, limit=1, within=100.0))
    assert [machine.judge(1.0, "poll", t) for t in (0.0, 101.0, 150.0)] == ["restart", "restart", "stop"]


def test_who_was_stopped_stays_so_until_started() -> None:
    machine = Supervision(Patience(limit=0))
    machine.stop("stopped by command")
    assert machine.judge(99.0, "poll", 0.0) == ""
    assert machine.state is AgentState.STOPPED
    machine.start()
    assert machine.judge(1.0, "poll", 0.0) == "stop"
    machine.start()
    assert machine.judge(-1.0, "", 0.0) == ""
    assert machine.state is AgentState.RUNNING
