"""Modbus scans: registers/s and CPU of a running node against pymodbus' block reads and C on the same simulator.

Simulator and contenders are processes of their own and run in turns. The node is hub, freshness, limits and devices,
every register a tag with a deadband and four limits; figures named acquisition are driver and link alone, as the C
client is. pymodbus' best is one request in flight on each connection, on the same event loop.

ratios.pymodbus_depth1: node at depth 1 / pymodbus; ratios.pymodbus_pipelined: node at depth 8 / pymodbus (registers/s).
ratios.c_cpu: CPU of the acquisition at depth 8 / that of a C epoll client doing the same, each per register;
ratios.c_cpu_depth1, ratios.libmodbus_cpu: at depth 1. They are left out where there is no compiler or no libmodbus.
With several --connections the further ones have their number behind the key. figures.mixed_values_per_s: values of
every kind (bits, integers, floats in every order, texts) from 50 devices.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from scan.build import HERE, built, simulator

DEPTH = 8
RUNS = {
    "pymodbus": ("pymodbus", 1),
    "depth1": ("node", 1),
    "depth8": ("node", DEPTH),
    "acquisition_depth1": ("acquisition", 1),
    "acquisition_depth8": ("acquisition", DEPTH),
    "c_depth1": ("c", 1),
    "c_depth8": ("c", DEPTH),
    "libmodbus": ("libmodbus", 1),
}
RATIOS = {
    "pymodbus_depth1": ("depth1", "pymodbus", "registers_per_s"),
    "pymodbus_pipelined": ("depth8", "pymodbus", "registers_per_s"),
    "pymodbus_cpu": ("depth8", "pymodbus", "cpu_s_per_million"),
    "c_cpu": ("acquisition_depth8", "c_depth8", "cpu_s_per_million"),
    "c_cpu_depth1": ("acquisition_depth1", "c_depth1", "cpu_s_per_million"),
    "libmodbus_cpu": ("acquisition_depth1", "libmodbus", "cpu_s_per_million"),
}
Found = dict[str, list[dict[str, float]]]


class Ring:
    """The simulator and what is needed to let contenders run against it."""

    def __init__(self, port: int, folder: Path, given: argparse.Namespace) -> None:
        self.port = port
        self.given = given
        self.programs = {
            "c": built("client.c", folder, "client"),
            "libmodbus": built("client.c", folder, "libmodbus", "-DLIBMODBUS", "-I/usr/include/modbus", "-lmodbus"),
        }

    def run(self, contender: str, connections: int, depth: int) -> dict[str, float] | None:
        """One contender once; None where it cannot be had."""
        numbers = (self.port, connections, self.given.blocks, depth, self.given.seconds, self.given.warm)
        if contender in self.programs:
            program = self.programs[contender]
            command = [str(program), *map(str, numbers)]
            if program is None:
                return None
        else:
            names = ("port", "connections", "blocks", "depth", "seconds", "warm")
            options = [f"--{name}={number}" for name, number in zip(names, numbers, strict=True)]
            command = [sys.executable, str(HERE / "contender.py"), contender, *options]
        answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
        return {
            "registers_per_s": found["registers"] / found["seconds"],
            "cpu_s_per_million": found["cpu"] / found["registers"] * 1e6,
            "cpu_share": found["cpu"] / found["seconds"],
        }

    def rounds(self, connections: int) -> Found:
        """Every contender so many times, in turns."""
        found: Found = {}
        for number in range(self.given.rounds):
            for name in self.given.only:
                contender, depth = RUNS[name]
                one = self.run(contender, connections, depth)
                if one is not None:
                    found.setdefault(name, []).append(one)
                    tell(f"{connections:4} connections, round {number + 1}  {name}", "registers", one)
        return found

    def mixed(self) -> list[dict[str, float]]:
        """The mixed map, so many times."""
        runs = [self.run("mixed", self.given.mixed, DEPTH) for _ in range(self.given.rounds)]
        found = [one for one in runs if one is not None]
        for one in found:
            tell(f"{self.given.mixed:4} devices of mixed values", "values", one)
        return found


def tell(what: str, unit: str, one: dict[str, float]) -> None:
    """A line for people."""
    print(
        f"{what:<50}{one['registers_per_s'] / 1e6:8.2f} M {unit}/s"
        f"{one['cpu_s_per_million']:9.4f} CPU s per million{one['cpu_share']:7.0%} of a core",
        flush=True,
    )


def median(runs: list[dict[str, float]], figure: str) -> float:
    """Over the rounds."""
    return round(statistics.median(one[figure] for one in runs), 4)


def ratios(found: Found, suffix: str) -> dict[str, float]:
    """Ours to each of theirs that could be had, the median over the rounds."""
    made = {}
    for name, (ours, theirs, figure) in RATIOS.items():
        if ours in found and theirs in found:
            pairs = zip(found[ours], found[theirs], strict=True)
            made[name + suffix] = round(statistics.median(a[figure] / b[figure] for a, b in pairs), 3)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="measured time of each contender")
    parser.add_argument("--warm", type=float, default=1.0, help="seconds that each runs before it is measured")
    parser.add_argument("--connections", type=int, nargs="+", default=[16, 100])
    parser.add_argument("--blocks", type=int, default=64, help="blocks of 125 registers of each connection")
    parser.add_argument("--mixed", type=int, default=50, help="devices with values of every kind")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", choices=RUNS, nargs="+", default=list(RUNS), help="leave the other contenders out")
    given = parser.parse_args()
    figures: dict[str, float] = {}
    made: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="sereno-scan-") as folder, simulator(Path(folder)) as port:
        ring = Ring(port, Path(folder), given)
        for connections in given.connections:
            suffix = "" if connections == given.connections[0] else f"_{connections}"
            found = ring.rounds(connections)
            for name, runs in found.items():
                for figure in ("registers_per_s", "cpu_s_per_million"):
                    figures[f"{name}_{figure}{suffix}"] = median(runs, figure)
            made |= ratios(found, suffix)
            if f"pymodbus_cpu{suffix}" in made:
                figures[f"cpu_depth8_to_pymodbus{suffix}"] = made.pop(f"pymodbus_cpu{suffix}")
        mixed = ring.mixed()
    figures["mixed_values_per_s"] = median(mixed, "registers_per_s")
    figures["mixed_cpu_s_per_million"] = median(mixed, "cpu_s_per_million")
    print(json.dumps({"name": "scan", "figures": figures, "ratios": made}))


if __name__ == "__main__":
    main()
