"""A child that a rig starts: the line that says it is ready, or the end of the rig in a sentence."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

NOT_READY = 4
"""Exit code of a rig whose node was not ready in its time: nothing was judged."""
LINES = 20


async def ready_line(process: asyncio.subprocess.Process, seconds: float, log: Path | None = None) -> bytes:
    """The first line that it prints. `log`: where its messages go, None = to the terminal.

    Raises SystemExit, with the sentence and the last lines of the log said, if it ends or `seconds` pass before.
    """
    assert process.stdout is not None
    try:
        async with asyncio.timeout(seconds):
            line = await process.stdout.readline()
            if line:
                return line
            told = f"the node has ended with code {await process.wait()} before it was ready"
    except TimeoutError:
        told = f"the node is not ready after {seconds:g} s"
    if log is None:
        print(f"{told}; what it said is above", file=sys.stderr)
    else:
        print("\n".join([f"{told}; the last it said:", *_last_lines(log)]), file=sys.stderr)
    raise SystemExit(NOT_READY)


async def ended(process: asyncio.subprocess.Process) -> None:
    """Kill it, unless it has ended, and wait for its end."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _last_lines(log: Path) -> list[str]:
    lines = log.read_text("utf-8", "replace").splitlines()
    return [f"  {line}" for line in lines[-LINES:]] or ["  nothing"]
