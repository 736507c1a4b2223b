"""sensor: ten thousand readers and fifty thousand datagrams a second on one node, history and pages included.

First the whole: a real node with --sensors sensors, datagrams with sequence numbers from a sender in C, and readers
in C that each ask once a second; lost is what was sent and never counted as received (a busy machine loses in the
system's buffer, net.core.rmem_max). Then it and the same server in other forms (a loop around select, a thread for each
reader, epoll in C), with as many readers as select can have, each asking as soon as it was answered.

ratios.select_loop, threads, c: answers a second, ours / theirs in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sereno.app.demo_sensors import free_port

FOLDER = Path(__file__).parent / "reading_sensors"
PLANT = """[plant]
name = "Bench"
[[device]]
name = "bench/sensors"
driver = "udp"
url = "udp://127.0.0.1:{port}"
insecure = true
[[device.use]]
template = "sensor"
each = [{each}]
[[device.tag]]
name = "any"
[[template]]
name = "sensor"
parameters = ["n"]
[[template.tag]]
name = "s{{n}}"
sensor = "s{{n}}"
[gateway.latest]
insecure = true
port = {port}
tags = ["bench/sensors/any", "bench/sensors/s0"]
"""


def built(folder: Path, name: str) -> str:
    """Path of a program in C, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("bench sensor needs a C compiler for its load: sudo apt install gcc")
    made = folder / name
    subprocess.run([compiler, "-O2", "-o", str(made), str(FOLDER / f"{name}.c")], check=True)
    return str(made)


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{process.args} ended with {process.wait()}")
    return line


@contextmanager
def node(folder: Path, sensors: int) -> Iterator[tuple[int, dict[str, Any], int]]:
    """A node that listens: port of sensors and readers, its ready line, its process id."""
    port = free_port(0)
    (folder / "plant.toml").write_text(
        PLANT.format(port=port, each=", ".join(f"{{ n = {n} }}" for n in range(sensors)))
    )
    command = [
        sys.executable,
        "-m",
        "sereno",
        "run",
        str(folder),
        "--port",
        "0",
        "--data",
        str(folder / "data"),
        "--json",
    ]
    with running(*command) as process:
        yield port, json.loads(line_of(process)), process.pid


def metrics(ready: dict[str, Any]) -> dict[str, float]:
    """The node's own figures."""
    request = urllib.request.Request(f"{ready['url']}/metrics", headers={"Authorization": f"Bearer {ready['token']}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        lines = [line.rpartition(" ") for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def cpu_of(pid: int) -> float:
    """Seconds of CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def crowd(program: str, port: int, readers: int, seconds: float, period: float) -> tuple[subprocess.Popen[str], Any]:
    process = subprocess.Popen(
        [program, str(port), str(readers), str(seconds), str(period)], stdout=subprocess.PIPE, text=True
    )
    assert line_of(process).strip() == "ready"
    return process, lambda: json.loads(process.communicate()[0])


def whole(programs: dict[str, str], folder: Path, asked: argparse.Namespace) -> dict[str, float]:
    """Everything at once on one node."""
    with node(folder, asked.sensors) as (port, ready, pid):
        _, found_by = crowd(programs["crowd"], port, asked.readers, asked.seconds + 1, 1.0)
        before, used = metrics(ready), cpu_of(pid)
        send = [programs["sender"], *map(str, (port, asked.sensors, asked.rate, asked.seconds))]
        sent = json.loads(subprocess.run(send, stdout=subprocess.PIPE, check=True).stdout)
        used = cpu_of(pid) - used
        found = found_by()
        after = metrics(ready)
        memory = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        ours = flat_out(programs, port, asked.select_readers, asked.seconds)
    name = 'sereno_device_counter_total{counter="datagrams",device="bench/sensors"}'
    received = after[name] - before.get(name, 0.0)
    return {
        "readers": found["connected"] - found["lost"],
        "datagrams_per_s": received / sent["seconds"],
        "sent": sent["sent"],
        "lost": sent["sent"] - received,
        "crowded_out": after['sereno_device_counter_total{counter="crowded_out",device="bench/sensors"}'],
        "gaps": after["sereno_gateway_latest_gaps"],
        "answers_per_s": found["answers"] / found["seconds"],
        "answer_p50_ms": found["p50_ms"],
        "answer_p99_ms": found["p99_ms"],
        "node_cpu": used / sent["seconds"],
        "node_mb": memory,
        "ours_flat_out": ours,
    }


def flat_out(programs: dict[str, str], port: int, readers: int, seconds: float) -> float:
    """Answers a second, with a thousand datagrams a second coming in."""
    send = [programs["sender"], str(port), "0", "1000", str(seconds)]
    with running(*send):
        _, asked = crowd(programs["crowd"], port, readers, seconds, 0.0)
        found = asked()
    if found["connected"] < readers or found["lost"]:
        print(f"port {port}: {found}", flush=True)
    return float(found["answers"] / found["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=50_000)
    parser.add_argument("--sensors", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--select-readers", type=int, default=900)
    parser.add_argument("--short", action="store_true", help="only whether it works")
    asked = parser.parse_args()
    if asked.short:
        asked.readers, asked.rate, asked.sensors, asked.seconds, asked.select_readers = 50, 500.0, 20, 0.5, 20
    with tempfile.TemporaryDirectory(prefix="sereno-sensor-") as name:
        folder = Path(name)
        programs = {one: built(folder, one) for one in ("sender", "crowd", "server")}
        figures = whole(programs, folder, asked)
        others = {
            "select_loop": [sys.executable, str(FOLDER / "select_loop.py")],
            "threads": [sys.executable, str(FOLDER / "threads.py")],
            "c": [programs["server"]],
        }
        answers: dict[str, float] = {}
        for form, command in others.items():
            with running(*command) as process:
                answers[form] = flat_out(programs, int(line_of(process)), asked.select_readers, asked.seconds)
    figures |= {f"{form}_flat_out": number for form, number in answers.items()}
    ratios = {form: figures["ours_flat_out"] / number for form, number in answers.items()}
    rounded = {
        key: {k: round(v, 3) for k, v in part.items()} for key, part in (("figures", figures), ("ratios", ratios))
    }
    print(json.dumps({"name": "sensor", **rounded}))


if __name__ == "__main__":
    main()
