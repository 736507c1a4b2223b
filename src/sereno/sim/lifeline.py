"""What ties a simulator to whoever started it: standard input. Public, for simulators of applications."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

ASKED, ANSWER = b"\n", '{"beat": %d}\n'
"""A line that is asked with on standard input, and what the event loop answers on standard output."""


def hold(over: Callable[[], None]) -> None:
    """From now on the running loop answers each line of standard input, and calls `over` when that ends.

    So a child ends with its parent on every system, however the parent ends, and the parent knows that it is not hung.
    """
    loop = asyncio.get_running_loop()
    threading.Thread(target=_read, args=(loop, over), name="stdin", daemon=True).start()


def _read(loop: asyncio.AbstractEventLoop, over: Callable[[], None]) -> None:
    asked = 0
    with suppress(RuntimeError):  # the loop has ended before
        while data := os.read(
            sys.stdin.fileno(), 1 << 10
        ):  # not by sys.stdin: its lock, held here, makes an exit fatal
            for _ in range(data.count(ASKED)):
                asked += 1
                loop.call_soon_threadsafe(_answer, asked)
        loop.call_soon_threadsafe(over)


def _answer(number: int) -> None:
    with suppress(OSError):  # nobody reads any more; standard input ends soon
        sys.stdout.write(ANSWER % number)
        sys.stdout.flush()
