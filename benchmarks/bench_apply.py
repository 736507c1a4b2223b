"""Plan and apply on a running node: what devices that do not change miss, and how soon a changed one is back.

A node as `sereno run` starts it scans 100 Modbus devices of 50 tags five times a second (5,000 tags with limits),
records all of it, and is given another plant file three times by `sereno apply`: limits of every tag, then one device
at another register, then back. What the scans of the others miss is counted beside an equal time without any change.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench_path import plant, start
from bench_push import Process
from sereno.client import RemoteClient, connect

CHANGED = "plant/d00"
LIMIT = "alarm = { hi = 90000, priority = 2, cause = 'c', consequence = 'q', response = 'r' }\n"


def limited(text: str) -> str:
    """The plant with an alarm at every register."""
    return text.replace('type = "uint16"\n', f'type = "uint16"\n{LIMIT}')


async def counted(client: RemoteClient) -> dict[str, tuple[int, int]]:
    """Scans and overruns of each device that is not changed."""
    found = (await client.system())["devices"]
    return {one["path"]: (one["scans"], one["overruns"]) for one in found if one["path"] != CHANGED}


async def missed(client: RemoteClient, work: Callable[[], Awaitable[None]]) -> dict[str, float]:
    """What the devices that are not changed missed meanwhile, and how long it took."""
    before, begun = await counted(client), time.perf_counter()
    await work()
    seconds, after = time.perf_counter() - begun, await counted(client)
    scans = sum(after[path][0] - before[path][0] for path in before)
    return {"seconds": seconds, "scans": scans, "missed": sum(after[path][1] - before[path][1] for path in before)}


async def cli(folder: Path, *arguments: str) -> dict[str, Any]:
    """A command of the terminal, in a process of its own."""
    command = [sys.executable, "-m", "sereno", *arguments, "--data", str(folder / "data"), "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    said, _ = await process.communicate()
    found: dict[str, Any] = json.loads(said)
    return found


async def back_after(client: RemoteClient) -> float:
    """The longest time between two samples of the changed device, by its history, in seconds."""
    (series,) = await client.query(f"{CHANGED}/answered", start="now-60s")
    return float(max(series.t[1:] - series.t[:-1])) / 1e9


async def trial(folder: Path, text: str, idle: float) -> dict[str, float]:
    """All of it against a node that runs."""

    async def apply(changed: str, *options: str) -> None:
        (folder / "plant.toml").write_text(changed)
        done = await cli(folder, "apply", "--yes", *options)
        assert done["applied"], done

    figures: dict[str, float] = {}
    async with connect(data=folder / "data") as client:
        quiet = await missed(client, lambda: asyncio.sleep(idle))
        figures["missed_idle_percent"] = 100 * quiet["missed"] / max(1, quiet["scans"])
        moved = text.replace('"holding:4"', '"holding:60"', 1)
        for name, changed in (("limits", text.replace("hi = 90000", "hi = 80000")), ("device", moved)):
            found = await missed(client, lambda changed=changed: apply(changed))  # type: ignore[misc]
            figures[f"{name}_s"] = found["seconds"]
            figures[f"{name}_missed_percent"] = 100 * found["missed"] / max(1, found["scans"])
        figures["device_back_s"] = await back_after(client)
        (folder / "plant.toml").write_text(text.replace("holding:", "holdin:", 1))
        bad = await cli(folder, "plan")
        assert bad["faults"], "a bad file has faults"
        found = await missed(client, lambda: apply(moved, "--back"))
        figures["back_missed_percent"] = 100 * found["missed"] / max(1, found["scans"])
    return figures


def measure(devices: int, period: float, idle: float) -> dict[str, float]:
    """A node with so many devices of 50 tags."""
    sources = Process("device.py", devices)
    with tempfile.TemporaryDirectory() as folder:
        text = limited(plant(sources.hello["ports"], period))
        node, _ = start(Path(folder), sources.hello["ports"], period, text)
        try:
            time.sleep(2.0)
            figures = asyncio.run(trial(Path(folder), text, idle))
        finally:
            node.terminate()
            node.wait(30)
            assert node.stdout is not None
            node.stdout.close()
    sources.end()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--period", type=float, default=0.2)
    parser.add_argument("--idle", type=float, default=5.0)
    asked = parser.parse_args()
    figures = measure(asked.devices, asked.period, asked.idle)
    figures["tags"] = asked.devices * 50
    print(json.dumps({"name": "apply", "figures": {k: round(v, 3) for k, v in figures.items()}, "ratios": {}}))


if __name__ == "__main__":
    main()
