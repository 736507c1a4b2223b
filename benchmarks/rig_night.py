"""A scripted night of the observatory in virtual time: the log of its decisions, and what must hold in every night."""

from __future__ import annotations

import argparse
import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from night.defects import DEFECTS
from night.trial import SHORT, WHOLE, Played, play
from sereno_observatory.night.promises import PROMISES
from sereno_observatory.night.script import DEAF, KINDS

BROKEN, DIFFERENT, NOT_CAUGHT = 1, 2, 3
STORED = Path(__file__).parent / "night" / "seed1.log"
"""The log of decisions of the short night of seed 1."""


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 = every promise kept, 1 = one was broken, 2 = the night differs, 3 = a defect was not caught."""
    options = parse(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if options.list:
        print("\n".join(f"{name:24} breaks {PROMISES[defect.breaks]!r}" for name, defect in DEFECTS.items()))
        return 0
    how = partial(
        play,
        options.seed,
        below=SHORT if options.short else WHOLE,
        defect=options.plant_defect,
        kinds=options.only,
        observing=not options.unobserved,
    )
    played = how()
    differs = ""
    if options.twice:
        again = how()
        differs = difference(played.lines, again.lines) or ("" if played.digest == again.digest else "its values")
    if options.show:
        print("\n".join(played.lines))
    if options.log is not None:
        options.log.write_text("\n".join([*played.lines, ""]), encoding="utf-8")
    defect = DEFECTS.get(options.plant_defect)
    caught = defect is not None and defect.breaks in played.broken
    if not options.json:
        report(played, differs)
    print(json.dumps(result(played, options.plant_defect, differs, caught=caught)))
    if defect is not None and not caught:
        return NOT_CAUGHT
    return BROKEN if played.broken else DIFFERENT if differs else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./dev rig night", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed is the same night, bit for bit")
    parser.add_argument("--short", action="store_true", help="a night of half an hour instead of eight hours")
    parser.add_argument("--only", nargs="+", choices=(*KINDS, DEAF), default=KINDS, help="happenings, until over")
    parser.add_argument("--unobserved", action="store_true", help="weather and safety alone, without instruments")
    parser.add_argument("--show", action="store_true", help="print the log of decisions")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write the log of decisions there")
    parser.add_argument("--twice", action="store_true", help="play it twice and compare")
    parser.add_argument("--plant-defect", choices=sorted(DEFECTS), default="", help="must be caught")
    parser.add_argument("--list", action="store_true", help="name every defect and leave")
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    return parser.parse_args(arguments)


def difference(one: list[str], other: list[str]) -> str:
    """The first line that differs, in words; empty where none does."""
    for number, (left, right) in enumerate(zip(one, other, strict=False), 1):
        if left != right:
            return f"line {number}: {left!r}, expected {right!r}"
    if len(one) != len(other):
        return f"{len(one)} lines, expected {len(other)}"
    return ""


def report(played: Played, differs: str) -> None:
    """What was promised and what was found, for people."""
    hours = (played.night.dawn - played.night.dusk) / 3600
    print(f"A night of {hours:.1f} h, seed {played.seed}, in {played.seconds:.1f} s: {len(played.lines)} lines")
    for name, meaning in PROMISES.items():
        found = played.broken.get(name, ())
        print(f"  {'kept  ' if not found else 'BROKEN'}  {meaning}" + "".join(f"\n          {one}" for one in found))
    if differs:
        print(f"  DIFFERENT the second time: {differs}")


def result(played: Played, defect: str, differs: str, *, caught: bool) -> dict[str, Any]:
    """The last line."""
    figures: dict[str, Any] = {
        "seed": played.seed,
        "night_s": round(played.night.dawn - played.night.dusk, 1),
        "lines": len(played.lines),
        "commands": played.commands,
        "seconds": round(played.seconds, 2),
        "digest": played.digest[:16],
    }
    found: dict[str, Any] = {"name": "night", "figures": figures, "broken": played.broken}
    if differs:
        found["differs"] = differs
    return found | ({"defect": defect, "caught": caught} if defect else {})


if __name__ == "__main__":
    raise SystemExit(main())
