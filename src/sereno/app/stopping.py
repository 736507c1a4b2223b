"""Running work until it is told to stop: Ctrl-C, a request to end, the parent's end, or a time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from sereno.model import SystemClock

from .platform import give_memory_back, install_stop, new_event_loop


def run_until_stopped(work: Callable[[asyncio.Event], Coroutine[Any, Any, None]], *, tied: bool = False) -> int:
    """Run `work` on the fastest loop there is; its event is set when it shall stop. Exit code 0.

    `tied`: the end of standard input counts too, so that a child ends with its parent on every system.
    """

    async def supervised() -> None:
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        install_stop(loop, stopped.set)
        if tied:
            threading.Thread(target=_wait_for_end, args=(loop, stopped), daemon=True, name="stdin").start()
        await work(stopped)

    give_memory_back()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
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


def _wait_for_end(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    while os.read(sys.stdin.fileno(), 1 << 10):  # not by sys.stdin.buffer: its lock, held here, makes an exit fatal
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended before
        loop.call_soon_threadsafe(stopped.set)
