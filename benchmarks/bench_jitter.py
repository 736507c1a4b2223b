"""Lateness of scans of 10 ms and 100 ms, idle and under load, against a bare timer of the same event loop.

Late is how far behind its point of the grid a scan begins. Under load, the same loop also scans 16 devices of 8000
registers ten times a second. The floor is a timer armed for each point of the same grid with nothing behind it,
measured in turns with ours in the same process, idle and under the same load.

figures.{idle,load}_{10,100}ms_{p50,p99,max}_ms and floor_...; ratios.p99_{10,100}ms_{idle,load}: ours / floor, both
counted as at least 0.1 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

from scan.build import simulator
from sereno.app.platform import new_event_loop
from sereno.model import SystemClock
from timing.fleet import OriginClock, OwnConnections, device, lateness, percentiles, running

PERIODS = (0.01, 0.1)
LOAD = 16
LEAST_MS = 0.1
"""Less than this no timer of an event loop can promise."""
UNIT = 200

Figures = dict[str, float]


async def ours(port: int, period: float, seconds: float) -> Figures:
    """One device whose scans are one block."""
    clock = OriginClock()
    begun: dict[int, list[float]] = {UNIT: []}
    OwnConnections.begun = begun
    async with running([device("timed", port, UNIT, period, 1, phase=0.0)], clock):
        begun[UNIT].clear()
        await asyncio.sleep(seconds)
        times = list(begun[UNIT])
    OwnConnections.begun = None
    return percentiles(lateness(times, clock.origin, period))


async def floor(period: float, seconds: float) -> Figures:
    """A timer for each point of the grid."""
    loop, clock, done = asyncio.get_running_loop(), SystemClock(), asyncio.Event()
    start = clock.monotonic()
    times: list[float] = []

    def ring(point: int) -> None:
        times.append(clock.monotonic())
        if times[-1] - start >= seconds:
            done.set()
        else:
            loop.call_later(start + (point + 1) * period - clock.monotonic(), ring, point + 1)

    loop.call_later(period, ring, 1)
    await done.wait()
    return percentiles(lateness(times, start, period))


async def turns(port: int, given: argparse.Namespace, what: str) -> dict[str, list[Figures]]:
    """Ours and the floor so many times each."""
    found: dict[str, list[Figures]] = {}
    for _ in range(given.rounds):
        for period in PERIODS:
            key = f"{what}_{period * 1e3:.0f}ms"
            found.setdefault(key, []).append(await ours(port, period, given.seconds))
            found.setdefault(f"floor_{key}", []).append(await floor(period, given.seconds))
            for name in (key, f"floor_{key}"):
                print(f"{name:<20}" + "".join(f"{k:>8}{v:9.3f}" for k, v in found[name][-1].items()), flush=True)
    return found


async def measure(port: int, given: argparse.Namespace) -> dict[str, list[Figures]]:
    """Idle, then with devices that keep the loop busy."""
    found = await turns(port, given, "idle")
    async with AsyncExitStack() as stack:
        load = [device(f"load{n}", port, n, 0.1, given.blocks) for n in range(1, LOAD + 1)]
        await stack.enter_async_context(running(load, OriginClock()))
        return found | await turns(port, given, "load")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time of each")
    parser.add_argument("--blocks", type=int, default=64, help="blocks of 125 registers of each device of the load")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sereno-jitter-"))
        port = stack.enter_context(simulator(Path(folder)))
        found = stack.enter_context(asyncio.Runner(loop_factory=new_event_loop)).run(measure(port, given))
    figures = {
        f"{name}_{figure}": round(statistics.median(one[figure] for one in runs), 3)
        for name, runs in found.items()
        for figure in ("p50_ms", "p99_ms", "max_ms")
    }
    ratios = {}
    for what in ("idle", "load"):
        for period in ("10ms", "100ms"):
            pairs = zip(found[f"{what}_{period}"], found[f"floor_{what}_{period}"], strict=True)
            ratio = statistics.median(max(a["p99_ms"], LEAST_MS) / max(b["p99_ms"], LEAST_MS) for a, b in pairs)
            ratios[f"p99_{period}_{what}"] = round(ratio, 3)
    print(json.dumps({"name": "jitter", "figures": figures, "ratios": ratios}))


if __name__ == "__main__":
    main()
