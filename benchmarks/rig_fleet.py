"""The http driver against gateways and inventories that lie; no wrong total may come out as good."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import warnings

import psutil

import judging
from lying_fleet.defects import DEFECTS, maybe
from lying_fleet.lies import LIES
from lying_fleet.trial import PROMISES, Setting, Trial
from sereno.device import SocketTransports
from sereno.model import SystemClock
from sereno.testing import JumpingClock, MemoryTransports, run_jumping


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 = every promise kept, 1 = one was broken, 3 = a planted defect was not caught."""
    options = parse(arguments)
    if options.list:
        print("\n".join(sorted(LIES)))
        return 0
    began, before = time.perf_counter(), psutil.Process().memory_info().rss
    with warnings.catch_warnings(), maybe(options.plant_defect):
        warnings.simplefilter("error", RuntimeWarning)
        trial = on_sockets(options) if options.sockets else in_memory(options)
    if not options.json:
        for line in trial.notes:
            print(f"    {line}", file=sys.stderr)
    figures = trial.figures() | {"rss_growth_mb": (psutil.Process().memory_info().rss - before) >> 20}
    return judging.verdict("fleet", figures, PROMISES, DEFECTS, options, time.perf_counter() - began)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./dev rig fleet", description=__doc__)
    parser.add_argument("--sweeps", type=int, default=1000, metavar="N", help="how many (1000)")
    parser.add_argument("--sockets", action="store_true", help="real sockets in real time instead of memory")
    parser.add_argument("--list", action="store_true", help="name every lie and leave")
    judging.add_options(parser, DEFECTS)
    return parser.parse_args(arguments)


def promise(options: argparse.Namespace) -> str:
    """The promise that the planted defect breaks."""
    return DEFECTS[options.plant_defect][0] if options.plant_defect else ""


def in_memory(options: argparse.Namespace) -> Trial:
    """In virtual time, without sockets: the same seed is the same run."""

    async def run(clock: JumpingClock) -> Trial:
        trial = Trial(Setting(options.sweeps, clock, MemoryTransports(), options.seed, until_broken=promise(options)))
        await trial.run()
        return trial

    return run_jumping(run)


def on_sockets(options: argparse.Namespace) -> Trial:
    """In real time."""

    async def run() -> Trial:
        sockets = SocketTransports()
        setting = Setting(
            options.sweeps, SystemClock(), sockets, options.seed, grace=5.0, until_broken=promise(options)
        )
        trial = Trial(setting)
        await trial.run()
        return trial

    return asyncio.run(run())


if __name__ == "__main__":
    sys.exit(main())
