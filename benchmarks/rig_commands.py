"""commands: replays, double clicks, second persons, lost replies, expiries, kills of the node; nothing goes twice."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from commanding.defects import DEFECTS
from commanding.trial import ZERO, Trial

BROKEN, NOT_CAUGHT = 1, 3


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 = every promise kept, 1 = one was broken, 3 = a planted defect was not caught."""
    options = _parse(arguments)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(Path(folder), options.count, options.seed, options.plant_defect)
        asyncio.run(trial.run())
    figures = trial.figures()
    broken = [name for name in ZERO if figures[name]]
    seconds = round(time.perf_counter() - began, 1)
    result = {"name": "commands", "figures": figures, "seconds": seconds, "seed": options.seed, "broken": broken}
    caught = bool(options.plant_defect) and DEFECTS[options.plant_defect][0] in broken
    if options.plant_defect:
        result |= {"defect": options.plant_defect, "caught": caught}
    if not options.json:
        for name, number in figures.items():
            print(f"{name:26} {number:8}{'   BROKEN' if name in broken else ''}")
    print(json.dumps(result))
    return NOT_CAUGHT if options.plant_defect and not caught else BROKEN if broken else 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev rig commands", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="commands to send")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant-defect", choices=sorted(DEFECTS), default="", help="must be caught, or exit code 3")
    parser.add_argument("--json", action="store_true", help="only the last line, which is one JSON object")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
