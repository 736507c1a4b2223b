"""sereno logs over files as a node writes them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from sereno.app.cli import run_cli
from sereno.app.logfiles.writer import LogFiles
from sereno.app.logs import configure_logs
from sereno.app.plant.load import load_plant
from sereno.app.runner import RunOptions, run_node
from sereno.app.welcome import Welcome
from sereno.model import ConfigurationError, SystemClock


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    yield
    configure_logs()
    structlog.reset_defaults()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with LogFiles(tmp_path / "logs", SystemClock()) as files:
        configure_logs(logging.INFO, files)
        structlog.get_logger("sereno.alarms.alarms").warning("alarm", device="river/plc1", name="hi\x1b[31m")
        structlog.get_logger("sereno.agents.supervisor").error("agent is given up", agent="dome/guard", why="3 times")
        structlog.get_logger("sereno.agents.supervisor").debug("nothing")
        try:
            raise ValueError("no more")
        except ValueError:
            structlog.get_logger("sereno.web.app").exception("task ended", task="pages")
        logging.getLogger("uvicorn.error").error(OTHER)
        configure_logs()
        logging.getLogger("uvicorn.error").error("said elsewhere")
    return tmp_path


def events(capsys: pytest.CaptureFixture[str], data: Path, *arguments: str) -> list[str]:
    capsys.readouterr()
    assert run_cli(["logs", "--data", str(data), "--json", *arguments]) == 0
    return [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]


ALARM, AGENT, TASK, OTHER = "alarm", "agent is given up", "task ended", "Invalid HTTP request received."


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ([], [ALARM, AGENT, TASK, OTHER]),
        (["--module", "agents"], [AGENT]),
        (["--module", "sereno.alarms.alarms"], [ALARM]),
        (["--module", "uvicorn"], [OTHER]),
        (["--module", "agent"], []),
        (["--agent", "dome/guard"], [AGENT]),
        (["--agent", "guard"], [AGENT]),
        (["--agent", "plc1"], [ALARM]),
        (["--agent", "river"], [ALARM]),
        (["--level", "error"], [AGENT, TASK, OTHER]),
        (["--text", "3 TIMES"], [AGENT]),
        (["--last", "1"], [OTHER]),
        (["--since", "now-1h"], [ALARM, AGENT, TASK, OTHER]),
        (["--since", "2190-01-01"], []),
        (["--follow", "--for", "0.01", "--level", "error", "--all"], [AGENT, TASK, OTHER]),
    ],
)
def test_which_lines(data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], found: list[str]) -> None:
    assert events(capsys, data, *arguments) == found


def test_as_people_read_them(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["logs", "--data", str(data)]) == 0
    text = capsys.readouterr().out
    assert "agent is given up" in text
    assert "why=3 times" in text
    assert "ValueError: no more" in text
    assert "hi [31m" in text
    assert "\x1b[31mhi" not in text


def test_where_there_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli(["logs", "--data", str(tmp_path)]) == 1
    assert "there are no logs in" in capsys.readouterr().err
    assert run_cli(["logs", "--data", str(tmp_path), "--since", "yesterdayish"]) == 2


PLANT = '[[device]]\nname = "plc"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:1"\n'


def test_a_node_keeps_its_logs_in_its_data_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(PLANT, encoding="utf-8")
    options = RunOptions(load_plant(file), tmp_path / "data", "127.0.0.1", 0, seconds=0.3)
    assert run_node(options, Welcome(as_json=True)) == 0
    assert any("sereno.device" in json.loads(line)["logger"] for line in _lines(tmp_path / "data"))
    assert events(capsys, tmp_path / "data", "--module", "device", "--text", "127.0.0.1:1") == ["link down"]
    assert events(capsys, tmp_path / "data", "--agent", "plc") == ["link down"]


def _lines(data: Path) -> list[str]:
    return [line for file in (data / "logs").iterdir() for line in file.read_text().splitlines()]


def test_a_node_that_keeps_none(tmp_path: Path) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(f"[log]\nfiles = false\n{PLANT}", encoding="utf-8")
    options = RunOptions(load_plant(file), tmp_path / "data", "127.0.0.1", 0, seconds=0.05)
    assert run_node(options, Welcome(as_json=True)) == 0
    assert not (tmp_path / "data" / "logs").exists()


@pytest.mark.parametrize("keys", ['level = "loud"', "max_bytes = 5", 'every = "1s"', "keep = -1", "size = 5"])
def test_faults_of_the_table(tmp_path: Path, keys: str) -> None:
    file = tmp_path / "plant.toml"
    file.write_text(f"[log]\n{keys}\n{PLANT}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"plant.toml:2"):
        load_plant(file)
