from __future__ import annotations

import pytest

from sereno.access import lockout as module
from sereno.access.lockout import Lockout
from sereno.testing import JumpingClock


def _fail(lockout: Lockout, clock: JumpingClock, account: str, address: str, times: int) -> None:
    for _ in range(times):
        clock.advance(lockout.attempt(account, address))


@pytest.fixture
def lockout(clock: JumpingClock) -> Lockout:
    return Lockout(clock)


def test_a_few_mistakes_cost_nothing(lockout: Lockout) -> None:
    assert [lockout.attempt("ann", "10.0.0.1") for _ in range(5)] == [0.0] * 5


def test_then_waiting_doubles_up_to_five_minutes(lockout: Lockout, clock: JumpingClock) -> None:
    waits = []
    for _ in range(5):
        lockout.attempt("ann", "10.0.0.1")
    for _ in range(12):
        waits.append(lockout.attempt("ann", "10.0.0.1"))
        clock.advance(waits[-1])
        assert lockout.attempt("ann", "10.0.0.1") == 0.0
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert max(waits) == 300.0


def test_an_attempt_while_waiting_is_not_let_through(lockout: Lockout, clock: JumpingClock) -> None:
    _fail(lockout, clock, "ann", "10.0.0.1", 5)
    wait = lockout.attempt("ann", "10.0.0.1")
    clock.advance(wait - 0.01)
    assert wait == 1.0
    assert lockout.attempt("ann", "10.0.0.1") == pytest.approx(0.01)


def test_ann_gets_in_from_elsewhere_while_her_account_is_attacked(lockout: Lockout) -> None:
    for host in range(1, 200):
        while lockout.attempt("ann", f"10.0.{host}.1") == 0:
            pass
    assert lockout.attempt("ann", "192.168.1.5") == 0.0


def test_many_accounts_from_one_address_are_slowed_down_too(lockout: Lockout, clock: JumpingClock) -> None:
    began = clock.monotonic()
    _fail(lockout, clock, "x", "10.0.0.1", 1)
    for i in range(200):
        _fail(lockout, clock, f"user{i}", "10.0.0.1", 2)
    assert clock.monotonic() - began > 3600


def test_success_starts_the_pair_anew(lockout: Lockout, clock: JumpingClock) -> None:
    _fail(lockout, clock, "ann", "10.0.0.1", 9)
    clock.advance(600)
    assert lockout.attempt("ann", "10.0.0.1") == 0.0
    lockout.succeeded("ann", "10.0.0.1")
    assert [lockout.attempt("ann", "10.0.0.1") for _ in range(5)] == [0.0] * 5


def test_an_hour_of_peace_is_forgiven(lockout: Lockout, clock: JumpingClock) -> None:
    _fail(lockout, clock, "ann", "10.0.0.1", 10)
    clock.advance(2 * 3600)
    assert [lockout.attempt("ann", "10.0.0.1") for _ in range(5)] == [0.0] * 5


def test_an_ipv6_network_counts_as_one_address(lockout: Lockout) -> None:
    for host in range(5):
        lockout.attempt("ann", f"2001:db8::{host:x}")
    assert lockout.attempt("ann", "2001:db8::beef") > 0
    assert lockout.attempt("ann", "2001:db8:0:1::1") == 0.0


def test_memory_is_bounded(lockout: Lockout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 50)
    for i in range(500):
        lockout.attempt("ann", f"10.1.{i // 250}.{i % 250}")
    assert len(lockout._entries) == 50
