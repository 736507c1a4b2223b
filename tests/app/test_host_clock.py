"""The machine's clock: known or not, right or not, said where somebody looks."""

from __future__ import annotations

import sys

import pytest

from sereno.app.commands.doctor import OK, WARNING, clock_finding
from sereno.app.host_clock import clock_fault, clock_figures, timekeeping
from sereno.app.platform import HostClock, host_clock
from sereno.model import ScaledClock, SystemClock

NOW = 1_800_000_000 * 10**9


@pytest.mark.parametrize(
    ("clock", "says", "figure"),
    [
        (HostClock(None, 0.0), "", -1),
        (HostClock(True, 0.02), "", 1),
        (HostClock(True, 3.0), "may be wrong by 3.0 s", 1),
        (HostClock(False, 16.0), "not synchronised", 0),
    ],
)
def test_what_is_wrong_is_said(clock: HostClock, says: str, figure: int) -> None:
    assert says in clock_fault(clock)
    assert bool(clock_fault(clock)) is bool(says)
    assert clock_figures(clock) == {"clock_synchronised": figure, "clock_max_error_s": clock.max_error}
    finding = clock_finding(NOW, clock)
    assert finding.level == (WARNING if says else OK)
    assert says in finding.text


def test_a_clock_that_is_years_behind_is_worse() -> None:
    assert "years behind" in clock_finding(10**18, HostClock(True, 0.0)).text


@pytest.mark.skipif(sys.platform != "linux", reason="only the Linux kernel says")
def test_the_kernel_says() -> None:
    found = host_clock()
    assert found.synchronised is not None
    assert 0 <= found.max_error < 1e6


def test_other_systems_do_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert host_clock() == HostClock(None, 0.0)


@pytest.mark.parametrize(
    ("said", "real", "demo"),
    [
        (None, "unknown", "simulated"),
        (False, "unsynchronised", "simulated"),
        (True, "synchronised", "synchronised"),
    ],
)
def test_what_the_node_says_of_the_clock_that_it_runs_on(said: bool | None, real: str, demo: str) -> None:
    host = HostClock(said, 0.1)
    assert timekeeping(SystemClock(), demo=False, host=host) == real
    assert timekeeping(SystemClock(), demo=True, host=host) == demo
    assert timekeeping(ScaledClock(2.0), demo=False, host=host) == "simulated"
