from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.serve.script import run_devices
from sereno.app.serve.serving import ServeOptions, check_free, start
from sereno.app.serve.wanted import wanted_devices
from sereno.client import connect
from sereno.model import ConfigurationError, DeniedError, OperationError
from tests.device.authoring.devices import PowerSupply

HERE = "tests.device.authoring.devices"
PATH = "lab/ps_1"


def options(folder: Path, *tokens: str, **more: Any) -> ServeOptions:
    return ServeOptions(wanted_devices(tokens or [f"{HERE}:PowerSupply", PATH]), folder, **more)


async def until_ready(client: Any) -> None:
    while not all(group.scans for device in await client.devices() for group in device.groups):
        await client.clock.sleep(0.001)


async def test_devices_are_found_by_their_data_folder_and_remember(tmp_path: Path) -> None:
    for voltage in (0.0, 7.0):
        async with AsyncExitStack() as stack:
            served = await start(options(tmp_path), stack)
            assert served.url.startswith("tcp://127.0.0.1:")
            client = await stack.enter_async_context(connect(data=tmp_path))
            await until_ready(client)
            assert (await client.get(f"{PATH}/voltage")).value == voltage
            ack = await client.write(f"{PATH}/voltage", voltage + 7)
            assert (str(ack.state), ack.value) == ("done", voltage + 7)
            assert (await client.call(PATH, "ramp", voltage + 7.0)).value == voltage + 7
            device = (await client.devices())[0]
            assert {spec.name for spec in device.commands} == {"reset", "ramp"}
        assert not (tmp_path / "credential.json").exists()
    assert json.loads((tmp_path / "memorised.json").read_text()) == {PATH: {"voltage": 14.0}}


async def test_without_memory_nothing_is_written(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        await start(options(tmp_path, memory=False), stack)
        client = await stack.enter_async_context(connect(data=tmp_path))
        await until_ready(client)
        await client.write(f"{PATH}/voltage", 3)
    assert not (tmp_path / "memorised.json").exists()


async def test_without_the_token_nobody_comes_in(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        served = await start(options(tmp_path), stack)
        with pytest.raises(DeniedError):
            async with connect(served.url, "guess"):
                pass


async def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        await start(options(tmp_path), stack)
        with pytest.raises(OperationError, match=r"is in use by what answers at tcp://127\.0\.0\.1"):
            check_free(DataFolder(tmp_path))
    check_free(DataFolder(tmp_path))
    DataFolder(tmp_path).publish("", "left behind", "", "tcp://127.0.0.1:1")
    check_free(DataFolder(tmp_path))


async def test_names_taken_by_a_child_are_a_fault(tmp_path: Path) -> None:
    tokens = [f"{HERE}:Rack", "lab/rack", f"{HERE}:PowerSupply", "lab/rack/left"]
    async with AsyncExitStack() as stack:
        with pytest.raises(ConfigurationError, match="declared twice"):
            await start(options(tmp_path, *tokens), stack)


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [f"{HERE}:PowerSupply", PATH, "--for", "0", "--data", str(tmp_path / "d")]
    assert run_cli(["serve", *arguments, "--set", "limit=12"]) == 0
    told = capsys.readouterr().out
    for words in ("PowerSupply: voltage, mode, current, reset(), ramp()", "tcp://127.0.0.1:", f"sereno get '{PATH}/*'"):
        assert words in told
    assert run_cli(["serve", *arguments, "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["devices"] == [{"path": PATH, "class": f"{HERE}:PowerSupply"}]
    assert line["token"]
    assert line["url"].startswith("tcp://")
    assert run_cli(["serve", *arguments, "--set", "limit=999"]) == 2
    assert "limit" in capsys.readouterr().err
    assert run_cli(["serve", *arguments, "--host", "0.0.0.0"]) == 2
    assert "cross the network in the clear" in capsys.readouterr().err


def test_a_trial_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["test-context", f"{HERE}:PowerSupply", "--for", "0", "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["devices"][0]["path"] == "local/power_supply"
    assert not Path(line["data"]).exists()


def test_the_last_line_of_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_devices(PowerSupply, PATH, "--for", "0", "--data", str(tmp_path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["devices"][0]["path"] == PATH
    with pytest.raises(TypeError, match="takes subclasses of Device"):
        run_devices(3)


def test_a_script_is_served_and_read_from_outside(tmp_path: Path) -> None:
    script = tmp_path / "supply.py"
    script.write_text(
        "from sereno import Device, tag\n"
        "class Supply(Device):\n"
        "    level: float = tag(unit='V', default=1.5)\n"
        "if __name__ == '__main__':\n"
        "    raise SystemExit(Supply.run())\n"
    )
    command = [sys.executable, str(script), "lab/supply", "--data", str(tmp_path / "d"), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    timer = threading.Timer(25, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        got = subprocess.run(
            [sys.executable, "-m", "sereno", "get", "lab/supply/level", "--json", "--data", line["data"]],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert json.loads(got.stdout)["value"] == 1.5, got.stderr
        process.terminate()
        assert process.wait(60) == 0
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


async def test_a_served_device_answers_lines_and_may_be_locked(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        served = await start(options(tmp_path, line=0), stack)
        client = await stack.enter_async_context(connect(data=tmp_path))
        await until_ready(client)
        reader, writer = await asyncio.open_connection("127.0.0.1", served.line)
        writer.write(f"{PATH}/voltage\n{PATH}/state\n{PATH}/voltage = 5\n".encode())
        assert await reader.readline() == b"0.0\n"
        assert await reader.readline() in (b"enabled\n", b"off\n", b"OFF\n")
        assert b"reason = Refused" in await reader.readline()
        writer.close()
        await writer.wait_closed()
        lock = await client.lock(PATH, seconds=60)
        assert lock.device == PATH
