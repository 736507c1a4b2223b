"""commands: replays, double clicks, second persons, lost replies, expiries, kills of the node; nothing goes twice."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from commanding.defects import DEFECTS
from commanding.trial import ZERO, Trial
from judging import add_options, verdict


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 = every promise kept, 1 = one was broken, 3 = a planted defect was not caught,
    4 = a node was not ready in its time.
    """
    options = _parse(arguments)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), options.count, options.seed, options.plant_defect)
        asyncio.run(trial.run())
    return verdict("commands", trial.figures(), ZERO, DEFECTS, options, time.perf_counter() - began)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev rig commands", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="commands to send")
    add_options(parser, DEFECTS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
