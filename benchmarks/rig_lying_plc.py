"""The Modbus driver, devices and hub against devices that lie; no wrong value may come out as good."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import psutil

from lying_plc.defects import DEFECTS, planted
from lying_plc.plant import JUMPING, REAL
from lying_plc.site import Ground
from lying_plc.trial import PROMISES, Setting, Trial
from sereno.device import SocketTransports
from sereno.model import SystemClock
from sereno.sim.lying import reset_socket
from sereno.sim.lying_lies import describe, names
from sereno.testing import JumpingClock, MemoryTransports, open_sockets, run_jumping

BROKEN, NOT_CAUGHT = 1, 3
TELL_EVERY = 2.0
"""Seconds between two lines of progress."""


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 = every promise kept, 1 = one was broken, 3 = a planted defect was not caught."""
    options = parse(arguments)
    if options.list:
        print("\n".join(f"{name:20} {describe(name)}" for name in names()))
        return 0
    began, before = time.perf_counter(), psutil.Process().memory_info().rss
    with warnings.catch_warnings(), planted(options.plant_defect) if options.plant_defect else nullcontext():
        warnings.simplefilter("error", RuntimeWarning)
        trial = on_sockets(options) if options.sockets else in_memory(options)
    seconds = time.perf_counter() - began
    broken = trial.broken()
    figures = trial.figures() | {
        "per_second": round(trial.site.transactions / seconds),
        "seconds": round(seconds, 2),
        "rss_growth_mb": round((psutil.Process().memory_info().rss - before) / 2**20, 1),
        "seed": options.seed,
        "mode": "sockets" if options.sockets else "memory",
    }
    result: dict[str, Any] = {"name": "lying-plc", "figures": figures, "broken": broken}
    caught = bool(options.plant_defect) and DEFECTS[options.plant_defect][0] in broken
    if options.plant_defect:
        result |= {"defect": options.plant_defect, "caught": caught}
    if not options.json:
        report(trial, broken, options.plant_defect, caught=caught)
    print(json.dumps(result))
    return NOT_CAUGHT if options.plant_defect and not caught else BROKEN if broken else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./dev rig lying-plc", description=__doc__)
    parser.add_argument("--transactions", type=int, default=10_000, metavar="N", help="requests to be answered (10000)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed in memory is the same run, byte for byte")
    parser.add_argument("--sockets", action="store_true", help="real sockets in real time instead of memory")
    parser.add_argument("--lie", action="append", choices=names(), metavar="NAME", help="only this lie (repeatable)")
    parser.add_argument("--plant-defect", choices=sorted(DEFECTS), help="break the driver first: must be caught")
    parser.add_argument("--list", action="store_true", help="name every lie and leave")
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    return parser.parse_args(arguments)


def in_memory(options: argparse.Namespace) -> Trial:
    """In virtual time, without sockets."""

    async def run(clock: JumpingClock) -> Trial:
        network = MemoryTransports()
        ground = Ground(JUMPING, clock, network, lambda transport: transport.reset())  # type: ignore[attr-defined]
        trial = Trial(setting(options, ground))
        await trial.run()
        return trial

    return run_jumping(run)


def on_sockets(options: argparse.Namespace) -> Trial:
    """In real time, on the event loop that a node has."""

    async def run() -> Trial:
        trial = Trial(setting(options, Ground(REAL, SystemClock(), SocketTransports(), reset_socket)))
        await trial.run()
        return trial

    before = open_sockets()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        trial = runner.run(run())
    trial.counts["leaked_sockets"] += len(open_sockets() - before)
    return trial


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it exists, as in a node."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def setting(options: argparse.Namespace, ground: Ground) -> Setting:
    """What the command line asks for."""
    told = time.perf_counter()

    def progress(trial: Trial) -> None:
        nonlocal told
        if not options.json and time.perf_counter() - told > TELL_EVERY:
            told = time.perf_counter()
            share = trial.site.transactions / options.transactions
            lies, drops = sum(trial.site.liar.told.values()), trial.site.counters()["drops"]
            done = f"{trial.site.transactions} transactions, {trial.counts['episodes']} episodes"
            print(f"{share:5.0%}  {done}, {lies} lies, {drops} drops", file=sys.stderr)

    chosen = {"lies": tuple(options.lie)} if options.lie else {}
    promise = DEFECTS[options.plant_defect][0] if options.plant_defect else ""
    return Setting(ground, options.transactions, options.seed, until_broken=promise, progress=progress, **chosen)


def report(trial: Trial, broken: dict[str, int], defect: str | None, *, caught: bool) -> None:
    """For people: what was kept and what was not."""
    for name, meaning in PROMISES.items():
        print(f"{broken.get(name, 0):8}  {meaning}")
    for line in trial.explain():
        print(f"          {line}")
    if defect:
        print(f"The planted defect {defect!r} was {'caught' if caught else 'NOT caught'}.")


if __name__ == "__main__":
    sys.exit(main())
