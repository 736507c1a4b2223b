"""clients: ten thousand programs on one native server: memory of the server for each, and how late answers are.

The clients are real ones, in processes of their own; each watches a tag that changes every second and reads it once a
second, at a moment of its own. Floor of the same run: one client alone at the same server.

ratios.p99_to_one: p99 of a read with all clients / with one; ratios.served: clients that lived to the end / asked for.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def start(module: str, *arguments: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(FOLDER), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-m", f"many_clients.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={**os.environ, "PYTHONPATH": path},
    )


def line_of(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"a process ended with {process.wait()}")
    return json.loads(line)


def ask(process: subprocess.Popen[str]) -> Any:
    """Its next figures."""
    tell(process)
    return line_of(process)


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def crowd(server: subprocess.Popen[str], url: str, clients: int, processes: int, seconds: float) -> dict[str, float]:
    """All at once; figures of the server and of its clients."""
    before = ask(server)
    sizes = [clients // processes + (n < clients % processes) for n in range(processes)]
    crowds = [start("crowd", json.dumps(url), str(size), str(seconds)) for size in sizes if size]
    try:
        there = [line_of(one) for one in crowds]
        full = ask(server)
        began = time.perf_counter()
        for one in crowds:
            tell(one)
        found = [line_of(one) for one in crowds]
        after = ask(server)
    finally:
        for one in crowds:
            one.kill()
            one.communicate()
    times = sorted(t for one in found for t in one["times"])
    delays = sorted(t for one in found for t in one["delays"])
    errors = sum(sum(one["errors"].values()) for one in found)
    for one in found:
        if one["errors"]:
            print("clients that did not live to the end:", one["errors"], flush=True)
    took = time.perf_counter() - began
    return {
        "connected": sum(one["connected"] for one in there),
        "lived": clients - errors,
        "connect_s": max(one["connect_s"] for one in there),
        "kb_per_client": (full["rss"] - before["rss"]) / 1000 / clients,
        "server_mb": full["rss"] / 1e6,
        "server_cpu": (after["cpu"] - full["cpu"]) / took,
        "reads_per_s": len(times) / took,
        "read_p50_ms": percentile(times, 0.5) * 1e3,
        "read_p99_ms": percentile(times, 0.99) * 1e3,
        "update_p50_ms": percentile(delays, 0.5) * 1e3,
        "update_p99_ms": percentile(delays, 0.99) * 1e3,
        "updates_per_s": len(delays) / took,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2, help="processes that the clients are spread over")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--short", action="store_true", help="sizes for a smoke test")
    given = parser.parse_args()
    if given.short:
        given.clients, given.seconds = 60, 1.0
    server = start("server")
    try:
        url = line_of(server)
        one = crowd(server, url, 1, 1, given.seconds)
        many = crowd(server, url, given.clients, given.processes, given.seconds)
    finally:
        server.kill()
        server.communicate()
    figures = {**{key: round(value, 3) for key, value in many.items()}, "one_p99_ms": round(one["read_p99_ms"], 3)}
    ratios = {
        "p99_to_one": round(many["read_p99_ms"] / one["read_p99_ms"], 3),
        "served": round(many["lived"] / given.clients, 5),
    }
    print(json.dumps({"name": "clients", "figures": figures, "ratios": ratios}))


if __name__ == "__main__":
    main()
