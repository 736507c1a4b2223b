"""Sensors, the server and readers in one house with programs that know the wire formats only."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from sereno.access.actor import ROLES, Actor
from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.demo_sensors import DEVICE, TEMPLATE, free_port
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.reader.asking import Source
from sereno.app.reader.reading import Reader
from sereno.app.reader.ring import Read, Ring
from sereno.client import HistoryRequest
from sereno.device import Environment
from sereno.model import ConfigurationError, SystemClock
from sereno.sim.sensors.sender import Sensor, Words, open_outlet
from sereno.sim.sensors.signals import Shape

VIEWER = Actor("viewer", (ROLES["viewer"],))
ORIGINAL = Path(__file__).parent / "original"


def plant_at(folder: Path, port: int) -> Path:
    text = TEMPLATE.read_text("utf-8")
    file = folder / "plant.toml"
    file.write_text(text.replace(":5000", f":{port}").replace("port = 5000", f"port = {port}"), encoding="utf-8")
    return file


@asynccontextmanager
async def node(folder: Path, port: int) -> AsyncIterator[Node]:
    async with Node(load_plant(plant_at(folder, port)), DataFolder(folder / "data"), Environment()) as running:
        await running.start("127.0.0.1", 0)
        yield running


@contextmanager
def program(name: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """One of the originals, ended at the end."""
    command = [sys.executable, str(ORIGINAL / f"{name}.py"), *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def test_their_sensor_our_server_their_reader(tmp_path: Path) -> None:
    port = free_port(0)
    async with node(tmp_path, port) as running:
        board = running.parts.gateways["latest"].board  # type: ignore[attr-defined]
        with program("sensor", "127.0.0.1", port, 0.01):
            while board.latest(0) == "nan":
                await asyncio.sleep(0.01)
            values: list[float] = []
            while len(set(values)) <= 10:  # the sensor may have had no time while it was read
                with program("reader", "127.0.0.1", port, 0.02, 25) as reading:
                    out, _ = await asyncio.to_thread(reading.communicate)
                values = json.loads(out)
    assert len(values) == 20
    assert all(-1 <= value <= 1 for value in values)


def test_our_sensor_their_server_our_reader(capsys: pytest.CaptureFixture[str]) -> None:
    with program("server", free_port(0)) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        assert run_cli(["sensor", "127.0.0.1", port, "0.001", "--count", "30", "--json"]) == 0
        sent = json.loads(capsys.readouterr().out)
        for how in ([], ["--persistent"]):
            assert run_cli(["reader", "127.0.0.1", port, "0.001", "--count", "3", "--json", *how]) == 0
    assert sent == {"sent": 30, "refused": 0}
    answers = [json.loads(line)["value"] for line in capsys.readouterr().out.splitlines()]
    assert answers == [4 * 0.029 - 1] * 6


class Kept:
    """A view that keeps the values."""

    closed = False

    def __init__(self) -> None:
        self.values: list[float] = []

    def take(self, read: Read) -> None:
        self.values.append(read.value)

    def draw(self, ring: Ring) -> None:
        return

    def close(self) -> None:
        return


async def test_every_sample_is_told_and_on_record(tmp_path: Path) -> None:
    port, view, clock = free_port(0), Kept(), SystemClock()
    async with node(tmp_path, port) as running:
        reader = Reader(Source("127.0.0.1", port, clock), 1.0, view, print, each=True, most=200)
        reading = asyncio.create_task(reader.run(asyncio.Event()))
        board = running.parts.gateways["latest"].board  # type: ignore[attr-defined]
        while not board._sinks:
            await asyncio.sleep(0.01)
        transport, _ = await open_outlet("127.0.0.1", port)
        await Sensor(Shape().signal(), transport.sendto, 0.001, Words(), most=200).run(clock)
        transport.close()
        await reading
        request = HistoryRequest((f"{DEVICE}/sawtooth",), 0, clock.wall_ns())
        assert running.parts.historian is not None
        await running.parts.historian.durable()
        (series,) = await running.parts.historian.query(request, VIEWER)
        counters = running.parts.devices.handlers[DEVICE].status().counters
    sent = [_saw(n * 0.001) for n in range(200)]
    assert view.values == sent
    assert series.value[-200:].tolist() == sent
    assert counters["any received"] == 200


def _saw(t: float) -> float:
    return 2.0 * t / 0.5 - 1.0


def test_a_sensor_that_cannot_send_and_a_reader_without_a_server(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_cli(["reader", "127.0.0.1", str(free_port(0)), "1"]) == 3
    assert "nobody serves values" in capsys.readouterr().err
    assert run_cli(["sensor", "127.0.0.1", "5000", "1", "--name", "no name"]) == 2
    assert run_cli(["sensor", "127.0.0.1", "5000", "1", "--replay", str(tmp_path / "none")]) == 2
    assert run_cli(["sensor", "127.0.0.1", "5000", "1", "--key", "secret"]) == 2
    assert run_cli(["sensor", "127.0.0.1", "5000", "0"]) == 2


def test_a_file_is_sent_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kept.txt").write_text("1\n2\n3\n", encoding="utf-8")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("127.0.0.1", 0))
        port = str(here.getsockname()[1])
        assert run_cli(["sensor", "127.0.0.1", port, "0.001", "--replay", str(tmp_path / "kept.txt"), "--json"]) == 0
        assert [here.recv(100) for _ in range(3)] == [b"1.0", b"2.0", b"3.0"]
    assert json.loads(capsys.readouterr().out)["sent"] == 3


def test_tags_that_the_gateway_cannot_serve_are_faults(tmp_path: Path) -> None:
    file = plant_at(tmp_path, 5000)
    text = file.read_text("utf-8").replace('"lab/sensors/sine",', '"lab/sensors/sign", "lab/sensors/steps",')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as found:
        load_plant(file)
    texts = [fault.found for fault in found.value.faults]
    assert any("'lab/sensors/sign'" in one for one in texts)
    assert any("twice" in one for one in texts)
