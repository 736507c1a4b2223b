"""powercut: what a power cut leaves at any moment of recording, rotation and compaction; nothing durable may be lost.

Through a FUSE file system under real processes, the compactor's too, of which the first recorder is killed; where none
can be mounted, through the historian's injected disk (`through` says which, and why). Either notes every call: what was
not synced is dropped, torn, zeroed or reordered, names without a synced folder are the old or the new ones. The checker
opens each remains with a historian of its own and reads it through the public query. `--defect NAME` plants one, which
must be found.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

from breaking import mounting
from breaking.defects import DEFECTS, plant
from breaking.journal import Event, JournalDisk, image
from breaking.workload import compactor_on, historian_on, record, stored, total, violations
from sereno.model import OperationError, SystemClock


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=300)
    parser.add_argument("--batches", type=int, default=160, help="recorded by each victim; one for every 100 cycles")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--defect", choices=DEFECTS, default="")
    parser.add_argument("--through", choices=("fuse", "injected"), default="injected" if mounting.why_not() else "fuse")
    options = parser.parse_args()
    through = f"injected: {mounting.why_not() or 'as asked'}" if options.through == "injected" else "fuse"
    counts = {"lost": 0, "doubled": 0, "altered": 0, "refused": 0, "cycles": 0}
    for first in range(0, options.cycles, 100):
        with tempfile.TemporaryDirectory(prefix="sereno-cut-") as name:
            cycles = min(100, options.cycles - first)
            counts = total(counts, cut(Path(name), options, random.Random(options.seed + first), cycles))
    bad = sum(counts[key] for key in ("lost", "doubled", "altered", "refused"))
    line = {"name": "powercut", "through": through, "figures": counts, "ratios": {}, "defect": options.defect}
    print(json.dumps({**line, "found": bad > 0}))
    return int((bad > 0) is not bool(options.defect))


def cut(folder: Path, options: argparse.Namespace, chance: random.Random, cycles: int) -> dict[str, int]:
    """Let a victim record, then look at `cycles` power cuts of it."""
    if options.through == "fuse":
        victim, events = mounting.HISTORY, mounting.recorded(folder, options.batches, options.defect)
    else:
        victim = folder / "victim"
        disk = JournalDisk()
        plant(options.defect, disk)
        asyncio.run(recorded(victim, disk, options.batches))
        events = disk.events
    counts: dict[str, int] = {"cycles": cycles, "events": len(events)}
    assert options.defect or any(event[0] == "rename" and str(event[2]).endswith("manifest.json") for event in events)
    for number in range(cycles):
        remains = folder / f"remains{number}"
        remains.mkdir()
        acknowledged = image(events, moment(events, chance), victim, remains, chance)
        try:
            series, _ = asyncio.run(stored(remains))
        except (OperationError, OSError) as error:
            if number < 3:
                print(f"refused: {error}")
            counts = total(counts, {"refused": 1})
        else:
            if series or acknowledged:
                counts = total(counts, violations(series, acknowledged))
        shutil.rmtree(remains)
    return counts


def moment(events: list[Event], chance: random.Random) -> int:
    """Before any event; half of them about names, of which there are few."""
    if chance.random() < 0.5:
        return chance.randrange(len(events) + 1)
    named = [i for i, event in enumerate(events) if event[0] in ("rename", "remove", "folder", "create")]
    return min(chance.choice(named) + chance.randrange(3), len(events))


async def recorded(folder: Path, disk: JournalDisk, batches: int) -> None:
    """Two starts, so that a start is cut too."""
    for start in range(2):
        historian = historian_on(folder, disk, SystemClock(), compactor_on(disk))
        await historian.start()
        await record(historian, start * batches // 2, batches // 2, disk.acknowledged, every=20)
        await historian.stop()


if __name__ == "__main__":
    sys.exit(main())
