from __future__ import annotations

import asyncio
import time

import pytest

from sereno.model import Clock, ScaledClock, SystemClock


def clocks() -> list[Clock]:
    return [SystemClock(), ScaledClock(1000.0)]


@pytest.mark.parametrize("clock", clocks())
async def test_sleeping_lets_time_pass(clock: Clock) -> None:
    before, wall = clock.monotonic(), clock.wall_ns()
    await clock.sleep(0.002)
    assert clock.monotonic() >= before + 0.002
    assert clock.wall_ns() > wall
    await clock.sleep(-1)


@pytest.mark.parametrize("clock", clocks())
async def test_a_longer_stay_raises(clock: Clock) -> None:
    with pytest.raises(TimeoutError):
        async with clock.timeout(0.002):
            await asyncio.Event().wait()
    async with clock.timeout(1000):
        await clock.sleep(0)


@pytest.mark.parametrize("clock", clocks())
async def test_calls_come_later_or_not_at_all(clock: Clock) -> None:
    called = asyncio.Event()
    clock.call_later(0, lambda: pytest.fail("cancelled")).cancel()
    clock.call_later(-1, called.set)
    await called.wait()


async def test_a_scaled_clock_runs_faster_from_its_epoch() -> None:
    clock = ScaledClock(3600.0, epoch_ns=0)
    really = time.monotonic()
    await clock.sleep(36)
    assert clock.wall_ns() >= 36_000_000_000
    assert clock.wall_ns() <= (time.monotonic() - really + 1) * 3600 * 1e9


@pytest.mark.parametrize("factor", [0, -1])
def test_a_factor_must_be_positive(factor: float) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        ScaledClock(factor)


def test_the_system_clock_is_the_machines() -> None:
    before = time.time_ns()
    assert before <= SystemClock().wall_ns() <= time.time_ns()
