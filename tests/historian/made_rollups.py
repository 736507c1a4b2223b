"""How `version1_rollups/` was made: `python -m tests.historian.made_rollups FOLDER` (and what is to be found in it).

Two days of two numbers every ten seconds of three hours, one with two decimals, an int64 and a text now and then.
The first day was compacted and then thinned by age: of the number without decimals roll-ups are left; a sample of it
came late. The second day is compacted but for its last segment. `SHA256SUMS` has the hashes of the files as they were.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from sereno.historian.cold.manifest import load_manifest, save_manifest
from sereno.historian.cold.pruning import Pruning, Removal, prune
from sereno.historian.disk import SystemDisk
from sereno.model import TagSpec, ValueType
from tests.historian.rig import SECOND, T0, Log, Plant, batch, compacted

DAY = 86_400 * SECOND
LEVEL, FLOW, TOTAL, RECIPE = range(4)
PLANT = Plant(
    TagSpec(path="north/plc1/level", unit="m"),
    TagSpec(path="north/plc1/flow", unit="l/s", decimals=2),
    TagSpec(path="north/plc1/total", type=ValueType.INT64),
    TagSpec(path="north/plc1/recipe", type=ValueType.STRING),
)
N = 1080
"""Scans of each day, ten seconds apart."""


def level(i: int) -> float:
    return (i % 37) / 3


def flow(i: int) -> float:
    return round((i * 7 % 1000) / 100, 2)


def total(i: int) -> int:
    return 2**60 + i


def make(folder: Path) -> None:
    """Write the store into a new folder."""
    disk = SystemDisk()
    for day in range(2):
        _record(folder, T0 + day * DAY, range(N))
        compacted(folder)
        if day == 0:
            ids = (int(PLANT.specs[LEVEL].id),)
            removal = Removal(ids, T0, T0 + DAY, kinds=("1m",))
            done = prune(disk, folder, load_manifest(disk, folder), Pruning((removal,), ((T0, 1),)))
            save_manifest(disk, folder, done.manifest)
    log = Log(folder, PLANT, now=T0 + 2 * DAY)
    log.commit(T0 + 2 * DAY, batch(T0 + 5 * SECOND, {LEVEL: 100.0}))
    log.close()
    compacted(folder)
    _record(folder, T0 + 2 * DAY, range(10))
    manifest = load_manifest(disk, folder)
    for path in (*(folder / "log").iterdir(), *(folder / "cold").iterdir()):
        kept = manifest.kept() | {"manifest.json"} if path.parent.name == "cold" else ()
        if path.name not in kept and not (path.parent.name == "log" and int(path.stem) > manifest.compacted):
            path.unlink()
    (folder / "lock").unlink(missing_ok=True)


def _record(folder: Path, start: int, scans: range) -> None:
    log = Log(folder, PLANT, segment_bytes=1 << 30, now=start)
    for i in scans:
        t = start + i * 10 * SECOND
        texts = {RECIPE: f"step {i // 360}"} if i % 360 == 0 else None
        values = {LEVEL: level(i), FLOW: flow(i), TOTAL: float(total(i))}
        log.commit(t, batch(t, values, exact={TOTAL: total(i)}, objects=texts))
    log.close()


def hashes(folder: Path) -> str:
    """A line for each file, as sha256sum writes and reads them."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS")
    lines = (f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder).as_posix()}\n" for p in files)
    return "".join(lines)


if __name__ == "__main__":
    made = Path(sys.argv[1])
    make(made)
    (made / "SHA256SUMS").write_text(hashes(made))
