"""Every hand-written parser fed with any bytes: nothing may raise but what it declares."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from fuzzing.defects import DEFECTS, planted
from fuzzing.engines import Outcome, by_atheris, by_hypothesis, engine_names, replay
from fuzzing.targets import Target, families, find

FOUND, NOT_CAUGHT, USAGE = 1, 3, 2


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 = nothing was found, 1 = something was, 3 = a planted defect was not found."""
    options = parse(arguments)
    if options.list or not options.target:
        print("\n".join(f"{one.name:20} {one.doc}" for one in find("all")))
        return 0
    try:
        targets = find(options.target)
    except KeyError:
        print(f"no target {options.target!r}; families: {', '.join(families())}; --list names all", file=sys.stderr)
        return USAGE
    with planted(options.plant_defect) if options.plant_defect else nullcontext():
        outcomes = [run(one, options, options.seconds / len(targets)) for one in targets]
    found = [one for one in outcomes if one.error]
    result: dict[str, Any] = {"name": "fuzz", "figures": figures(outcomes), "found": {o.target: said(o) for o in found}}
    if options.plant_defect:
        result |= {"defect": options.plant_defect, "caught": bool(found)}
    if not options.json:
        report(outcomes)
    print(json.dumps(result))
    return NOT_CAUGHT if options.plant_defect and not found else FOUND if found else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./dev rig fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", help="a target, a family such as modbus, or all; without it, the list")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all targets together (60)")
    parser.add_argument("--engine", choices=("atheris", "hypothesis"), default=engine_names()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep inputs that reached something new (atheris)")
    parser.add_argument("--plant-defect", choices=sorted(DEFECTS), help="break a parser first: must be found")
    parser.add_argument("--list", action="store_true", help="name every target and leave")
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    return parser.parse_args(arguments)


def run(target: Target, options: argparse.Namespace, seconds: float) -> Outcome:
    """What was kept first, then new inputs; an input that raised is kept."""
    outcome = replay(target)
    if not outcome.error:
        if options.engine == "atheris":
            keep = target.corpus if options.keep else None
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
            outcome = by_atheris(
                target, seconds=seconds, seed=options.seed, defect=options.plant_defect or "", keep=keep
            )
        else:
            outcome = by_hypothesis(target, seconds=seconds, seed=options.seed)
    if outcome.input is not None and not options.plant_defect:
        save(target.corpus, outcome.input)
    return outcome


def save(folder: Path, data: bytes) -> None:
    """Keep an input under the name of its hash."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)


def said(outcome: Outcome) -> str:
    """The last line of what was raised."""
    return outcome.error.strip().splitlines()[-1][:300]


def figures(outcomes: list[Outcome]) -> dict[str, Any]:
    """Sums, and executions of each target."""
    return {
        "targets": len(outcomes),
        "executions": sum(one.executions for one in outcomes),
        "seconds": round(sum(one.seconds for one in outcomes), 1),
        "uncaught": sum(bool(one.error) for one in outcomes),
        "executions_of": {one.target: one.executions for one in outcomes},
    }


def report(outcomes: list[Outcome]) -> None:
    """For people."""
    for one in outcomes:
        how = f"{one.executions:>10} inputs in {one.seconds:6.1f} s by {one.engine}"
        print(f"{one.target:20}{how}{'  FOUND' if one.error else ''}")
        if one.error:
            print(f"\n{one.error}\ninput: {one.input!r:.500}\n")


if __name__ == "__main__":
    raise SystemExit(main())
