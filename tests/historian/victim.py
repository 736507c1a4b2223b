"""Records until it is killed. Prints, for each batch that is durable, its number and time."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sereno.historian.historian import Historian
from sereno.model import SystemClock
from tests.historian.rig import batch, floats


async def main(folder: Path, first: int) -> None:
    clock = SystemClock()
    historian = Historian(folder, clock, floats(3), commit_interval=0.005, segment_bytes=20_000)
    await historian.start()
    seq = first
    while True:
        told = []
        for _ in range(7):
            t = clock.wall_ns()
            historian.accept(
                batch(t, {0: float(seq), 1: float(-seq), 2: 1.0}, seq=seq, changed=[True, True, seq == first])
            )
            told.append(f"{seq} {t}")
            seq += 1
            await clock.sleep(0)
        await historian.durable()
        sys.stdout.write("\n".join(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
