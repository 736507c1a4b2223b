"""start: from `sereno run` to the first good value, and the memory of the node of the plant demo.

The simulators run in a process of their own and are not counted. Floor of the same run: a bare Python interpreter
that imports what every node needs (numpy, FastAPI, SQLAlchemy).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

from sereno.app.demo import TEMPLATE, WaterworksDemo, simulator

FLOOR = "import numpy, fastapi, uvicorn, sqlalchemy, structlog, psutil; print(psutil.Process().memory_info().rss)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--settle", type=float, default=5.0, help="seconds of running before memory is read")
    options = parser.parse_args()
    print(json.dumps({"name": "start", **measure(options.runs, options.settle)}))


def measure(runs: int, settle: float) -> dict[str, dict[str, float]]:
    """Figures and ratios, medians of so many starts and floors."""
    with simulator(WaterworksDemo(), 1.0) as urls, tempfile.TemporaryDirectory() as folder:
        plant = plant_at(Path(folder), urls)
        starts = [one_start(plant, Path(folder) / f"data{i}", settle) for i in range(runs)]
        floors = [floor() for _ in range(runs)]
    ready, first, memory = (statistics.median(column) for column in zip(*starts, strict=True))
    floor_s, floor_mb = (statistics.median(column) for column in zip(*floors, strict=True))
    figures = {"ready_s": ready, "first_value_s": first, "rss_mb": memory, "floor_s": floor_s, "floor_mb": floor_mb}
    ratios = {"floor_start": first / floor_s, "floor_rss": memory / floor_mb}
    return {"figures": rounded(figures), "ratios": rounded(ratios)}


def rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in figures.items()}


def plant_at(folder: Path, urls: dict[str, str]) -> Path:
    """The demo's plant file with the simulator's addresses."""
    for file in TEMPLATE.parent.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    path = folder / TEMPLATE.name
    text = path.read_text(encoding="utf-8")
    for usual, url in zip(("tcp://127.0.0.1:5020", "tcp://127.0.0.1:5021"), urls.values(), strict=True):
        text = text.replace(usual, url)
    path.write_text(text, encoding="utf-8")
    return path


def one_start(plant: Path, data: Path, settle: float) -> tuple[float, float, float]:
    """Seconds until ready, seconds until the first good value, resident megabytes after `settle` seconds."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "sereno", "run", str(plant), "--data", str(data), "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        t_ready = time.perf_counter() - began
        while not first_value(ready["url"], ready["token"]):
            time.sleep(0.01)
        t_first = time.perf_counter() - began
        time.sleep(settle)
        return t_ready, t_first, psutil.Process(process.pid).memory_info().rss / 2**20
    finally:
        process.terminate()
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


def first_value(url: str, token: str) -> bool:
    request = urllib.request.Request(
        f"{url}/api/v1/values?tag=river/plc1/tank_level", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bool(json.load(answer)["values"][0]["quality"] == "good")


def floor() -> tuple[float, float]:
    """Seconds and megabytes of an interpreter that only imports."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", FLOOR], capture_output=True, text=True, check=True)
    return time.perf_counter() - began, int(done.stdout) / 2**20


if __name__ == "__main__":
    main()
