from __future__ import annotations

from sereno.sim.faults import FaultKind, FaultPlan, ServerFault
from sereno.testing import JumpingClock

SILENT = ServerFault(FaultKind.SILENT)


def test_without_a_bound_a_fault_lasts_until_it_is_cleared():
    clock = JumpingClock()
    plan = FaultPlan(clock)
    assert plan.take() is None
    plan.set(SILENT)
    clock.advance(1e6)
    assert plan.take() == SILENT
    assert plan.current() == SILENT
    plan.clear()
    assert plan.take() is None
    assert plan.current() is None


def test_a_duration_ends_it():
    clock = JumpingClock()
    plan = FaultPlan(clock)
    plan.set(SILENT, duration=10.0)
    clock.advance(9.999)
    assert plan.take() == SILENT
    clock.advance(0.002)
    assert plan.take() is None
    assert plan.current() is None


def test_a_number_of_requests_ends_it():
    plan = FaultPlan(JumpingClock())
    plan.set(SILENT, requests=2)
    assert [plan.take() for _ in range(3)] == [SILENT, SILENT, None]


def test_a_new_fault_replaces_the_old_one_and_its_bounds():
    clock = JumpingClock()
    plan = FaultPlan(clock)
    plan.set(SILENT, duration=1.0, requests=1)
    slow = ServerFault(FaultKind.SLOW, 0.5)
    plan.set(slow)
    clock.advance(5.0)
    assert [plan.take() for _ in range(3)] == [slow] * 3


def test_a_fault_says_what_it_is():
    assert [str(f) for f in (SILENT, ServerFault(FaultKind.SLOW, 0.5), ServerFault(FaultKind.EXCEPTION, code=6))] == [
        "silent",
        "slow 0.5s",
        "exception 6",
    ]
