"""The paced clock alone: timers in order, no faster than it may, nothing lost or caught up in a rush."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sereno.app.paced.clock import BEHIND, DatedClock, PacedClock
from sereno.testing import EPOCH_NS, JumpingClock, jumping


class Hands(JumpingClock):
    """A real clock that is moved by hand."""

    def pass_(self, seconds: float) -> None:
        self.advance(seconds)


def drain(clock: PacedClock, until: float = math.inf) -> None:
    """Fire what is due, as the loop does when there is nothing else to do."""
    while clock.due_in() == 0 and clock.monotonic() < until:
        for call in clock.jump():
            call()


def test_as_fast_as_it_goes_it_jumps_from_timer_to_timer() -> None:
    clock, seen = PacedClock(EPOCH_NS, real=Hands()), []
    for seconds in (3.0, 1.0, 2.0):
        clock.call_later(seconds, lambda seconds=seconds: seen.append((seconds, clock.monotonic(), clock.wall_ns())))
    clock.call_later(1.5, lambda: seen.append("cancelled")).cancel()
    drain(clock)
    assert seen == [(s, s, EPOCH_NS + round(s * 1e9)) for s in (1.0, 2.0, 3.0)]
    assert clock.due_in() is None
    assert clock.jump() == []


def test_it_is_no_faster_than_it_may() -> None:
    real = Hands()
    clock = PacedClock(EPOCH_NS, 120.0, real=real)
    clock.call_later(60.0, lambda: None)
    assert clock.due_in() == pytest.approx(0.5)
    real.pass_(0.2)
    assert clock.due_in() == pytest.approx(0.3)
    clock.follow()
    assert clock.monotonic() == pytest.approx(24.0)
    real.pass_(0.3)
    assert clock.due_in() == pytest.approx(0.0, abs=1e-9)


def test_time_passes_smoothly_between_timers_and_never_beyond_one() -> None:
    real = Hands()
    clock = PacedClock(EPOCH_NS, 10.0, real=real)
    clock.call_later(1.0, lambda: None)
    real.pass_(0.2)
    clock.follow()
    assert clock.monotonic() == 1.0
    drain(clock)
    clock.follow()
    assert clock.monotonic() == pytest.approx(2.0)


def test_a_long_stall_is_not_caught_up() -> None:
    real = Hands()
    clock, beats = PacedClock(EPOCH_NS, 100.0, real=real), list[float]()

    def beat() -> None:
        beats.append(clock.monotonic())
        clock.call_later(1.0, beat)

    clock.call_later(1.0, beat)
    real.pass_(60.0)
    drain(clock)
    assert beats[-1] == 1.0 + BEHIND * 100.0
    real.pass_(0.1)
    drain(clock)
    assert beats[-1] == 1.0 + (BEHIND + 0.1) * 100.0


def test_another_speed_holds_from_now_on() -> None:
    real = Hands()
    clock = PacedClock(EPOCH_NS, 100.0, real=real)
    real.pass_(0.1)
    clock.follow()
    clock.speed = 1.0
    real.pass_(0.2)
    clock.follow()
    assert clock.monotonic() == pytest.approx(10.2)
    clock.call_later(5.0, lambda: None)
    assert clock.due_in() == pytest.approx(5.0)
    clock.speed = 0
    assert clock.due_in() == 0


@pytest.mark.parametrize("speed", [-1.0, 0.5, math.inf, math.nan])
def test_a_speed_that_none_is(speed: float) -> None:
    with pytest.raises(ValueError, match="expected 1 or more"):
        PacedClock(EPOCH_NS, speed)


@given(
    st.lists(st.floats(0, 1000, allow_nan=False), max_size=30),
    st.lists(st.floats(0, 3, allow_nan=False), max_size=60),
    st.sampled_from([0.0, 1.0, 7.0, 120.0]),
)
def test_timers_fire_in_order_at_their_time_and_never_early(
    waits: list[float], passing: list[float], speed: float
) -> None:
    real = Hands()
    clock, fired = PacedClock(EPOCH_NS, speed, real=real), list[tuple[float, int]]()
    for number, wait in enumerate(waits):
        clock.call_later(wait, lambda wait=wait, number=number: fired.append((wait, number)))
    gone = 0.0
    for seconds in passing:
        before = clock.monotonic()
        real.pass_(seconds)
        gone += seconds
        drain(clock)
        clock.follow()
        assert clock.monotonic() >= before
        if speed:
            assert clock.monotonic() <= gone * speed * (1 + 1e-9) + 1e-9
            assert all(when <= clock.monotonic() for when, _ in fired)
    order = [(wait, number) for number, wait in enumerate(waits)]
    assert fired == sorted(order)[: len(fired)]
    if not speed and passing:
        assert len(fired) == len(waits)


@jumping
async def test_dates_of_one_clock_and_rhythm_of_another(rhythm: JumpingClock) -> None:
    dates = PacedClock(EPOCH_NS + 7, real=rhythm)
    clock = DatedClock(dates, rhythm)
    rung: list[str] = []
    clock.call_later(1.0, lambda: rung.append("rung"))
    await clock.sleep(2.0)
    assert rung == ["rung"]
    assert (clock.wall_ns(), clock.monotonic()) == (EPOCH_NS + 7, 2.0)
    with pytest.raises(TimeoutError):
        async with clock.timeout(1.0):
            await asyncio.Event().wait()
