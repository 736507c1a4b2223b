"""alarm-flood: thousands of alarms in seconds, chatter beside them, kill -9 in the midst; nothing lost, in order."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from alarm_flood.defects import DEFECTS
from alarm_flood.trial import ZERO, Trial

BROKEN, NOT_CAUGHT = 1, 3


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 = every promise kept, 1 = one was broken, 3 = a planted defect was not caught."""
    options = _parse(arguments)
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(
            Path(folder), options.alarms, options.chatter, options.seconds, options.seed, options.plant_defect
        )
        asyncio.run(trial.run())
    figures = trial.figures
    broken = [name for name in ZERO if figures[name]]
    result = {"name": "alarm-flood", "figures": figures, "seed": options.seed, "broken": broken}
    caught = bool(options.plant_defect) and DEFECTS[options.plant_defect][0] in broken
    if options.plant_defect:
        result |= {"defect": options.plant_defect, "caught": caught}
    if not options.json:
        for name, number in figures.items():
            print(f"{name:26} {number:>10}{'   BROKEN' if name in broken else ''}")
    print(json.dumps(result))
    return NOT_CAUGHT if options.plant_defect and not caught else BROKEN if broken else 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev rig alarm-flood", description=__doc__)
    parser.add_argument("--alarms", type=int, default=10_000, help="that come once each")
    parser.add_argument("--seconds", type=float, default=10.0, help="in which all of them come")
    parser.add_argument("--chatter", type=int, default=100, help="tags that pass their limit a hundred times a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant-defect", choices=sorted(DEFECTS), default="", help="must be caught, or exit code 3")
    parser.add_argument("--json", action="store_true", help="only the last line, which is one JSON object")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
