"""kill: kill -9 of the recorder and of the compactor, at random times and (strace) at each system call that matters.

The victim says on a pipe what is durable; the rig, outside of it, opens the folder with a historian of its own and
reads through the public query: nothing acknowledged may be lost, doubled or altered. It begins with a store of the
first version, which is compacted into the present form meanwhile: not a sample of it may change. Imports are killed
while parts come, while they are merged and at the moment that they count: each is there whole and once, or not at all
and every acknowledged part is put by. `--defect NAME` plants one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from breaking import importing, old_store
from breaking.defects import DEFECTS, IMPORT_DEFECTS
from breaking.workload import stored, total, violations

VICTIM = Path(__file__).parent / "breaking" / "victim.py"
CALLS = ("write", "fdatasync", "fsync", "rename", "unlink", "ftruncate")
DEPTH = 12
BAD = ("lost", "doubled", "altered", "halved", "parts_lost", "not_done")
GROUPS: list[int] = []
"""Process groups of the victims: a compactor may outlive its node for a moment, which is part of the trial."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=30)
    parser.add_argument("--points", type=int, default=12, help="kills at system calls, if strace is there")
    parser.add_argument("--imports", type=int, default=4, help="each is killed at five points")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--defect", choices=(*DEFECTS, *IMPORT_DEFECTS), default="")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    points = options.points if shutil.which("strace") else 0
    with tempfile.TemporaryDirectory(prefix="sereno-kill-", ignore_cleanup_errors=True) as name:
        try:
            counts = {}
            if options.defect not in IMPORT_DEFECTS:
                counts = trial(Path(name), options.cycles, points, chance, options.defect)
            if options.defect not in DEFECTS:
                counts = total(counts, importing.trial(Path(name) / "imports", options.imports, chance, options.defect))
        finally:
            for group in GROUPS:
                end_group(group)
    bad = sum(counts.get(key, 0) for key in BAD)
    line = {"name": "kill", "figures": counts, "ratios": {}, "defect": options.defect, "found": bad > 0}
    print(json.dumps(line))
    return int((bad > 0) is not bool(options.defect))


def trial(folder: Path, cycles: int, points: int, chance: random.Random, defect: str) -> dict[str, int]:
    """All cycles on one folder, which is checked after each."""
    counts: dict[str, int] = {"cycles": cycles, "points": points, "compactors_killed": 0}
    acknowledged: set[int] = set()
    first = 0
    worst = 0.0
    old_store.seed(folder / "old")
    old_store.seed(folder / "victim")
    old = asyncio.run(old_store.content(folder / "old"))
    for number in range(cycles + points):
        strace = syscall_kill(number - cycles) if number >= cycles else []
        told, compactors = run_and_kill(folder / "victim", first, strace, chance, defect)
        counts["compactors_killed"] += compactors
        acknowledged |= told
        first = max([first, *acknowledged]) + 1000
        began = time.perf_counter()
        series, _ = asyncio.run(stored(folder / "victim"))
        worst = max(worst, time.perf_counter() - began)
        counts = total(counts, violations(series, acknowledged))
        counts = total(counts, {"altered": asyncio.run(old_store.content(folder / "victim")) != old})
        if any(counts.get(key, 0) for key in ("lost", "doubled", "altered")):
            break
    counts["acknowledged"] = len(acknowledged)
    counts["worst_open_and_read_ms"] = int(worst * 1000)
    return counts


def syscall_kill(number: int) -> list[str]:
    """The victim dies within the n-th call of one kind."""
    call, when = CALLS[number % len(CALLS)], 1 + number // len(CALLS) * 3 % DEPTH
    return [
        "strace",
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        f"trace={call}",
        "-e",
        f"inject={call}:signal=KILL:when={when}",
    ]


def run_and_kill(
    folder: Path, first: int, strace: list[str], chance: random.Random, defect: str
) -> tuple[set[int], int]:
    """Numbers that were acknowledged before the victim was killed, and how many compactors were killed first."""
    command = [*strace, sys.executable, str(VICTIM), str(folder), str(first), defect]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as victim:
        GROUPS.append(victim.pid)
        assert victim.stdout is not None
        line = victim.stdout.readline()
        killed = 0
        if line:
            time.sleep(chance.uniform(0.02, 1.5))
            if chance.random() < 0.4:
                killed = kill_compactors(victim.pid)
                time.sleep(chance.uniform(0.0, 0.3))
        for process in [*family(victim.pid), victim.pid]:
            end(process)
        lines = victim.stdout.read().splitlines()
    told = [int(line) for line in lines if line.isdigit()]
    return (set(range(first, max(told) + 1)) if told else set()), killed


def family(pid: int) -> list[int]:
    """Processes that the victim began: with strace, the victim itself."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill_compactors(pid: int) -> int:
    killed = 0
    for child in family(pid):
        try:
            if "sereno.historian.cold.worker" in " ".join(psutil.Process(child).cmdline()):
                end(child)
                killed += 1
        except psutil.Error:
            continue
    return killed


def end_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main())
