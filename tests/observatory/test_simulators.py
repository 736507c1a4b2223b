"""The simulators of the site as processes that are started and ended together."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from sereno.app.cli import run_cli
from sereno.sim.scenario import read_scenario
from sereno_observatory.simulators import SCENARIOS, has_users, scenario_path


def test_all_together_end_together(capfd: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "sereno", "sim", "observatory", "--port", "0", "--scenario", "plc"]
    command += [
        "--only",
        "plc",
        "--only",
        "alerts",
        "--only",
        "cameraVIS",
        "--only",
        "dome",
    ]  # the others are started alike
    with subprocess.Popen(
        [*command, "--json", "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        devices = told["devices"]
        assert run_cli(["sim", "alert", "test", "--port", told["alerts"].rpartition(":")[2]]) == 0
        assert json.loads(process.stdout.readline())["ivorn"] == capfd.readouterr().out.strip()
        assert set(devices) == {"site/plc", "site/vis", "site/wheel", "site/focuser", "site/dome"}
        assert run_cli(["alpaca", "browse", devices["site/vis"].split("/")[2], "--json"]) == 0
        assert "Visible camera" in capfd.readouterr().out
        assert run_cli(["sim", "trouble", "camera", devices["site/vis"], "silent=1"]) == 0
        capfd.readouterr()
        assert run_cli(["sim", "trouble", "camera", devices["site/vis"], "silent=0", "--json"]) == 0
        told = {"kind": "camera", "url": devices["site/vis"], "silent": 0}
        assert json.loads(capfd.readouterr().out) == told
        assert run_cli(["sim", "trouble", "camera", devices["site/vis"], "slient=1"]) == 1
        assert "expected some of broken, silent" in capfd.readouterr().err
        url = devices["site/plc"]
        force = ["sim", "force", "WXT520:RainRate", "12", "--port", url.rpartition(":")[2]]
        assert run_cli(force) == 0
        process.stdin.close()
        assert process.wait(60) == 0
        assert run_cli(force) == 3
        assert "no simulated PLC" in capfd.readouterr().err


def test_the_scenarios_of_the_original_ship() -> None:
    plc, full = (read_scenario(SCENARIOS / name) for name in ("plc.json", "full.json"))
    assert (plc.iterations, [event.time for event in plc.events]) == (10, [3, 3, 7, 7])
    assert full.iterations == 200
    users = [(event.time, event.action) for event in full.events if event.simulator == "userSimulator"]
    assert [time for time, _ in users] == [1, 2, 4, 5, 10, 11, 15, 16, 18, 33]
    assert (has_users(SCENARIOS / "plc.json"), has_users(SCENARIOS / "full.json")) == (False, True)
    assert users[-1][1] == "routine_request_10.xml"
    assert [event.time for event in full.events if event.simulator == "plcSimulator"] == [80, 80, 90, 90]


def test_which_scenario_is_meant(tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text("[1]", encoding="utf-8")
    assert scenario_path("") is None
    assert scenario_path(str(own)) == own
    assert scenario_path("plc") == SCENARIOS / "plc.json"
    with pytest.raises(click.BadParameter, match=r"one of alerts, full, plc$"):
        scenario_path("nonsense")


@pytest.mark.parametrize("command", ["observatory", "users", "alerts"])
def test_a_scenario_that_there_is_not_is_wrong_usage(command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["sim", command, "--scenario", "ful"]) == 2
    told = capfd.readouterr().err
    assert "one of alerts, full, plc. Did you mean 'full'?" in told


def test_a_demo_and_a_template_that_there_is_not_say_the_likely_one(capfd: pytest.CaptureFixture[str]) -> None:
    for words in (["demo", "observatry"], ["init", "x", "--template", "observatry"]):
        assert run_cli(words) == 2
        assert "Did you mean 'observatory'?" in capfd.readouterr().err
