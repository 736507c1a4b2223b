"""How fast a play goes: what people type while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable

from .clock import PacedClock

HINT = "Enter: real time and back; a number and Enter: that many times as fast (0: as fast as it goes)"


class Pace:
    """Changes the speed of a clock by what is typed."""

    def __init__(self, clock: PacedClock, tell: Callable[[str], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._before = clock.speed if clock.speed != 1 else 60.0

    def typed(self, line: str) -> None:
        """One line."""
        clock, words = self._clock, line.strip()
        try:
            wanted = float(words) if words else self._before if clock.speed == 1 else 1.0
            present, clock.speed = clock.speed, wanted
        except ValueError:
            self._tell(f"{words!r:.40} is no speed, expected 1 or more, or 0. {HINT}")
            return
        if present != 1:
            self._before = present
        self._tell(pace_in_words(clock.speed))

    def listen(self) -> None:
        """Take lines from the terminal, if there is one, in a thread that ends with the process."""
        if sys.stdin is None or not sys.stdin.isatty():
            return
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop, sys.stdin.fileno()), daemon=True, name="terminal").start()

    def _read(self, loop: asyncio.AbstractEventLoop, terminal: int) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # the terminal is gone, or the loop has ended before
            while data := os.read(terminal, 1 << 10):  # not by sys.stdin: its lock, held here, makes an exit fatal
                for line in data.decode(errors="replace").splitlines():
                    loop.call_soon_threadsafe(self.typed, line)


def pace_in_words(speed: float) -> str:
    """For people."""
    return "as fast as it goes" if not speed else "real time" if speed == 1 else f"{speed:g} times as fast"
