"""What rigs with promises have in common: the options for a planted defect, and the verdict."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from typing import Any

BROKEN, NOT_CAUGHT = 1, 3
Defects = Mapping[str, tuple[str, Any]]
"""Name -> the promise that it breaks, and what plants it."""


def add_options(parser: argparse.ArgumentParser, defects: Defects) -> None:
    """--seed, --plant-defect, --json."""
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant-defect", choices=sorted(defects), default="", help="must be caught, or exit code 3")
    parser.add_argument("--json", action="store_true", help="only the last line, which is one JSON object")


def verdict(
    name: str,
    figures: Mapping[str, int],
    zero: Iterable[str],
    defects: Defects,
    options: argparse.Namespace,
    seconds: float,
) -> int:
    """Print what was found; 0 = every promise kept, 1 = one was broken, 3 = a planted defect was not caught."""
    broken = [promise for promise in zero if figures[promise]]
    result = {"name": name, "figures": figures, "seconds": round(seconds, 1), "seed": options.seed, "broken": broken}
    caught = bool(options.plant_defect) and defects[options.plant_defect][0] in broken
    if options.plant_defect:
        result |= {"defect": options.plant_defect, "caught": caught}
    if not options.json:
        for what, number in figures.items():
            print(f"{what:26} {number:>10}{'   BROKEN' if what in broken else ''}")
    print(json.dumps(result))
    return NOT_CAUGHT if options.plant_defect and not caught else BROKEN if broken else 0
