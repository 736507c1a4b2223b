"""Modbus scans: registers/s and CPU of a running node against pymodbus' block reads on the same simulator.

Simulator and contenders are processes of their own and run in turns. The node is hub, freshness and devices, every
register a tag with a deadband; figures named acquisition are driver and link alone. pymodbus' best is one request in
flight on each connection, on the same event loop.

ratios.pymodbus_depth1: node at depth 1 / pymodbus; ratios.pymodbus_pipelined: node at depth 8 / pymodbus (registers/s).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

SCAN = Path(__file__).parent / "scan"
DEPTH = 8
RUNS = {
    "pymodbus": ("pymodbus", 1),
    "depth1": ("node", 1),
    "depth8": ("node", DEPTH),
    "acquisition_depth8": ("acquisition", DEPTH),
}


def run(contender: str, depth: int, options: list[str]) -> dict[str, float]:
    command = [sys.executable, str(SCAN / "contender.py"), contender, f"--depth={depth}", *options]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return {
        "registers_per_s": found["registers"] / found["seconds"],
        "cpu_s_per_million": found["cpu"] / found["registers"] * 1e6,
        "cpu_share": found["cpu"] / found["seconds"],
    }


def rounds(count: int, options: list[str]) -> dict[str, list[dict[str, float]]]:
    """Every contender `count` times, in turns."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in RUNS}
    for number in range(count):
        for name, (contender, depth) in RUNS.items():
            one = run(contender, depth, options)
            found[name].append(one)
            print(
                f"round {number + 1}  {name:<20}{one['registers_per_s'] / 1e6:8.2f} M registers/s"
                f"{one['cpu_s_per_million']:9.4f} CPU s per million{one['cpu_share']:7.0%} of a core",
                flush=True,
            )
    return found


def ratio(found: dict[str, list[dict[str, float]]], ours: str, figure: str) -> float:
    """Ours to pymodbus, the median over the rounds."""
    pairs = zip(found[ours], found["pymodbus"], strict=True)
    return round(statistics.median(a[figure] / b[figure] for a, b in pairs), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="measured time of each contender")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--blocks", type=int, default=64, help="blocks of 125 registers of each connection")
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    simulator = subprocess.Popen([sys.executable, str(SCAN / "simulator.py")], stdout=subprocess.PIPE, text=True)
    try:
        assert simulator.stdout is not None
        port = simulator.stdout.readline().strip()
        options = [f"--port={port}", f"--seconds={given.seconds}"]
        options += [f"--connections={given.connections}", f"--blocks={given.blocks}"]
        found = rounds(given.rounds, options)
    finally:
        simulator.kill()
        simulator.wait()
    figures = {
        f"{name}_{figure}": round(statistics.median(one[figure] for one in runs), 4)
        for name, runs in found.items() for figure in ("registers_per_s", "cpu_s_per_million")
    }  # fmt: skip
    figures["cpu_depth8_to_pymodbus"] = ratio(found, "depth8", "cpu_s_per_million")
    ratios = {
        "pymodbus_depth1": ratio(found, "depth1", "registers_per_s"),
        "pymodbus_pipelined": ratio(found, "depth8", "registers_per_s"),
    }
    print(json.dumps({"name": "scan", "figures": figures, "ratios": ratios}))


if __name__ == "__main__":
    main()
