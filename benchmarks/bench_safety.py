"""Rain to close command: the answer of a PLC that says rain leaves, the command that closes the dome comes back.

The PLC is simulated in this process, the node of the demo's site runs in another one, scanning ten times a second.
Measured from the last byte of the answer handed to the socket to the first byte of the command read from it, over the
loopback. It is done while the node has nothing else to do, and while a device of it publishes 10,000 values a second.

figures.p50_ms, p99_ms, max_ms: under that load; idle_p50_ms and so on: without. figures.hung_s: the node is stopped
by a signal, and the shutter moves by itself: seconds since, of the 2 s that the PLC waits for a beat.
ratios.floor: p50 without load (with it in a short run) against that of a bare asyncio program that polls the same PLC
and does only this.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from sereno.client import connect
from sereno.drivers.jsonplc.protocol import SET, STATUS, Splitter, parse_answer, question
from sereno.model import SystemClock
from sereno.sim.jsonplc.devices import site_devices
from sereno.sim.jsonplc.machine import PlcMachine
from sereno.sim.jsonplc.server import PlcServer
from sereno_observatory.demo import OBSERVATORY

BEAT = 2.0
LOAD = '''"""Ten thousand values a second."""
from sereno import Device

class Load(Device):
    """500 tags, read every 50 ms."""
    async def startup(self):
        for number in range(500):
            self.add_tag(f"value_{number}", float, period="50ms", read=lambda n=number: float(n))
'''
LOADED = '\n[[device]]\nname = "bench/load"\nclass = "bench_load:Load"\n'


class Watched(PlcMachine):
    """Notes when rain is told and when closing is asked for."""

    told = asked = 0.0

    def answer(self, commands: Any) -> list[dict[str, Any]] | None:
        """See PlcMachine."""
        now = time.perf_counter()
        listed: Sequence[Mapping[str, Any]] = list(commands)
        if self.told and not self.asked and any(one.get("name") == SET for one in listed):
            self.asked = now
        parts = super().answer(listed)
        raining = self.devices["WXT520"].values["RainRate"].value != 0
        if raining and not self.told and any(one.get("name") == STATUS for one in listed):
            self.told = time.perf_counter()
        return parts

    def clear(self) -> None:
        """Dry, open, and nothing noted."""
        self.devices["WXT520"].values["RainRate"].value = 0.0
        self.devices["DOME"].values["shutter"].value = "open"
        self._moving.clear()
        self.told = self.asked = 0.0


async def rounds(machine: Watched, count: int) -> list[float]:
    """Milliseconds of each round."""
    found = []
    for _ in range(count):
        machine.clear()
        await asyncio.sleep(0.7)
        machine.devices["WXT520"].values["RainRate"].value = 12.0
        async with asyncio.timeout(30):
            while not machine.asked:
                await asyncio.sleep(0.002)
        found.append((machine.asked - machine.told) * 1e3)
        await asyncio.sleep(0.1)
    return found


def plant(folder: Path, port: int, *, load: bool) -> Path:
    """The demo's site at this port, scanned faster."""
    made = folder / ("loaded" if load else "idle")
    shutil.copytree(OBSERVATORY.plant.parent, made)
    (made / "bench_load.py").write_text(LOAD, encoding="utf-8")
    for name, changes in {
        "plc.toml": (
            (":5003", f":{port}"),
            ('scan = "2s"', 'scan = "100ms"'),
            ("beat = 10.0", f"beat = {BEAT}"),
            ('timeout = "12s"', 'timeout = "200ms"'),
        ),
        "safety.toml": (('cooldown = "5s"', 'cooldown = "100ms"'),),
        "plant.toml": (),
    }.items():
        text = (made / name).read_text("utf-8")
        for old, new in changes:
            assert old in text, f"{name} has no {old}"
            text = text.replace(old, new)
        (made / name).write_text(text + (LOADED if load and name == "plant.toml" else ""), encoding="utf-8")
    return made


@contextmanager
def child(*words: str) -> Any:
    """A process that prints a line when it is ready."""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            if not process.stdout.readline():
                raise SystemExit(f"did not start: {' '.join(words)}")
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()


async def with_node(machine: Watched, made: Path, count: int, then: Callable[[Any], Any] | None = None) -> list[float]:
    """Rounds with a node; `then` is done with its process afterwards."""
    data = made.with_suffix(".data")
    with ExitStack() as stack:
        words = (sys.executable, "-m", "sereno", "run", str(made), "--port", "0", "--data", str(data), "--json")
        process = await asyncio.to_thread(stack.enter_context, child(*words))
        async with connect(data=data) as client:
            await client.write("observatory/majordome/mode", "MANUAL")
            async with asyncio.timeout(60):
                while (await client.get("observatory/environment/make_safe")).value is not False:
                    await asyncio.sleep(0.2)
        found = await rounds(machine, count)
        if then is not None:
            await then(process)
    return found


async def hung(machine: Watched, process: Any) -> float:
    """Seconds from the signal until the shutter moves."""
    machine.clear()
    await asyncio.sleep(0.7)
    process.send_signal(signal.SIGSTOP)
    begun = time.perf_counter()
    async with asyncio.timeout(30):
        while machine.devices["DOME"].values["shutter"].value == "open":
            await asyncio.sleep(0.01)
    return time.perf_counter() - begun


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

    async def stop_it(process: Any) -> None:
        found["hung_s"] = await hung(machine, process)

    with ExitStack() as stack:
        words = (sys.executable, __file__, "--floor", str(server.port))
        await asyncio.to_thread(stack.enter_context, child(*words))
        found["floor"] = await rounds(machine, count)
    if not short:
        machine.clear()
        found["idle"] = await with_node(machine, plant(folder, server.port, load=False), count)
    machine.clear()
    found["loaded"] = await with_node(machine, plant(folder, server.port, load=True), count, stop_it)
    await server.close()
    return found


def summary(name: str, found: list[float]) -> dict[str, float]:
    """p50, p99 and greatest, rounded."""
    shown = {"p50": np.quantile(found, 0.5), "p99": np.quantile(found, 0.99), "max": max(found)}
    return {f"{name}{key}_ms": round(float(value), 3) for key, value in shown.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=re.sub(r"\s+", " ", (__doc__ or "").splitlines()[0]))
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--short", action="store_true", help="only under load")
    parser.add_argument("--floor", type=int, default=0, metavar="PORT", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.floor:
        asyncio.run(floor(given.floor))
        return
    with tempfile.TemporaryDirectory(prefix="sereno-safety-") as folder:
        found = asyncio.run(measure(Path(folder), given.rounds, short=given.short))
    figures = {**summary("", found["loaded"]), **summary("floor_", found["floor"])}
    if "idle" in found:
        figures |= summary("idle_", found["idle"])
    figures["hung_s"] = round(found["hung_s"], 3)
    ratio = statistics.median(found.get("idle", found["loaded"])) / statistics.median(found["floor"])
    print(json.dumps({"name": "safety", "figures": figures, "ratios": {"floor": round(ratio, 3)}}))


if __name__ == "__main__":
    main()
