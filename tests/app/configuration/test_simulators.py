"""[[simulator]] tables in a plan: they count with the next start, and no new device meets the real thing meanwhile."""

from __future__ import annotations

from pathlib import Path

from sereno.access.actor import ROLES, Actor
from sereno.app.datafolder import DataFolder
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.simulators.placing import with_simulators
from sereno.client import ChangePlan, Effect, connect
from sereno.device import Environment

DEVICE = """
[[device]]
name = "lab/{name}"
driver = "jsonplc"
url = "tcp://127.0.0.1:1"
tag = [{{ name = "rain", address = "WXT520:RainRate" }}]
"""
SIMULATOR = """
[[simulator]]
name = "plc"
command = ["plc"]
port = {port}
url = "tcp://127.0.0.1:{{port}}"
devices = [{devices}]
start = false
"""


def plant(*names: str, also: str = "") -> str:
    simulated = ", ".join(f'"lab/{name}"' for name in names)
    devices = "".join(DEVICE.format(name=name) for name in names)
    return devices + also + SIMULATOR.format(port=PORT, devices=simulated)


PORT = 5003


async def planned(folder: Path, text: str, *, simulated: bool) -> ChangePlan:
    path = folder / "plant.toml"
    path.write_text(plant("a"), encoding="utf-8")
    loaded = load_plant(path)
    running = with_simulators(loaded) if simulated else loaded
    async with Node(running, DataFolder(folder / "data"), Environment()) as node:
        await node.start("127.0.0.1", 0)
        path.write_text(text, encoding="utf-8")
        async with connect(data=folder / "data") as client:
            return await client.configuration.plan(Actor("admin", (ROLES["admin"],)))


async def test_a_new_device_with_a_simulator_waits_for_the_next_start(tmp_path: Path) -> None:
    (fault,) = (await planned(tmp_path, plant("a", "b"), simulated=True)).faults
    assert "'lab/b' has the simulator 'plc', which stands for it with the next start" in fault.found


async def test_simulators_change_with_the_next_start_of_a_node_that_runs_them(tmp_path: Path) -> None:
    text = plant("a", also=DEVICE.format(name="real")).replace("start = false", "start = false\nlimit = 2")
    found = await planned(tmp_path, text, simulated=True)
    assert [one.effect for one in found.changes if one.kind == "setting"] == [Effect.NEXT_START]
    assert found.faults == ()


async def test_where_none_runs_a_changed_simulator_waits_for_nothing(tmp_path: Path) -> None:
    found = await planned(tmp_path, plant("a", "b"), simulated=False)
    assert [one.effect for one in found.changes if one.kind == "setting"] == [Effect.LIVE]
    assert found.faults == ()
