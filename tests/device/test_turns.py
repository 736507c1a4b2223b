from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sereno.device import Environment
from sereno.device._turns import LinkTurns
from sereno.testing import JumpingClock, MemoryLink, MemoryWire, jumping

Log = list[tuple[str, float]]


def make(clock: JumpingClock, *, pipelines: bool = False) -> LinkTurns:
    return LinkTurns(MemoryLink("memory://x", Environment(clock=clock), MemoryWire(pipelines=pipelines)))


async def use(turn: Any, clock: JumpingClock, name: str, lasts: float, log: Log) -> None:
    async with turn:
        log.append((name, clock.monotonic()))
        await clock.sleep(lasts)


@jumping
async def test_a_command_goes_before_queued_scans_and_does_not_wait_for_the_running_one(clock: JumpingClock) -> None:
    turns, log = make(clock), Log()
    async with asyncio.TaskGroup() as group:
        for name in ("scan1", "scan2", "scan3"):
            group.create_task(use(turns.scan, clock, name, 1, log))
        await clock.sleep(0.5)
        group.create_task(use(turns.command, clock, "command", 2, log))
    assert log == [("scan1", 0), ("command", 0.5), ("scan2", 2.5), ("scan3", 3.5)]


@jumping
async def test_commands_go_one_at_a_time_and_do_not_starve_scans(clock: JumpingClock) -> None:
    turns, log = make(clock), Log()
    async with asyncio.TaskGroup() as group:
        for i in range(3):
            group.create_task(use(turns.command, clock, f"command{i}", 1, log))
        await clock.sleep(0)
        for i in range(3):
            group.create_task(use(turns.scan, clock, f"scan{i}", 0.1, log))
    assert log == [
        ("command0", 0),
        ("scan0", 1),
        ("command1", 1),
        ("scan1", 2),
        ("command2", 2),
        ("scan2", 3),
    ]


@jumping
async def test_scans_of_a_pipelining_link_pass_freely(clock: JumpingClock) -> None:
    turns, log = make(clock, pipelines=True), Log()
    async with asyncio.TaskGroup() as group:
        group.create_task(use(turns.command, clock, "command1", 5, log))
        group.create_task(use(turns.command, clock, "command2", 5, log))
        await clock.sleep(0)
        group.create_task(use(turns.scan, clock, "scan1", 5, log))
        group.create_task(use(turns.scan, clock, "scan2", 5, log))
    assert log == [("command1", 0), ("scan1", 0), ("scan2", 0), ("command2", 5)]


@pytest.mark.parametrize("kind", ["scan", "command"])
@jumping
async def test_who_gives_up_waiting_does_not_keep_the_turn(clock: JumpingClock, kind: str) -> None:
    turns, log = make(clock), Log()
    turn = getattr(turns, kind)
    async with turn:
        waiting = [asyncio.create_task(use(turn, clock, f"waiting{i}", 1, log)) for i in range(3)]
        await clock.sleep(1)
        waiting[0].cancel()  # while it waits
        await clock.sleep(0)
    waiting[1].cancel()  # after it was let in, before it ran
    await asyncio.wait(waiting)
    assert log == [("waiting2", 1)]
    await use(turn, clock, "last", 0, log)
    assert log[-1] == ("last", 2)


@jumping
async def test_an_error_inside_gives_the_turn_back(clock: JumpingClock) -> None:
    turns = make(clock)
    for turn in (turns.scan, turns.command):
        with pytest.raises(LookupError):
            async with turn:
                raise LookupError
    async with turns.command:
        pass
    async with turns.scan:
        pass
