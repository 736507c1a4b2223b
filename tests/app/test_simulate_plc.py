"""The PLC simulator as a process of its own, and what the terminal lets happen at it."""

from __future__ import annotations

import json
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
        assert process.wait(10) == 0
    assert run_cli(["sim", "force", "WXT520:RainRate", "12", "--port", port]) == 3
    assert run_cli(["sim", "force", "RainRate", "12", "--port", port]) == 2
