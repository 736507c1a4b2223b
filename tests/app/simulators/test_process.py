"""The process of a simulator by itself: an end as intended, one that cannot be begun, none after the end."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
import structlog

from sereno.app.plant.load import load_plant
from sereno.app.simulators.placing import with_simulators
from sereno.app.simulators.process import SimulatorProcess
from sereno.app.simulators.running import SimulatorProcesses
from sereno.model import OperationError, SystemClock

PLANT = """
[[device]]
name = "lab/plc"
driver = "jsonplc"
url = "tcp://192.0.2.1:5003"
scan = "1s"
tag = [{ name = "rain", address = "WXT520:RainRate" }]
[[simulator]]
name = "plc"
command = ["plc"]
"""


@pytest.mark.parametrize(("words", "ends", "level"), [
    ("--help", True, "info"), ("--help", False, "warning"), ("--nothing", True, "warning"),
])  # fmt: skip
async def test_an_end_as_intended_is_no_warning(tmp_path: Path, words: str, ends: bool, level: str) -> None:
    process = SimulatorProcess("simulator/plc", ["plc", words], tmp_path, {}, SystemClock(), ends=ends)
    with structlog.testing.capture_logs() as logs:
        await process.begin()
        async with asyncio.timeout(60):
            while process.now.exit_code is None:
                await asyncio.sleep(0.05)
    await process.end()
    (said,) = [line for line in logs if line["event"] == "simulator has ended"]
    assert (said["log_level"], said["exit_code"] == 0) == (level, words == "--help")


async def test_one_that_cannot_be_begun_does_not_run_and_none_is_begun_after_the_end(tmp_path: Path) -> None:
    (tmp_path / "at").mkdir()
    path = tmp_path / "at" / "plant.toml"
    path.write_text(PLANT, encoding="utf-8")
    plant = with_simulators(load_plant(path))
    shutil.rmtree(path.parent)
    processes = SimulatorProcesses(plant, lambda _: ("", ""), SystemClock())
    with pytest.raises(OperationError, match="simulator/plc cannot be started"):
        await processes.start("simulator/plc", "")
    assert processes.run("simulator/plc") is None
    await processes.close()
    with pytest.raises(OperationError, match="the node ends"):
        await processes.start("simulator/plc", "")


async def test_one_that_is_being_begun_at_the_end_is_not_left(tmp_path: Path) -> None:
    path = tmp_path / "plant.toml"
    path.write_text(PLANT, encoding="utf-8")
    processes = SimulatorProcesses(with_simulators(load_plant(path)), lambda _: ("", ""), SystemClock())
    starting = asyncio.create_task(processes.start("simulator/plc", ""))
    await asyncio.sleep(0)
    begun = processes._runs["simulator/plc"]
    await processes.close()
    with pytest.raises(OperationError, match="was told to end before it had begun"):
        await starting
    assert begun._process is not None
    assert begun._process.returncode is not None
