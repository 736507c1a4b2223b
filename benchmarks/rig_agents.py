"""Agents killed, hung, stopped, started in every order, the PLC gone and back: nothing unsafe, the night goes on."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

from acting.defects import DEFECTS
from acting.observing import Observed, instruments
from acting.plant import AGENTS, CLOSING, OBSERVER, Defect, Setting, plant
from acting.rounds import Round, observing_rounds, rounds
from acting.trial import READY, Trial, node
from acting.witness import PROMISES, SLACK, Witness
from sereno.model import SystemClock
from sereno.sim.jsonplc.devices import ACTUATORS, site_devices
from sereno.sim.jsonplc.machine import PlcMachine
from sereno.sim.jsonplc.server import PlcServer
from sereno.store.audit import AuditLog
from sereno.store.engine import Store

BROKEN, NOT_CAUGHT = 1, 3
DOME = ("DOME", "shutter")


def main(arguments: list[str] | None = None) -> int:
    """Run the rig; 0 = every promise kept, 1 = one was broken, 3 = a planted defect was not caught,
    4 = a node was not ready in its time.
    """
    options = parse(arguments)
    ACTUATORS[DOME] = replace(ACTUATORS[DOME], seconds=CLOSING)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="sereno-agents-") as folder:
        found = asyncio.run(everything(Path(folder), options))
    figures = found["figures"] | {"seconds": round(time.perf_counter() - begun, 1), "seed": options.seed}
    broken = found["broken"]
    result: dict[str, Any] = {"name": "agents", "figures": figures, "broken": broken}
    caught = bool(options.plant_defect) and DEFECTS[options.plant_defect].breaks in broken
    if options.plant_defect:
        result |= {"defect": options.plant_defect, "caught": caught}
    if not options.json:
        for name, meaning in PROMISES.items():
            words = "".join(f"\n          {one}" for one in broken.get(name, ()))
            print(f"  {'BROKEN' if words else 'kept  '}  {meaning}{words}")
    print(json.dumps(result))
    return NOT_CAUGHT if options.plant_defect and not caught else BROKEN if broken else 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="./dev rig agents", description=__doc__)
    parser.add_argument("--rounds", type=int, default=36, metavar="N", help="in all, shared out to the settings (36)")
    parser.add_argument("--seed", type=int, default=1, help="which rounds")
    parser.add_argument("--only", choices=("tasks", "processes", "observer"), help="one setting alone")
    parser.add_argument("--slack", type=float, default=SLACK, metavar="S", help=f"a busy machine's seconds ({SLACK:g})")
    parser.add_argument("--one-node", action="store_true", help="one order of the plant file alone")
    parser.add_argument("--plant-defect", choices=sorted(DEFECTS), default="", help="must be caught")
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")
    return parser.parse_args(arguments)


def settings(only: str | None) -> list[Setting]:
    """Agents as tasks and in processes of their own, in every order of the plant file; then an observer too."""
    apart = {"tasks": [frozenset[str]()], "processes": [frozenset(AGENTS)]}
    chosen = [one for name, places in apart.items() if only in (None, name) for one in places]
    found = [Setting(place, order) for place in chosen for order in permutations(AGENTS)]
    if only in (None, "observer"):
        found += [Setting(place, observes=True) for place in (frozenset[str](), frozenset((*AGENTS, OBSERVER)))]
    return found


async def everything(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Every setting, one after another."""
    found: dict[str, Any] = {"figures": {"rounds": 0, "openings": 0, "looks": 0}, "broken": {}}
    if options.plant_defect:
        planted = DEFECTS[options.plant_defect]
        share, observes = [round_of(planted.shows)], "observer" in planted.shows
        await in_node(
            folder / "defect", Setting(frozenset(), observes=observes), share, found, options, planted.changes
        )
        return found
    chosen = settings(options.only)[: 1 if options.one_node else None]
    shares = [list(rounds(options.rounds, options.seed))[at :: len(chosen)] for at in range(len(chosen))]
    for at, (setting, share) in enumerate(zip(chosen, shares, strict=True)):
        if share:
            chosen_rounds = list(observing_rounds(len(share))) if setting.observes else share
            await in_node(folder / str(at), setting, chosen_rounds, found, options)
    return found


def round_of(words: str) -> Round:
    """The round that these words name."""
    for how in ("kill", "hang", "stop"):
        if words.startswith(how):
            agent = next(one for one in (*AGENTS, OBSERVER) if one.endswith(words.split()[1]))
            return Round(how, agent, words.endswith("in rain"), 6.0)
    return Round(words)


async def in_node(
    folder: Path,
    setting: Setting,
    share: list[Round],
    found: dict[str, Any],
    options: argparse.Namespace,
    defect: Defect = (),
) -> None:
    """These rounds in a node of its own; what was found is added to `found`."""
    folder.mkdir()
    clock = SystemClock()
    machine = PlcMachine(site_devices(), clock)
    server = PlcServer(machine, clock)
    await server.start()
    port, witness = server.port, Witness(machine, options.slack)
    watching = asyncio.create_task(witness.watch(), name="witness")
    try:
        async with AsyncExitStack() as stack:
            urls = await stack.enter_async_context(instruments()) if setting.observes else {}
            made = plant(folder / "plant", port, setting, defect, urls)
            client = await stack.enter_async_context(node(made, folder / "data"))
            observed = Observed(client, witness, folder / "data" / "nights") if setting.observes else None
            trial = Trial(client, server, port, witness, setting, observed)
            await trial.well_again("at the start", READY)
            for one in share:
                if not options.json:
                    print(f"{'processes' if setting.apart else 'tasks':10} {one}", file=sys.stderr, flush=True)
                await trial.round(one)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await server.close()
    await without_end(folder / "data", witness)
    add(found, trial, witness)


async def without_end(data: Path, witness: Witness) -> None:
    """Commands that are on record without a result, now that the node has ended."""
    store = Store.open(data / "sereno.db", look=True)
    try:
        last = {one.command: one async for one in AuditLog(store, SystemClock()).all() if one.command}
    finally:
        await store.close()
    for one in last.values():
        if one.outcome == "intended":
            witness.note("without_end", f"{one.target} = {one.new} by {one.actor}")
    if not last:
        witness.note("without_end", "no command is on record")


def add(found: dict[str, Any], trial: Trial, witness: Witness) -> None:
    """What one node showed."""
    figures = found["figures"]
    figures["rounds"] += trial.done.total()
    figures["openings"] += witness.openings
    figures["looks"] += witness.looks
    figures["longest_resume_s"] = round(max(figures.get("longest_resume_s", 0.0), trial.longest), 2)
    figures["latest_close_s"] = round(max(figures.get("latest_close_s", 0.0), witness.slowest), 2)
    if trial.observed is not None:
        figures["images"] = figures.get("images", 0) + trial.observed.images
        for status, times in trial.observed.outcomes.items():
            name = f"sequences_{status.lower()}"
            figures[name] = figures.get(name, 0) + times
    for how, times in trial.done.items():
        figures[how.replace(" ", "_")] = figures.get(how.replace(" ", "_"), 0) + times
    for promise, words in witness.broken.items():
        found["broken"].setdefault(promise, []).extend(words)


if __name__ == "__main__":
    raise SystemExit(main())
