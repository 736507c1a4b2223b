"""Rain to close command: the answer of a PLC that says rain leaves, the command that closes the dome comes back.

The PLC is simulated in this process, the node of the demo's site runs in another one, scanning ten times a second.
Measured from the last byte of the answer handed to the socket to the first byte of the command read from it, over the
loopback.

figures.p50_ms, p99_ms, max_ms: while a device of the node publishes 10,000 values a second. With a name before them:
exposing_ under that load, while two cameras expose one image after the other, which are read out and written to
files; idle_ without the load; environment_hung_ and majordome_hung_ under load with that agent hung as a task;
environment_process_hung_ and majordome_process_hung_ without load, the agent's process stopped by a signal and
not missed yet. figures.hung_s: the node is stopped by a signal, and the shutter moves by itself: seconds since, of the
2 s that the PLC waits for a beat.
ratios.floor: p50 without load (with it in a short run) against that of a bare asyncio program that polls the same PLC
and does only this.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from closing.plc import Watched, rounds
from closing.situations import child, idle, loaded
from sereno.drivers.jsonplc.protocol import SET, STATUS, Splitter, parse_answer, question
from sereno.model import SystemClock
from sereno.sim.jsonplc.devices import site_devices
from sereno.sim.jsonplc.server import PlcServer


async def floor(port: int) -> None:
    """Poll and close, and nothing else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    splitter, number = Splitter(), 0
    print("ready", flush=True)
    while True:
        writer.write(question({"name": STATUS}))
        answered = None
        while answered is None:
            for message in splitter.feed(await reader.read(65536)):
                answered = parse_answer(message)
        rain, shutter = (answered.readings[key].value for key in (("WXT520", "RainRate"), ("DOME", "shutter")))
        if rain and shutter == "open":
            number += 1
            close = {"name": SET, "id": number, "device": "DOME", "value_name": "shutter", "value": "closed"}
            writer.write(question(close))
            while not splitter.feed(await reader.read(65536)):
                pass
        await asyncio.sleep(0.1)


async def measure(folder: Path, count: int, *, short: bool) -> dict[str, Any]:
    """All of it, one after another; `short` leaves out the node without load."""
    clock = SystemClock()
    machine = Watched(site_devices(), clock)
    server = PlcServer(machine, clock)
    await server.start()
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        words = (sys.executable, __file__, "--floor", str(server.port))
        await asyncio.to_thread(stack.enter_context, child(*words))
        found["floor"] = await rounds(machine, count)
    found |= await loaded(machine, folder, server.port, count)
    if not short:
        found |= await idle(machine, folder, server.port, count)
    await server.close()
    return found


def summary(name: str, found: list[float]) -> dict[str, float]:
    """p50, p99 and greatest, rounded."""
    shown = {"p50": np.quantile(found, 0.5), "p99": np.quantile(found, 0.99), "max": max(found)}
    return {f"{name}{key}_ms": round(float(value), 3) for key, value in shown.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=re.sub(r"\s+", " ", (__doc__ or "").splitlines()[0]))
    parser.add_argument("--rounds", type=int, default=8, help="of each situation, twice as many under load (8)")
    parser.add_argument("--short", action="store_true", help="only under load")
    parser.add_argument("--floor", type=int, default=0, metavar="PORT", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.floor:
        asyncio.run(floor(given.floor))
        return
    with tempfile.TemporaryDirectory(prefix="sereno-safety-") as folder:
        found = asyncio.run(measure(Path(folder), given.rounds, short=given.short))
    hung_s, under_load = found.pop("hung_s"), found.pop("loaded")
    figures = summary("", under_load)
    for name, milliseconds in found.items():
        figures |= summary(f"{name}_", milliseconds)
    figures["hung_s"] = round(hung_s, 3)
    ratio = statistics.median(found.get("idle", under_load)) / statistics.median(found["floor"])
    print(json.dumps({"name": "safety", "figures": figures, "ratios": {"floor": round(ratio, 3)}}))


if __name__ == "__main__":
    main()
