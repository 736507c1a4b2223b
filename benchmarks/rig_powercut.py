"""powercut: what a power cut leaves at any moment of recording, rotation and compaction; nothing durable may be lost.

Through the historian's injected disk, which notes every call; not through a file system. What was not synced is
dropped, torn, zeroed or reordered, names without a synced folder are the old or the new ones. The checker opens each
remains with a historian of its own and reads it through the public query. `--defect NAME` plants one, which must be
found.
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

from breaking.defects import DEFECTS, plant
from breaking.journal import JournalDisk, image
from breaking.workload import compactor_on, historian_on, record, stored, total, violations
from sereno.model import OperationError, SystemClock


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=300)
    parser.add_argument("--batches", type=int, default=160, help="recorded by each victim; one for every 100 cycles")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--defect", choices=DEFECTS, default="")
    options = parser.parse_args()
    counts = {"lost": 0, "doubled": 0, "altered": 0, "refused": 0, "cycles": 0}
    for first in range(0, options.cycles, 100):
        with tempfile.TemporaryDirectory(prefix="sereno-cut-") as name:
            cycles = min(100, options.cycles - first)
            counts = total(counts, cut(Path(name), options, random.Random(options.seed + first), cycles))
    bad = sum(counts[key] for key in ("lost", "doubled", "altered", "refused"))
    print(json.dumps({"name": "powercut", "figures": counts, "ratios": {}, "defect": options.defect, "found": bad > 0}))
    return int((bad > 0) is not bool(options.defect))


def cut(folder: Path, options: argparse.Namespace, chance: random.Random, cycles: int) -> dict[str, int]:
    """Let a victim record, then look at `cycles` power cuts of it."""
    victim = folder / "victim"
    disk = JournalDisk()
    plant(options.defect, disk)
    asyncio.run(recorded(victim, disk, options.batches))
    counts: dict[str, int] = {"cycles": cycles, "events": len(disk.events)}
    assert any(event[0] == "rename" and str(event[2]).endswith("manifest.json") for event in disk.events)
    for number in range(cycles):
        remains = folder / f"remains{number}"
        remains.mkdir()
        acknowledged = image(disk.events, moment(disk, chance), victim, remains, chance)
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


def moment(disk: JournalDisk, chance: random.Random) -> int:
    """Before any event; half of them about names, of which there are few."""
    if chance.random() < 0.5:
        return chance.randrange(len(disk.events) + 1)
    named = [i for i, event in enumerate(disk.events) if event[0] in ("rename", "remove", "folder", "create")]
    return min(chance.choice(named) + chance.randrange(3), len(disk.events))


async def recorded(folder: Path, disk: JournalDisk, batches: int) -> None:
    """Two starts, so that a start is cut too."""
    for start in range(2):
        historian = historian_on(folder, disk, SystemClock(), compactor_on(disk))
        await historian.start()
        await record(historian, start * batches // 2, batches // 2, disk.acknowledged, every=20)
        await historian.stop()


if __name__ == "__main__":
    sys.exit(main())
