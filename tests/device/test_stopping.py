"""Stopping devices at any moment."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sereno.model import (
    NoAnswerError,
)
from sereno.testing import JumpingClock, jumping


@pytest.mark.parametrize("moment", [0.0, 0.1, 0.5, 0.75, 1.6, 2.2])
@jumping
async def test_stopping_at_any_moment_leaves_nothing_running(clock: JumpingClock, bench: Any, moment: float) -> None:
    bench.add("a/d")
    bench.add("a/refused")
    bench.add("a/hello")
    bench.wire("a/d").connect_time = 0.5
    bench.wire("a/refused").refuse = "no"
    bench.unit("a/d").duration = 0.6
    bench.unit("a/hello").probe_error = NoAnswerError("no")
    devices = bench.run(clock)
    await devices.start()
    await clock.sleep(moment)
    await devices.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    published = len(bench.ingest.batches)
    assert all(bench.ingest.states_of(path)[-1] == "offline" for path in ("a/d", "a/refused", "a/hello"))
    await clock.sleep(100)
    assert len(bench.ingest.batches) == published
    assert len(bench.wire("a/d").attempts) == 1
    assert {r.error for r in bench.ingest.links[-3:]} == {"stopped"}


@jumping
async def test_devices_may_be_stopped_before_the_start_and_started_again(clock: JumpingClock, bench: Any) -> None:
    bench.add("a/d")
    devices = bench.run(clock)
    await devices.stop()
    for _ in range(2):
        await devices.start()
        await clock.sleep(2.5)
        await devices.stop()
    assert [b.seq for b in bench.ingest.batches] == [1, 2, 3, 4, 5, 6]


@jumping
async def test_a_link_that_does_not_close_does_not_keep_the_stop(clock: JumpingClock, bench: Any, logs: Any) -> None:
    bench.add("a/d")
    async with bench.run(clock):
        await clock.sleep(1)
        link = bench.wire("a/d").link

        async def never() -> None:
            await asyncio.Event().wait()

        link.close = never
    assert clock.monotonic() == 6.0
    assert logs.events[0] == "link did not close"
