"""The demo of sensors: three of them and readers in processes of their own, and a node that listens to them."""

from __future__ import annotations

import errno
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from .plant.load import Plant, load_plant
from .platform import has_desktop, tied_to_this_process
from .runner import RunOptions, run_node
from .simulators.placing import with_urls
from .welcome import Welcome

TEMPLATE = Path(__file__).parent / "templates" / "sensor" / "plant.toml"
DEVICE = "lab/sensors"
SENSORS = (
    ("0.02",),
    ("0.05", "--name", "sine", "--shape", "sine", "--period", "5", "--numbered"),
    ("0.05", "--name", "steps", "--shape", "steps", "--period", "2", "--numbered"),
)
READERS = (("0.02", "--every", "--length", "100"), ("1", "--length", "20"))


def run_sensor_demo(*, port: int, data: Path, seconds: float | None, browser: bool, as_json: bool) -> int:
    """Run sensors, node and readers until told to stop. Exit code 0."""
    at = free_port(5000)
    with sensors(at), readers(at if browser and _can_draw() else None):
        plant = listening_at(load_plant(TEMPLATE), at)
        options = RunOptions(plant, data, "127.0.0.1", port, seconds, fresh_password=True)
        return run_node(options, Welcome(as_json=as_json, browser=browser, look_at=look_at(at)))


def look_at(port: int) -> tuple[str, ...]:
    """What there is to see, with lines that work as pasted."""
    return (
        f"the trend of {DEVICE}/sawtooth over the last seconds: /trend?tag={DEVICE}/sawtooth&from=now-10s&to=now",
        f"sereno reader 127.0.0.1 {port} 0.02 --every --length 100   a live plot: in a window, or --view terminal",
        f"sereno reader 127.0.0.1 {port} 1   the same, asked once a second: its shape is lost, and the reader says so",
        f"printf n | nc -N 127.0.0.1 {port}   the latest value, as the smallest reader asks for it",
    )


def listening_at(plant: Plant, port: int) -> Plant:
    """The plant with its sensors and readers at another port."""
    latest = plant.gateway.latest
    assert latest is not None
    gateway = plant.gateway.model_copy(update={"latest": latest.model_copy(update={"port": port})})
    return replace(with_urls(plant, {DEVICE: f"udp://127.0.0.1:{port}"}), gateway=gateway)


def free_port(wanted: int) -> int:
    """A port that is free for UDP and TCP, `wanted` if it is. Raises OSError if there is none."""
    for port in (wanted, *[0] * 20):
        with (
            suppress(OSError),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        ):
            udp.bind(("127.0.0.1", port))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind(("127.0.0.1", udp.getsockname()[1]))
            return int(tcp.getsockname()[1])
    raise OSError(errno.EADDRINUSE, "no port is free for UDP and TCP")


@contextmanager
def sensors(port: int) -> Iterator[None]:
    """The sensors, which end with this process."""
    with _programs([("sensor", "127.0.0.1", str(port), *how) for how in SENSORS]):
        yield


@contextmanager
def readers(port: int | None) -> Iterator[None]:
    """Windows of readers, which end with this process; none without a port."""
    lines = [("reader", "127.0.0.1", str(port), *how, "--view", "window", "--wait") for how in READERS]
    with _programs(lines if port is not None else []):
        yield


def _can_draw() -> bool:
    return has_desktop() and importlib.util.find_spec("matplotlib") is not None


@contextmanager
def _programs(lines: Sequence[Sequence[str]]) -> Iterator[None]:
    command = [sys.executable, "-m", "sereno"]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for line in lines:
            quiet = subprocess.DEVNULL
            running.append(
                subprocess.Popen(
                    [*command, *line, "--until-stdin-closes"],
                    stdin=subprocess.PIPE,
                    stdout=quiet,
                    stderr=quiet,
                    env={**os.environ, **tied_to_this_process()},
                )
            )
        yield
    finally:
        for process in running:
            assert process.stdin is not None
            process.stdin.close()
        for process in running:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
