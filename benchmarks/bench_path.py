"""The whole path: from the answer of a device to the server-sent event at a client, with recorder and 100 clients.

A node as `sereno run` starts it scans 20 Modbus devices of 50 tags ten times a second (10 k updates/s), records
all of it and sends it to its clients as it comes (interval=0). Each device puts the time of its answer into the
registers, so the delay runs from just before the last byte is sent to the moment a client has the event.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench_push import Process

sys.path.insert(0, str(Path(__file__).parent / "pushing"))
from device import TAGS

WARM_UP = 2.0
MEASURED = 10
"""Clients that look at each event; the others only take it."""


def plant(ports: list[int], period: float) -> str:
    """The plant file: a device a port."""
    parts = ['[plant]\nname = "Path"\ntimezone = "Etc/UTC"\n']
    for number, port in enumerate(ports):
        parts.append(
            f'[[device]]\nname = "plant/d{number:02}"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:{port}"\n'
            f'scan = "{period * 1000:g}ms"\n'
        )
        parts.append('[[device.tag]]\nname = "answered"\naddress = "holding:0"\ntype = "float64"\n')
        parts += [
            f'[[device.tag]]\nname = "r{tag:02}"\naddress = "holding:{3 + tag}"\ntype = "uint16"\n'
            for tag in range(1, TAGS)
        ]
    return "\n".join(parts)


def start(
    folder: Path, ports: list[int], period: float, text: str = ""
) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """A node of this plant file or the usual one, and what it says when it is ready."""
    file = folder / "plant.toml"
    file.write_text(text or plant(ports, period))
    options = ["--port", "0", "--data", str(folder / "data"), "--json"]
    command = [sys.executable, "-m", "sereno", "run", str(file), *options]
    node = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert node.stdout is not None
    line = node.stdout.readline()
    if not line:
        raise SystemExit("the node did not start; what it said is above")
    found: dict[str, Any] = json.loads(line)
    return node, found


def measure(devices: int, clients: int, period: float, seconds: float, warm_up: float = WARM_UP) -> dict[str, float]:
    """One run: delays, and how many updates a second got through to a client."""
    sources = Process("device.py", devices)
    with tempfile.TemporaryDirectory() as folder:
        node, ready = start(Path(folder), sources.hello["ports"], period)
        try:
            port = urlsplit(ready["url"]).port
            options = (f"--clients={clients}", f"--measured={min(MEASURED, clients)}", "--interval=0")
            receiver = Process("receiver.py", "path", port, ready["token"], *options)
            receiver.ask(warm_up)
            found = receiver.ask(seconds)
            receiver.end()
        finally:
            node.terminate()
            node.wait(30)
            assert node.stdout is not None
            node.stdout.close()
    sources.end()
    assert found["lost"] == 0, "every client was served to the end"
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=20)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--period", type=float, default=0.1)
    parser.add_argument("--seconds", type=float, default=10.0)
    asked = parser.parse_args()
    found = measure(asked.devices, asked.clients, asked.period, asked.seconds)
    figures = {name: round(found[name], 3) for name in ("p50_ms", "p99_ms", "max_ms")}
    figures["updates_per_s"] = round(asked.devices * TAGS / asked.period)
    figures["delivered"] = round(
        found["events_per_s"] / (min(MEASURED, asked.clients) * asked.devices / asked.period), 4
    )
    figures["clients"] = asked.clients
    print(json.dumps({"name": "path", "figures": figures, "ratios": {}}))


if __name__ == "__main__":
    main()
