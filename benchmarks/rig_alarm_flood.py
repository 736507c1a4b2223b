"""alarm-flood: thousands of alarms in seconds, chatter beside them, kill -9 in the midst; nothing lost, in order."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from alarm_flood.defects import DEFECTS
from alarm_flood.trial import ZERO, Trial
from judging import add_options, verdict


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 = every promise kept, 1 = one was broken, 3 = a planted defect was not caught,
    4 = a node was not ready in its time.
    """
    options = _parse(arguments)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(
            Path(folder), options.alarms, options.chatter, options.seconds, options.seed, options.plant_defect
        )
        asyncio.run(trial.run())
    return verdict("alarm-flood", trial.figures, ZERO, DEFECTS, options, time.perf_counter() - began)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev rig alarm-flood", description=__doc__)
    parser.add_argument("--alarms", type=int, default=10_000, help="that come once each")
    parser.add_argument("--seconds", type=float, default=10.0, help="in which all of them come")
    parser.add_argument("--chatter", type=int, default=100, help="tags that pass their limit a hundred times a second")
    add_options(parser, DEFECTS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
