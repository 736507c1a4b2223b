"""A device that goes silent among 50: what it costs the others, which is to be nothing.

Each device has its own connection and is read ten times a second. In every round the cycles of the others are measured
while all answer, and again while one does not: its requests time out, its connection is given up and made again.
A cycle is the time from the point of the grid to the batch in the hub.

figures.overruns_of_others: periods that others have missed while one was silent; overruns_before: while all answered,
which is what the machine itself costs. ratios.cycle_p99: p99 of the others'
cycles while one is silent / while all answer, the median over the rounds; figures.cycle_p99_ratio_low and _high are
the least and the greatest of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from scan.build import simulator
from sereno.app.logs import configure_logs
from sereno.app.platform import new_event_loop
from sereno.device import DeviceSet
from sereno.model import SampleBatch
from sereno.sim.faults import FaultKind, ServerFault
from sereno.sim.modbus_server import ModbusServer
from sereno.sim.registers import RegisterMemory
from timing.fleet import OriginClock, device, running

PERIOD = 0.1
EARLY = 0.002
"""Seconds that a timer of the event loop may ring before its time."""
VICTIM = "victim"


class Cycles:
    """A BatchSink: how long after its point of the grid each batch came."""

    def __init__(self, clock: OriginClock, phases: dict[int, float]) -> None:
        self._clock = clock
        self._phases = phases
        self.seconds: list[float] = []

    def accept(self, batch: SampleBatch) -> None:
        """See BatchSink."""
        phase = self._phases.get(batch.group)
        if phase is not None:
            since = self._clock.monotonic() - self._clock.origin - phase
            self.seconds.append((since + EARLY) % PERIOD - EARLY)

    def take(self) -> float:
        """p99 in ms, and begin anew."""
        found, self.seconds = self.seconds, []
        return float(np.quantile(found, 0.99)) * 1e3


def groups(devices: DeviceSet) -> list[Any]:
    """The scan groups of all but the victim."""
    return [group for path, one in devices.handlers.items() if path != VICTIM for group in one.status().groups]


async def measure(port: int, given: argparse.Namespace) -> dict[str, Any]:
    """Rounds of before and after."""
    server = ModbusServer({1: RegisterMemory()})
    await server.start()
    clock = OriginClock()
    configs = [device(f"plc{n}", port, n, PERIOD, given.blocks) for n in range(1, given.devices)]
    configs.append(device(VICTIM, server.port, 1, PERIOD, given.blocks))
    async with running(configs, clock) as (devices, hub):
        phases = {number: group.phase for number, group in enumerate(groups(devices))}
        cycles = Cycles(clock, phases)
        hub.add_sink(cycles)
        rounds, overruns = [], [0, 0]
        for number in range(given.rounds):
            cycles.seconds.clear()
            halves = []
            for half in range(2):
                before = sum(group.overruns for group in groups(devices))
                await asyncio.sleep(given.seconds)
                halves.append(cycles.take())
                overruns[half] += sum(group.overruns for group in groups(devices)) - before
                server.inject(ServerFault(FaultKind.SILENT))
            rounds.append(halves)
            lost = devices.handlers[VICTIM].status().counters["timeouts"]
            server.clear()
            async with asyncio.timeout(60):
                while devices.handlers[VICTIM].status().groups[0].stale:
                    await asyncio.sleep(0.05)
            said = f"cycle p99 {halves[0]:.3f} ms, with a silent device {halves[1]:.3f} ms"
            print(f"round {number + 1}: {said}; overruns {overruns}", flush=True)
    await server.close()
    return {"rounds": rounds, "overruns": overruns, "timeouts": lost}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time of each half of a round")
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--blocks", type=int, default=1, help="blocks of 125 registers of each device")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    configure_logs()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sereno-silent-"))
        port = stack.enter_context(simulator(Path(folder)))
        found = stack.enter_context(asyncio.Runner(loop_factory=new_event_loop)).run(measure(port, given))
    pairs = found["rounds"]
    ratios = [after / before for before, after in pairs]
    figures = {
        "cycle_p99_ms": round(statistics.median(before for before, _ in pairs), 3),
        "cycle_p99_silent_ms": round(statistics.median(after for _, after in pairs), 3),
        "cycle_p99_ratio_low": round(min(ratios), 3),
        "cycle_p99_ratio_high": round(max(ratios), 3),
        "overruns_of_others": found["overruns"][1],
        "overruns_before": found["overruns"][0],
        "timeouts_of_the_silent": found["timeouts"],
        "rounds": len(pairs),
    }
    print(
        json.dumps({"name": "silent", "figures": figures, "ratios": {"cycle_p99": round(statistics.median(ratios), 3)}})
    )


if __name__ == "__main__":
    main()
