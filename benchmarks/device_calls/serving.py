"""The server's end of a contender: says when it is ready, obeys its standard input."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any


def ready(address: Any) -> None:
    """The first line of a server: where it is."""
    print(json.dumps(address), flush=True)


def obey(push: Callable[[float], int]) -> None:
    """Each line of standard input is a number of seconds: push flat out for so long, then say how many. Blocks."""
    for line in sys.stdin:
        print(json.dumps({"pushed": push(float(line))}), flush=True)


def in_thread(push: Callable[[float], int]) -> None:
    """`obey` beside what else the process does."""
    threading.Thread(target=obey, args=(push,), daemon=True).start()


def flat_out(seconds: float, one_round: Callable[[float], int]) -> int:
    """Rounds with growing numbers, the last of them twice: a count of values. `one_round(number)` pushes all once."""
    pushed, number, until = 0, 1.0, time.perf_counter() + seconds
    while time.perf_counter() < until:
        pushed += one_round(number)
        number += 1.0
    return pushed + one_round(-1.0)
