"""What both servers of the push benchmark send: rows whose first value is the time of sending, monotonic seconds."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import Callable

ROWS = {"sse": 80, "ws": 225}
"""Rows of a frame of about 5 kB: JSON columns, binary columns."""


def arguments() -> argparse.Namespace:
    """Of a server process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=sorted(ROWS))
    parser.add_argument("--bytes", type=int, default=5000, help="size of the frames of the floor")
    many_files()
    return parser.parse_args()


def many_files() -> None:
    """As many connections as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def say(**words: object) -> None:
    """One line to the benchmark."""
    print(json.dumps(words), flush=True)


async def obey(send: Callable[[float], None]) -> None:
    """Send at the rate that standard input names ("10"), tell of our CPU time when asked ("cpu"), until it ends."""
    asking = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asking), sys.stdin)
    ticking: asyncio.Task[None] | None = None
    while line := (await asking.readline()).decode().strip():
        if line == "cpu":
            say(cpu=time.process_time(), peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
            continue
        if ticking is not None:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        ticking = asyncio.create_task(_tick(1.0 / float(line), send))
        say(rate=float(line))


async def _tick(period: float, send: Callable[[float], None]) -> None:
    due = time.monotonic()
    while True:
        send(time.monotonic())
        due = max(due + period, time.monotonic() - period)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
