from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from tests.historian.rig import Reader, floats, rows

ROOT = Path(__file__).parents[2]
CYCLES = 4


def run_and_kill(folder: Path, first: int, seconds: float) -> dict[int, int]:
    """Number and time of the batches that were told to be durable before the process was killed."""
    command = [sys.executable, "-m", "tests.historian.victim", str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as victim:
        assert victim.stdout is not None
        line = victim.stdout.readline()
        time.sleep(seconds)
        victim.kill()
        lines = [line, *victim.stdout.read().splitlines()]
    told = [line.split() for line in lines[:-1] if line.count(" ") == 1]
    return {int(seq): int(t) for seq, t in told}


def test_what_was_acknowledged_survives_kill(tmp_path: Path) -> None:
    chance = random.Random(4)
    acknowledged: dict[int, int] = {}
    for cycle in range(CYCLES):
        told = run_and_kill(tmp_path, 1 + cycle * 1_000_000, chance.uniform(0.05, 0.4))
        assert told, "the victim acknowledged nothing"
        acknowledged |= told
    reader = Reader(tmp_path)
    for tag, sign in ((0, 1), (1, -1)):
        found = {
            t: value for t, value, quality in rows(reader.series(floats(3).specs[tag], 0, 1 << 62)) if quality == 0
        }
        missing = {seq: t for seq, t in acknowledged.items() if found.get(t) != sign * seq}
        assert not missing
    gaps = [r for r in rows(reader.series(floats(3).specs[2], 0, 1 << 62)) if r[1] is None]
    assert len(gaps) == CYCLES - 1
