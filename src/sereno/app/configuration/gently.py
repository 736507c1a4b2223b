"""Much work in a thread beside a busy event loop: short turns for everybody, and no sweep of all memory meanwhile."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TURN = 1e-4
"""Seconds after which a thread that waits for the interpreter gets it; 5 ms, the usual, is too long for scans."""


@contextmanager
def gently() -> Iterator[None]:
    """While it lasts."""
    interval, collects = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(TURN)
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
        sys.setswitchinterval(interval)
