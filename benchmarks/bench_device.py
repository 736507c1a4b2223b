"""device: reads, bulk reads, events, subscriptions, start and memory of a device server, against the peers in one run.

Each contender serves the same numbers in a process of its own and is asked by one client in another; they run in turns.
`bulk` is all numbers in one call, as a list; events are pushed flat out, and counted where a callback gets them.
A peer that is missing or fails is listed with the reason under `skipped`. The floor is MessagePack on uvloop.

ratios.pytango_sequential, pytango_bulk, pytango_events, p4p_sequential, asyncua_bulk: ours / theirs (per second).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import select
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

FOLDER = Path(__file__).parent
CONTENDERS = {
    "ours": ("ours", ""),
    "pytango": ("pytango", "tango"),
    "p4p": ("p4p_pva", "p4p"),
    "caproto": ("caproto_ca", "caproto"),
    "asyncua": ("asyncua_opc", "asyncua"),
    "floor": ("floor", ""),
}
PATIENCE = 120.0
RATIOS = {
    "pytango_sequential": ("pytango", "sequential_per_s"),
    "pytango_bulk": ("pytango", "bulk_values_per_s"),
    "pytango_events": ("pytango", "events_per_s"),
    "p4p_sequential": ("p4p", "sequential_per_s"),
    "asyncua_bulk": ("asyncua", "bulk_values_per_s"),
    "floor_sequential": ("floor", "sequential_per_s"),
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def line_of(process: subprocess.Popen[str]) -> str:
    """The next line of its own that a contender says. Raises RuntimeError when none comes."""
    assert process.stdout is not None
    while True:
        if not select.select([process.stdout], [], [], PATIENCE)[0]:
            raise RuntimeError(f"silent for {PATIENCE:g} s")
        line = process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"ended with {process.wait(10)}")
        if line[0] in '{"0123456789' or line == "subscribed":  # libraries say things too
            return line


def say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def start(module: str, *arguments: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(FOLDER), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", f"device_calls.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
        env={**os.environ, "PYTHONPATH": path},
    )


def run(module: str, size: int, seconds: float) -> dict[str, float]:
    """All figures of one contender."""
    began = time.perf_counter()
    server = start(module, "server", str(size), str(free_port()))
    client = None
    try:
        address = line_of(server)
        started = time.perf_counter() - began
        memory = psutil.Process(server.pid).memory_info
        idle = memory().rss
        client = start(module, "client", address, str(size), str(seconds))
        line_of(client)
        say(server, str(seconds))
        say(client, line_of(server))
        found: dict[str, float] = json.loads(line_of(client))
        return {**found, "start_s": started, "rss_mb": idle / 1e6, "rss_after_mb": memory().rss / 1e6}
    finally:
        for process in (client, server):
            if process is not None:
                process.kill()
                process.communicate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tags", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=2.0, help="measured time of each phase")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(CONTENDERS), help="contenders, with commas between them")
    parser.add_argument("--short", action="store_true", help="sizes for a smoke test")
    given = parser.parse_args()
    if given.short:
        given.tags, given.seconds, given.rounds = 50, 0.1, 1
    found: dict[str, list[dict[str, float]]] = {}
    skipped: dict[str, str] = {}
    for number in range(given.rounds):
        for name in given.only.split(","):
            module, package = CONTENDERS[name]
            if package and importlib.util.find_spec(package) is None:
                skipped[name] = f"no package {package} (./dev setup --peers)"
                continue
            try:
                one = run(module, given.tags, given.seconds)
            except (RuntimeError, OSError, ValueError, KeyError) as error:
                skipped[name] = f"{type(error).__name__}: {error}"
                continue
            found.setdefault(name, []).append(one)
            show(number, name, one)
    print(json.dumps(result(found, skipped)))


def show(number: int, name: str, one: dict[str, float]) -> None:
    print(
        f"round {number + 1}  {name:<9}{one['sequential_per_s']:9.0f} reads/s  p50 {one['p50_us']:6.1f} us"
        f"  p99 {one['p99_us']:7.1f} us{one['bulk_values_per_s'] / 1e3:9.0f} k bulk/s"
        f"{one['array_values_per_s'] / 1e6:8.2f} M array/s{one['events_per_s'] / 1e3:8.1f} k events/s"
        f" ({one['events_share']:4.0%}, last right {one['last_right']:4.0%})  subscribe {one['subscribe_ms']:7.1f} ms"
        f"  start {one['start_s']:5.2f} s  {one['rss_mb']:4.0f} -> {one['rss_after_mb']:4.0f} MB",
        flush=True,
    )


def result(found: dict[str, list[dict[str, float]]], skipped: dict[str, str]) -> dict[str, object]:
    middle = {
        name: {key: statistics.median(one[key] for one in runs) for key in runs[0]} for name, runs in found.items()
    }
    ours = middle.get("ours", {})
    figures: dict[str, object] = {
        f"{name}_{key}": round(value, 4) for name, keys in middle.items() for key, value in keys.items()
    }
    figures |= {"subscribe_1000_ms": round(ours.get("subscribe_ms", 0.0), 2)}
    figures |= {key: round(ours.get(key, 0.0), 3) for key in ("start_s", "rss_mb", "last_right")}
    figures["skipped"] = skipped
    ratios = {
        name: round(ours[key] / middle[peer][key], 3)
        for name, (peer, key) in RATIOS.items()
        if ours and peer in middle and middle[peer][key]
    }
    return {"name": "device", "figures": figures, "ratios": ratios}


if __name__ == "__main__":
    main()
