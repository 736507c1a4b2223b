"""Records and compacts until it is killed: `python victim.py FOLDER FIRST [DEFECT [EVERY]]`. Prints what is durable."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from breaking.defects import plant
from breaking.workload import historian_on, record
from sereno.historian.cold.keeper import in_own_process
from sereno.historian.disk import SystemDisk
from sereno.model import SystemClock


def tell(seq: int) -> None:
    os.write(1, f"{seq}\n".encode())


async def main(folder: Path, first: int, defect: str = "", every: str = "40") -> None:
    disk = SystemDisk()
    plant(defect, disk)
    historian = historian_on(folder, disk, SystemClock(), in_own_process)
    await historian.start()
    os.write(1, b"ready\n")
    await record(historian, first, 1 << 40, tell, every=int(every))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
