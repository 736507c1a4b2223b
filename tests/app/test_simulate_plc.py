"""The PLC simulator as a process of its own, and what the terminal lets happen at it."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys

import pytest

from sereno.app.cli import run_cli
from sereno.sim.waterworks.run import run_waterworks


def test_a_simulated_plc_as_a_process(capfd: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "sereno", "sim", "plc", "--port", "0", "--json", "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["url"].rpartition(":")[2]
        assert run_cli(["sim", "force", "WXT520:RainRate", "12", "--port", port]) == 0
        assert run_cli(["sim", "force", "PLC:broken", "2", "--port", port]) == 0
        assert capfd.readouterr().out == ""
        assert run_cli(["sim", "force", "WXT520:RainRate", "0.5", "--port", port, "--json"]) == 0
        told = {"device_name": "WXT520", "value_name": "RainRate", "value": 0.5}
        assert json.loads(capfd.readouterr().out) == told
        assert run_cli(["sim", "force", "WXT520:Snow", "12", "--port", port]) == 1
        assert "there are: OutsideTemp" in capfd.readouterr().err
        process.stdin.close()
        assert process.wait(60) == 0
    assert run_cli(["sim", "force", "WXT520:RainRate", "12", "--port", port]) == 3
    assert run_cli(["sim", "force", "RainRate", "12", "--port", port]) == 2


def test_a_port_that_is_taken_is_said_and_no_more() -> None:
    """While the parent holds standard input open: its reader must not turn the exit into a fatal error."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "sereno", "sim", "plc", "--port", port, "--until-stdin-closes"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = process.stderr.read()
            assert process.wait(60) == 1
    assert len(said.splitlines()) == 1, said
    assert f"cannot listen on 127.0.0.1:{port}" in said


async def test_faults_of_servers_are_told_as_json(capfd: pytest.CaptureFixture[str]) -> None:
    async with run_waterworks(river_port=0, town_port=0, control_port=0) as running:

        async def sim(*words: str) -> tuple[int, str]:
            code = await asyncio.to_thread(run_cli, ["sim", *words, "--control", str(running.control_port)])
            captured = capfd.readouterr()
            return code, captured.out or captured.err

        code, told = await sim("fault", "river/plc1", "slow", "1s", "--json")
        assert (code, json.loads(told)) == (0, {"server": "river/plc1", "fault": "slow 1s"})
        code, told = await sim("clear", "river/plc1", "--json")
        assert (code, json.loads(told)) == (0, {"server": "river/plc1", "fault": None})
        code, told = await sim("clear", "--json")
        assert (code, json.loads(told)) == (0, {"server": None, "fault": None})
        code, told = await sim("fault", "river/plc9", "slow", "1s", "--json")
        assert (code, "river/plc9" in told) == (1, True)
