"""fleet: one sweep over a thousand members behind HTTP, of which fifty never answer and fifty are slow.

Ours: the driver with its totals, as a node runs it. Beside it in the same run the usual way, a pool of threads with
requests, as many threads as we ask at a time, a session each. Both have the same time-out.

figures.sweep_s, thread_pool_s: median of the sweeps. ratios.thread_pool: theirs / ours (more than 1: ours is faster).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import uvloop

from sereno.device import DriverTag, Environment
from sereno.drivers.http.driver import HttpDriver, HttpLink
from sereno.drivers.http.tags import HttpConfig, HttpTagConfig
from sereno.model import TagSpec

MEMBERS = Path(__file__).parent / "sweeping" / "members.py"


@contextmanager
def members(dead: int, slow: int) -> Iterator[int]:
    """Their port."""
    process = subprocess.Popen([sys.executable, str(MEMBERS), str(dead), str(slow)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def addresses(count: int, port: int) -> dict[str, str]:
    return {f"m{n:04d}": f"127.1.{n // 250}.{n % 250}:{port}" for n in range(count)}


def tag(name: str, reduce: str, **config: Any) -> DriverTag:
    made = HttpTagConfig.model_validate({"get": "/v", "length": 3, "reduce": reduce, **config})
    return DriverTag(TagSpec(path=f"fleet/all/{name}", type=made.default_type, shape=made.shape), made)


async def ours(inventory: dict[str, str], asked: argparse.Namespace) -> tuple[list[float], int]:
    """Seconds of each sweep, and how many answered."""
    config = HttpConfig.model_validate({"members": inventory, "timeout": asked.timeout, "in_flight": asked.at_once})
    environment = Environment()
    link = HttpLink(config, environment)
    await link.connect()
    driver = HttpDriver(config, link, environment)
    plan = driver.compile([tag("count", "count"), tag("first", "sum", element=0)], [tag("total", "sum")])
    took, count = [], 0.0
    for _ in range(asked.sweeps):
        began = time.perf_counter()
        columns = await driver.scan(plan)
        took.append(time.perf_counter() - began)
        count = float(columns.values[0])
    await link.close()
    return took, int(count)


def theirs(inventory: dict[str, str], asked: argparse.Namespace) -> tuple[list[float], int]:
    own = threading.local()

    def get(address: str) -> list[int] | None:
        if not hasattr(own, "session"):
            own.session = requests.Session()
        try:
            answer = own.session.get(f"http://{address}/v", timeout=asked.timeout)
            return list(answer.json()) if answer.status_code == 200 else None
        except (requests.RequestException, ValueError):
            return None

    took, count = [], 0
    with ThreadPoolExecutor(asked.at_once) as pool:
        for _ in range(asked.sweeps):
            began = time.perf_counter()
            found = [one for one in pool.map(get, inventory.values()) if one is not None]
            totals = [sum(column) for column in zip(*found, strict=True)]
            took.append(time.perf_counter() - began)
            count = len(found)
            assert len(totals) == 3
    return took, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1000)
    parser.add_argument("--dead", type=int, default=50)
    parser.add_argument("--slow", type=int, default=50)
    parser.add_argument("--timeout", type=float, default=1.0)
    parser.add_argument("--at-once", type=int, default=200)
    parser.add_argument("--sweeps", type=int, default=5)
    parser.add_argument("--short", action="store_true", help="only whether it works")
    asked = parser.parse_args()
    if asked.short:
        asked.members, asked.dead, asked.slow, asked.timeout, asked.at_once, asked.sweeps = 30, 2, 0, 3.0, 10, 1
    with members(asked.dead, asked.slow) as port:
        inventory = addresses(asked.members, port)
        sweeps, answered = uvloop.run(ours(inventory, asked))
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        pooled, pool_answered = theirs(inventory, asked)
    sweep, pool = statistics.median(sweeps), statistics.median(pooled)
    figures = {
        "members": asked.members,
        "answered": answered,
        "thread_pool_answered": pool_answered,
        "sweep_s": round(sweep, 3),
        "worst_sweep_s": round(max(sweeps), 3),
        "thread_pool_s": round(pool, 3),
        "rss_mb": round(memory, 1),
        "thread_pool_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1),
    }
    print(json.dumps({"name": "fleet", "figures": figures, "ratios": {"thread_pool": round(pool / sweep, 3)}}))


if __name__ == "__main__":
    main()
