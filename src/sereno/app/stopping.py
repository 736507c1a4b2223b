"""Running work until it is told to stop: Ctrl-C, a request to end, the parent's end, or a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from sereno.model import SystemClock
from sereno.sim.lifeline import hold

from .loading import done
from .platform import give_memory_back, install_stop, new_event_loop


def run_until_stopped(
    work: Callable[[asyncio.Event], Coroutine[Any, Any, None]],
    *,
    tied: bool = False,
    loop: Callable[[], asyncio.AbstractEventLoop] = new_event_loop,
) -> int:
    """Run `work` on the fastest loop there is, or one that is given; its event is set when it shall stop. Exit code 0.

    `tied`: the end of standard input counts too, and its lines are answered: see `sereno.sim.lifeline`.
    """

    async def supervised() -> None:
        here = asyncio.get_running_loop()
        stopped = asyncio.Event()
        install_stop(here, stopped.set)
        if tied:
            hold(stopped.set)
        await work(stopped)

    done()
    give_memory_back()
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(supervised())
    return 0


async def until(stopped: asyncio.Event, seconds: float | None) -> None:
    """Until the event is set, or for `seconds`."""
    if seconds is None:
        await stopped.wait()
        return
    with contextlib.suppress(TimeoutError):
        async with SystemClock().timeout(seconds):
            await stopped.wait()


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Until one of them ends; the others are cancelled. Raises what that one raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
