"""The PLC simulator as a process of its own, and what the terminal lets happen at it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from sereno.app.cli import run_cli


def test_a_simulated_plc_as_a_process(capfd: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "sereno", "sim", "plc", "--port", "0", "--json", "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["url"].rpartition(":")[2]
        assert run_cli(["sim", "force", "WXT520:RainRate", "12", "--port", port]) == 0
        assert run_cli(["sim", "force", "PLC:broken", "2", "--port", port]) == 0
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
