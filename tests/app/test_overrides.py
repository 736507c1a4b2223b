"""Substituted values and maintenance from the command line, against a node over the waterworks, and over a restart."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from sereno.app.cli import run_cli
from sereno.app.datafolder import DataFolder
from sereno.app.demo import TEMPLATE
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.simulators.placing import with_urls
from sereno.device import Environment
from sereno.sim.waterworks.run import RunningWaterworks, run_waterworks

LEVEL, CHLORINE = "river/plc1/tank_level", "river/plc1/chlorine_setpoint"


@asynccontextmanager
async def node_over(sim: RunningWaterworks, data: Path) -> AsyncIterator[Node]:
    async with Node(with_urls(load_plant(TEMPLATE), sim.urls), DataFolder(data), Environment()) as node:
        await node.start("127.0.0.1", 0)
        for _ in range(2400):
            if (await shown(data, LEVEL))["quality"] == "good":
                break
            await asyncio.sleep(0.025)
        yield node


async def sereno(data: Path, *arguments: str) -> tuple[int, str]:
    def run() -> tuple[int, str]:
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            return run_cli([*arguments, "--data", str(data)]), out.getvalue()

    return await asyncio.to_thread(run)


async def shown(data: Path, tag: str) -> dict[str, Any]:
    _, text = await sereno(data, "info", tag, "--json")
    found: dict[str, Any] = json.loads(text)
    return found


async def test_a_substituted_value_outlives_the_node_and_ends_by_hand(tmp_path: Path) -> None:
    async with run_waterworks(control_port=None, seed=1) as sim:
        async with node_over(sim, tmp_path):
            code, text = await sereno(tmp_path, "substitute", LEVEL, "9.5", "--reason", "probe out", "--for", "2h")
            assert (code, "substituted by 9.500 m until 20" in text) == (0, True), text
        async with node_over(sim, tmp_path):
            now = await shown(tmp_path, LEVEL)
            assert (now["value"], now["quality"], now["reason"]) == (9.5, "good", "substituted by hand")
            assert now["substitution"]["reason"] == "probe out"
            _, text = await sereno(tmp_path, "info", LEVEL)
            assert "own value" in text
            _, text = await sereno(tmp_path, "substitute")
            assert "probe out" in text
            own = now["substitution"]["own"]["value"]
            code, text = await sereno(tmp_path, "substitute", LEVEL, "--end")
            assert code == 0, text
            after = await shown(tmp_path, LEVEL)
            assert abs(after["value"] - own) < 1.0
            assert (after["reason"], after["substitution"]) == ("", None)
            code, text = await sereno(tmp_path, "substitute", LEVEL, "1")
            assert (code, "--reason" in text) == (2, True)


async def test_a_device_in_maintenance_takes_no_commands(tmp_path: Path) -> None:
    async with run_waterworks(control_port=None, seed=1) as sim, node_over(sim, tmp_path):
        written = sim.servers["river/plc1"].counters["writes"]
        code, text = await sereno(tmp_path, "device", "out", "river/plc1", "--reason", "new seals")
        assert (code, "until ended by hand" in text) == (0, True), text
        code, text = await sereno(tmp_path, "put", CHLORINE, "0.8")
        assert (code, "out for maintenance: new seals" in text) == (1, True), text
        assert sim.servers["river/plc1"].counters["writes"] == written
        _, text = await sereno(tmp_path, "device", "show", "river/plc1")
        assert "out for maintenance: new seals" in text
        _, text = await sereno(tmp_path, "device", "list")
        assert "OUT" in text
        assert (await sereno(tmp_path, "device", "in", "river/plc1"))[0] == 0
        assert (await sereno(tmp_path, "put", CHLORINE, "0.8"))[0] == 0
