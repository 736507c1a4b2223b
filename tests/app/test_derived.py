"""Derived devices and the line server of a plant file: checked when it is read, at work in a node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import Plant, load_plant
from sereno.client import Client, connect
from sereno.device import Environment
from sereno.model import AckState, ConfigurationError, severity
from sereno.testing import MemoryPlant
from tests.web.browser.conftest import in_memory

PLANT = """
[plant]
name = "Lab"

[gateway.line]
insecure = true
port = 0

[[device]]
name = "lab/ps1"
driver = "modbus"
url = "tcp://127.0.0.1:5020"
stale_after = "1s"
tag = [{ name = "voltage", address = "holding:0", type = "float64", access = "read_write", setpoint = { high = 30 } }]

[[device]]
name = "lab/ps2"
driver = "modbus"
url = "tcp://127.0.0.1:5021"
stale_after = "1s"
tag = [{ name = "voltage", address = "holding:0", type = "float64" }]

[[device]]
name = "lab/ps3"
driver = "modbus"
url = "tcp://127.0.0.1:5022"
stale_after = "1s"
tag = [{ name = "voltage", address = "holding:0", type = "float64" }]

[[device]]
name = "lab/both"
driver = "derived"
calls = { reset = "lab/ps1/reset" }
tag = [
    { name = "sum", value = "lab/ps1/voltage + lab/ps2/voltage", unit = "V" },
    { name = "all", value = "lab/ps1/voltage + lab/ps2/voltage + lab/ps3/voltage", unit = "V" },
    { name = "first", value = "lab/ps1/voltage", forward = "lab/ps1/voltage", unit = "V" },
    { name = "mean", function = "figures.py:mean", inputs = ["lab/ps1/voltage", "lab/ps2/voltage"], unit = "V" },
]
"""
FUNCTIONS = "def mean(*values):\n    return sum(values) / len(values)\n"


def plant_of(folder: Path, text: str = PLANT) -> Plant:
    (folder / "figures.py").write_text(FUNCTIONS, encoding="utf-8")
    path = folder / "plant.toml"
    path.write_text(text, encoding="utf-8")
    return load_plant(path)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ('"lab/ps1/voltage + lab/ps2/voltage"', '"lab/ps1/voltage + lab/ps2/volage"', "did you mean 'lab/ps2/voltage'"),
        (
            '"lab/ps1/voltage + lab/ps2/voltage"',
            '"lab/both/sum + 1"',
            "itself: lab/both/sum -> lab/both/sum",
        ),
        ('"lab/ps1/voltage + lab/ps2/voltage"', '"1 + 2"', "names no tag"),
        ('forward = "lab/ps1/voltage"', 'forward = "lab/ps2/voltage"', "read only"),
        ('forward = "lab/ps1/voltage"', 'access = "read_write"', "forwards to nothing"),
        ("figures.py:mean", "figures.py:meen", "There is mean"),
        ("figures.py:mean", "figurs.py:mean", "no file"),
        ("lab/ps1/reset", "lab/ps9/reset", "no device 'lab/ps9'"),
        ('driver = "modbus"', 'driver = "modbus"\ncommands = { Reset = { select = true } }', "waits for people"),
        ("calls = {", "commands = { reset = { select = true } }\ncalls = {", "hands its commands on"),
        (
            "calls = {",
            "commands = { reset = { interlock = 'lab/ps1/voltage < 1' } }\ncalls = {",
            "hands its commands on",
        ),
        ('{ name = "sum", value', '{ name = "sum", function = "x:y", value', "one of them"),
        ('driver = "derived"', 'driver = "derivd"', "Did you mean 'derived'?"),
        ("insecure = true", "", "insecure = true"),
    ],
)
def test_faults_have_their_line_and_their_fix(tmp_path: Path, old: str, new: str, found: str) -> None:
    assert old in PLANT
    with pytest.raises(ConfigurationError) as error:
        plant_of(tmp_path, PLANT.replace(old, new, 1))
    assert found in str(error.value)
    assert all(":" in fault.where for fault in error.value.faults)


@asynccontextmanager
async def running(tmp_path: Path) -> AsyncIterator[tuple[Node, MemoryPlant, Client]]:
    memory = MemoryPlant()
    plant = in_memory(plant_of(tmp_path), memory)
    memory.unit("1", "memory://lab/ps1").values["voltage"] = 10.0
    memory.unit("1", "memory://lab/ps2").values["voltage"] = 2.0
    memory.unit("1", "memory://lab/ps3").values["voltage"] = 1.0
    async with Node(plant, DataFolder(tmp_path / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        async with connect(data=tmp_path / "data") as client:
            yield node, memory, client


async def until(client: Client, path: str, check: Any) -> Any:
    for _ in range(3000):
        reading = await client.get(path)
        if check(reading):
            return reading
        await asyncio.sleep(0.02)
    pytest.fail(f"never: {reading}")


async def test_a_facade_over_three_devices_of_which_one_dies_and_returns(tmp_path: Path) -> None:
    async with running(tmp_path) as (_, memory, client):
        await until(client, "lab/both/sum", lambda r: r.value == 12.0)
        await until(client, "lab/both/all", lambda r: r.value == 13.0)
        await until(client, "lab/both/mean", lambda r: r.value == 6.0 and r.quality == 0)
        memory.wire("memory://lab/ps2").refuse = "connection refused"
        memory.wire("memory://lab/ps2").cut()
        for tag in ("sum", "all"):
            await until(
                client, f"lab/both/{tag}", lambda r: severity(r.quality) == "bad" and "lab/ps2/voltage" in r.reason
            )
        assert (await client.get("lab/both/first")).value == 10.0
        memory.wire("memory://lab/ps2").refuse = ""
        await until(client, "lab/both/sum", lambda r: r.value == 12.0 and r.quality == 0)
        await until(client, "lab/both/all", lambda r: r.value == 13.0 and r.quality == 0)
        (status,) = [one for one in await client.devices() if one.path == "lab/both"]
        assert (status.driver, str(status.state)) == ("derived", "enabled")


async def test_a_forwarded_write_is_checked_where_it_arrives_and_on_record_twice(tmp_path: Path) -> None:
    async with running(tmp_path) as (node, memory, client):
        await until(client, "lab/both/first", lambda r: r.value == 10.0)
        ack = await client.write("lab/both/first", 20.0)
        assert ack.state is AckState.DONE, ack.reason
        assert memory.unit("1", "memory://lab/ps1").values["voltage"] == 20.0
        ack = await client.write("lab/both/first", 31.0)
        assert ack.state is AckState.FAILED
        assert "above the limit" in ack.reason
        entries = [e for e in await node.parts.accounts.audit.entries() if e.action == "write" and e.outcome == "done"]
        assert {e.target for e in entries} == {"lab/both/first", "lab/ps1/voltage"}
        assert {e.actor for e in entries if e.target == "lab/ps1/voltage"} == {"derive/lab/both"}


async def test_the_line_server_of_a_plant_answers_and_writes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as (node, memory, client):
        await until(client, "lab/both/sum", lambda r: r.value == 12.0)
        reader, writer = await asyncio.open_connection("127.0.0.1", node.parts.gateways["line"].port)
        writer.write(b"lab/both/sum\nlab/ps1/state\nlab/ps1/voltage=3\n")
        assert await reader.readline() == b"12.0\n"
        assert await reader.readline() == b"enabled\n"
        assert b"reason = Refused" in await reader.readline()
        assert memory.unit("1", "memory://lab/ps1").values["voltage"] == 10.0
        writer.close()
        await writer.wait_closed()


async def test_the_terminal_shows_a_derived_device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with running(tmp_path) as (_, _, client):
        await until(client, "lab/both/sum", lambda r: r.value == 12.0)
        arguments = ["device", "show", "lab/both", "--json", "--data", str(tmp_path / "data")]
        assert await asyncio.to_thread(run_cli, arguments) == 0
        assert json.loads(capsys.readouterr().out)["driver"] == "derived"
