"""Simulators in processes of their own, run by a node: killed, hung, stopped, and gone with a node that is killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import structlog

from sereno.access.actor import ROLES, Actor
from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.logs import configure_logs
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.simulators.placing import with_simulators
from sereno.client import Client, connect
from sereno.device import Environment
from sereno.model import AckState, severity
from tests.ports import free_port

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one that is stopped ends when it goes on")
ADMIN = Actor("admin", (ROLES["admin"],))
SIM = "simulator/plc"
PLANT = """
[[device]]
name = "lab/plc"
driver = "jsonplc"
url = "tcp://192.0.2.1:5003"
scan = "200ms"
retry = {{ initial = "100ms", max = "200ms" }}
tag = [{{ name = "rain", address = "WXT520:RainRate" }}]
[[simulator]]
name = "plc"
command = ["plc"]
port = {port}
url = "tcp://127.0.0.1:{{port}}"
devices = ["lab/plc"]
scenarios = ["rain.json"]
silent = "5s"
[[simulator]]
name = "broken"
command = ["plc", "--wrong"]
start = false
limit = 0
"""
RAIN = [3, {"time": 1, "plcSimulator": {"device_name": "WXT520", "value_name": "RainRate", "value": 7}}]


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 100.0) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


async def rains(client: Client, value: float) -> bool:
    reading = await client.get("lab/plc/rain")
    return severity(reading.quality) == "good" and reading.value == value


async def pid(client: Client) -> int:
    reading = await client.get(f"{SIM}/pid")
    return int(reading.value) if severity(reading.quality) == "good" else 0


def is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def plant(tmp_path: Path) -> Path:
    (tmp_path / "rain.json").write_text(json.dumps(RAIN), encoding="utf-8")
    path = tmp_path / "plant.toml"
    path.write_text(PLANT.format(port=free_port()), encoding="utf-8")
    return path


@pytest.fixture
def logging() -> Iterator[Callable[[], None]]:
    """Called, logs are as in a node that runs by itself."""
    yield configure_logs
    structlog.reset_defaults()


@asynccontextmanager
async def running(path: Path, folder: Path) -> AsyncIterator[tuple[Client, list[str]]]:
    """A client, and options of the command line that reach the same node."""
    async with Node(with_simulators(load_plant(path)), DataFolder(folder), Environment()) as node:
        ready = await node.start("127.0.0.1", 0)
        async with connect(ready.url, ready.token) as client:
            yield client, ["--url", ready.url, "--token", ready.token]


@pytest.mark.timeout(300)
async def test_killed_or_hung_it_is_back_at_its_port_and_the_device_with_it(
    plant: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], logging: Callable[[], None]
) -> None:
    logging()
    async with running(plant, tmp_path / "data") as (client, node):
        await until(lambda: rains(client, 0.0))
        (device,) = [one for one in await client.devices() if one.path == "lab/plc"]
        for at, how in enumerate((signal.SIGKILL, signal.SIGSTOP), 1):
            first = await pid(client)
            os.kill(first, how)
            await until(lambda: _restarted(client, at))  # noqa: B023 - awaited in the loop
            await until(lambda: rains(client, 0.0))
            assert await pid(client) not in (0, first)
            assert not is_there(first)
        (again,) = [one for one in await client.devices() if one.path == SIM]
        assert again.url == device.url
        assert (await client.call(SIM, "restart", "rain")).state is AckState.DONE
        await until(lambda: rains(client, 7.0))

        def sereno(*words: str) -> tuple[int, str, str]:
            code = run_cli([*words, *node])
            return code, *capfd.readouterr()

        last = await pid(client)
        code, out, _ = await asyncio.to_thread(sereno, "simulator", "list", "--json")
        told = {
            one["simulator"]: one
            for one in map(json.loads, (line for line in out.splitlines() if line.startswith("{")))
        }
        assert (code, told["plc"]["pid"], told["plc"]["scenario"]) == (0, last, "rain")
        assert told["broken"] == {
            "simulator": "broken", "state": "stopped", "restarts": 0, "scenario": None, "pid": None, "url": "",
            "why": "is started when somebody asks",
        }  # fmt: skip
        assert (await asyncio.to_thread(sereno, "simulator", "stop", "plc"))[0] == 0
        assert not is_there(last)
        assert await pid(client) == 0
        code, out, _ = await asyncio.to_thread(sereno, "simulator", "log", "plc")
        assert "simulator is started" in out
        assert "it ended with exit code -9" in out
        assert "it has not answered for" in out
        code, _, err = await asyncio.to_thread(sereno, "simulator", "start", "nonsense")
        assert (code, "there are: simulator/broken, simulator/plc" in err) == (1, True)
        assert (await asyncio.to_thread(sereno, "simulator", "start", "broken"))[0] == 0
        await until(lambda: _given_up(client))
        code, out, _ = await asyncio.to_thread(sereno, "simulator", "list")
        assert "No such option" in out or "no such option" in out.lower()


async def _restarted(client: Client, times: int) -> bool:
    told = {one.tag.name: one.value for one in await client.read(f"{SIM}/*")}
    return bool(told["restarts"] == times and told["state"] == "running")


async def _given_up(client: Client) -> bool:
    return bool((await client.get("simulator/broken/state")).value == "given_up")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("stopped", [False, pytest.param(True, marks=LINUX)])
async def test_simulators_end_with_a_node_that_is_killed(plant: Path, tmp_path: Path, stopped: bool) -> None:
    data = tmp_path / "data"
    command = ["run", str(plant), "--simulators", "--port", "0", "--data", str(data), "--json"]
    node = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sereno", *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert node.stdout is not None
    assert json.loads(await node.stdout.readline())["url"]
    async with connect(data=data) as client:
        await until(lambda: rains(client, 0.0))
        simulator = await pid(client)
    if stopped:
        os.kill(simulator, signal.SIGSTOP)
    node.kill()
    await node.wait()

    async def gone() -> bool:
        return not is_there(simulator)

    try:
        await until(gone, 20.0)
    finally:
        with suppress(ProcessLookupError):
            os.kill(simulator, signal.SIGKILL)
