"""Imports until it is killed: `python import_victim.py FOLDER NUMBER POINT [DEFECT]`. Prints how far it is.

At the points `before`, `after` and `clear` it kills itself: they are too short to hit from outside.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from breaking import importing
from breaking.defects import plant
from breaking.workload import Declared
from sereno.access.actor import ROLES, Actor
from sereno.client import ImportStage
from sereno.historian.bulk.imports import StagedImports
from sereno.historian.cold.keeper import in_own_process
from sereno.historian.cold.manifest import load_manifest
from sereno.historian.cold.worker import carried_out
from sereno.historian.disk import SystemDisk
from sereno.historian.historian import Historian
from sereno.model import SystemClock

ACTOR = Actor("victim", (ROLES["engineer"],))


class Fatal(SystemDisk):
    """A disk on which its process dies. `armed` once the merging has begun."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.armed = False

    def rename(self, source: Path, target: Path) -> None:
        """See Disk."""
        mine = self.armed and target.name == "manifest.json"
        self._die(mine and self.point == "before")
        super().rename(source, target)
        self._die(mine and self.point == "after")

    def remove(self, path: Path) -> None:
        """See Disk."""
        super().remove(path)
        self._die(self.armed and path.name == "parts.bin" and self.point == "clear")

    def _die(self, now: bool) -> None:
        if now:
            os.killpg(os.getpgid(0), signal.SIGKILL)


def tell(words: str) -> None:
    os.write(1, f"{words}\n".encode())


async def nothing(*_: Any, **__: Any) -> None:
    """No audit is kept here."""


async def main(folder: Path, number: int, point: str, defect: str = "") -> None:
    disk = Fatal(point)
    plant(defect, disk)
    historian = Historian(folder, SystemClock(), Declared(), disk=disk, compactor=armed(disk))
    await historian.start()
    imports = StagedImports(historian, nothing, disk=disk)
    staged = await imports.stage(importing.source(number), ACTOR)
    for which in range(staged.parts, importing.PARTS):
        tell(f"part {await imports.put(staged.key, which, importing.part(number, which), ACTOR)}")
    tell("merging")
    await imports.merge(staged.key, ACTOR)
    while (state := await imports.state(staged.key, ACTOR)).stage is ImportStage.MERGING:
        await asyncio.sleep(0.01)
    await historian.stop()
    tell("done" if state.stage is ImportStage.DONE else f"failed {state.error}")


def armed(disk: Fatal) -> Any:
    """A compactor, after whose work on an import the disk is fatal; in a process of its own where it is killed."""

    async def work(folder: Path, order: Any, **told: Any) -> Any:
        if disk.point == "merge":
            outcome = await in_own_process(folder, order, **told)
            if order.absorption is not None:
                await asyncio.Event().wait()  # whoever kills it is slower: it dies here, not where the others do
        else:
            outcome = await asyncio.to_thread(carried_out, disk, folder, load_manifest(disk, folder), order)
        disk.armed = disk.armed or order.absorption is not None
        return outcome

    return work


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
