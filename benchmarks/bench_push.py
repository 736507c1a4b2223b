"""Push: 1, 100, 1000 clients of SSE and WebSocket at 10 and 100 Hz x 5 kB, against a bare server on the same loop.

Ours is the real hub behind the real web server, clients signed in by token; the floor is a protocol that writes ready
bytes to its transports. Both serve the same client program, a process of its own, and run in turns. Delay: from the
moment of publishing until the client has the bytes. CPU is that of the server, 1 = a whole core.

Storm: as many clients again connect in the same moment, while 100 that are there look at their delay; storm_s is the
time until all have their snapshot. What is no key runs once.

ratios.floor_cpu, ratios.floor_p99: ours / floor with 1000 clients at 10 Hz, the worse of SSE and WebSocket.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PUSHING = Path(__file__).parent / "pushing"
SETTLE = 1.0


class Process:
    """A part of the benchmark that answers each line with a line of JSON."""

    def __init__(self, script: str, *arguments: object) -> None:
        command = [sys.executable, str(PUSHING / script), *map(str, arguments)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.hello = self._answer()

    def ask(self, line: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a part of the benchmark ended; what it said is above")
        found: dict[str, Any] = json.loads(line)
        return found


def measure(
    contender: str, kind: str, clients: int, rate: float, stalled: int, seconds: float, settle: float = SETTLE
) -> dict[str, float]:
    """One server, its clients, one measurement."""
    server = Process(f"{contender}.py", kind)
    interval = 0 if rate > 10 else 0.05
    receiver = Process(
        "receiver.py",
        kind,
        server.hello["port"],
        server.hello["token"],
        f"--clients={clients}",
        f"--stalled={stalled}",
        f"--interval={interval}",
    )
    if stalled:
        server.ask(100)  # fills what the system holds for those who take nothing
        receiver.ask(settle)
    server.ask(rate)
    receiver.ask(settle)
    before = server.ask("cpu")
    found = receiver.ask(seconds)
    after = server.ask("cpu")
    receiver.end()
    server.end()
    assert found["lost"] == 0, "every client was served to the end"
    share = found["events_per_s"] / (clients * rate)
    cpu = (after["cpu"] - before["cpu"]) / seconds
    figures = {name: found[name] for name in ("p50_ms", "p99_ms", "max_ms")}
    return {**figures, "cpu": cpu, "delivered": share, "peak_mb": after["peak_bytes"] / 1e6}


def storm(contender: str, kind: str, clients: int, seconds: float) -> dict[str, float]:
    """Everybody connects at once: seconds until all are served, and the delay of those who were there before."""
    server = Process(f"{contender}.py", kind)
    reach = (kind, server.hello["port"], server.hello["token"], "--interval=0.05")
    steady = Process("receiver.py", *reach, "--clients=100")
    server.ask(10)
    steady.ask(SETTLE)
    with ThreadPoolExecutor(1) as aside:
        looking = aside.submit(steady.ask, seconds)
        crowd = Process("receiver.py", *reach, f"--clients={clients}", f"--at-once={clients}")
        found = looking.result()
    assert crowd.hello["connected"] == clients, "everybody was served"
    for one in (crowd, steady, server):
        one.end()
    return {"storm_s": crowd.hello["seconds"], "storm_p99_ms": found["p99_ms"], "storm_max_ms": found["max_ms"]}


def compare(
    kind: str, clients: int, rate: float, stalled: int, asked: argparse.Namespace, rounds_wanted: int = 1
) -> dict[str, Any]:
    """Medians of rounds in turns."""
    rounds: dict[str, list[dict[str, float]]] = {"floor": [], "served": []}
    for _ in range(rounds_wanted):
        for contender, measured in rounds.items():
            measured.append(measure(contender, kind, clients, rate, stalled, asked.seconds))
    result = {
        contender: {name: statistics.median(one[name] for one in found) for name in found[0]}
        for contender, found in rounds.items()
    }
    with_stalled = f" +{stalled} stalled" if stalled else ""
    for contender, found in result.items():
        words = "  ".join(f"{name} {value:8.3f}" for name, value in found.items())
        print(f"{kind:3} {clients:5} x {rate:3g} Hz{with_stalled:13} {contender:7} {words}", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=1000, help="the largest number of clients")
    parser.add_argument("--stalled", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="for the keys; medians are told")
    parser.add_argument("--rates", type=float, nargs="+", default=[10.0, 100.0])
    asked = parser.parse_args()
    numbers = sorted({1, min(100, asked.clients), asked.clients})
    runs = {}
    for kind in ("sse", "ws"):
        for rate in asked.rates:
            for clients in numbers:
                key = clients == asked.clients and rate == 10.0
                runs[kind, clients, rate, 0] = compare(kind, clients, rate, 0, asked, asked.rounds if key else 1)
        stuck = compare(kind, asked.clients, 10.0, asked.stalled, asked, asked.rounds)
        runs[kind, asked.clients, 10.0, asked.stalled] = stuck
    found = summary(runs, asked)
    for contender in ("floor", "served"):
        for kind in ("sse", "ws"):
            crowd = storm(contender, kind, asked.clients, 2 * asked.seconds)
            print(f"{kind} {contender}", *(f"{name} {value:.3f}" for name, value in crowd.items()), flush=True)
            found["figures"] |= {f"{contender}_{kind}_{name}": round(value, 4) for name, value in crowd.items()}
    print(json.dumps({"name": "push", **found}))


def summary(runs: dict[tuple[str, int, float, int], Any], asked: argparse.Namespace) -> dict[str, Any]:
    """Figures and ratios; keys named 1000 are those of the largest number of clients, the worse of the two kinds."""
    most = [runs[kind, asked.clients, 10.0, 0] for kind in ("sse", "ws")]
    stalled = [runs[kind, asked.clients, 10.0, asked.stalled] for kind in ("sse", "ws")]

    def worst(of: list[Any], name: str) -> float:
        return max(float(one["served"][name]) for one in of)

    def ratio(of: list[Any], name: str) -> float:
        return max(float(one["served"][name] / one["floor"][name]) for one in of)

    figures = {
        "clients": asked.clients,
        "cpu_1000": worst(most, "cpu"),
        "p99_ms_1000": worst(most, "p99_ms"),
        "cpu_1000_stalled": worst(stalled, "cpu"),
        "p99_ms_1000_stalled": worst(stalled, "p99_ms"),
    }
    for (kind, clients, rate, stuck), found in runs.items():
        name = f"{kind}_{clients}_{rate:g}hz{'_stalled' if stuck else ''}"
        for contender, values in found.items():
            figures |= {f"{contender}_{name}_{key}": value for key, value in values.items()}
    ratios = {
        "floor_cpu": ratio(most, "cpu"),
        "floor_p99": ratio(most, "p99_ms"),
        "floor_p99_stalled": ratio(stalled, "p99_ms"),
    }
    return {
        "figures": {name: round(value, 4) for name, value in figures.items()},
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
    }


if __name__ == "__main__":
    main()
