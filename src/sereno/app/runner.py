"""Runs a node in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from sereno.device import Environment
from sereno.model import SystemClock

from .datafolder import DataFolder
from .logs import configure_logs
from .node import Node
from .plant.load import Plant
from .platform import install_stop, new_event_loop
from .welcome import Welcome


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What to run and how: `seconds` None = until told to stop; `fresh_password` gives the administrator a new one."""

    plant: Plant
    data: Path
    host: str
    port: int
    seconds: float | None = None
    fresh_password: bool = False


def run_until_stopped(options: RunOptions, welcome: Welcome) -> int:
    """Run until Ctrl-C, a request to end, or the time given. Returns the exit code."""
    configure_logs()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(_run(options, welcome))


async def _run(options: RunOptions, welcome: Welcome) -> int:
    stopped = asyncio.Event()
    install_stop(asyncio.get_running_loop(), stopped.set)
    async with Node(options.plant, DataFolder(options.data), Environment()) as node:
        welcome.show(await node.start(options.host, options.port, fresh_password=options.fresh_password))
        await until(stopped, options.seconds)
    return 0


async def until(stopped: asyncio.Event, seconds: float | None) -> None:
    """Until the event is set, or for `seconds`."""
    if seconds is None:
        await stopped.wait()
        return
    with contextlib.suppress(TimeoutError):
        async with SystemClock().timeout(seconds):
            await stopped.wait()
