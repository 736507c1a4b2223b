"""A whole node in this process: against a foreign Modbus server, and against the waterworks."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from sereno.app.datafolder import DataFolder
from sereno.app.demo import TEMPLATE
from sereno.app.node import Node
from sereno.app.plant.load import Plant, load_plant
from sereno.app.simulators.placing import with_urls
from sereno.app.welcome import Ready
from sereno.device import Environment
from sereno.model import SerenoError
from sereno.sim.waterworks.run import RunningWaterworks, run_waterworks
from tests.ports import free_port

README = Path(__file__).parents[2] / "README.md"


@asynccontextmanager
async def running(plant: Plant, folder: Path) -> AsyncIterator[tuple[Ready, httpx.AsyncClient]]:
    async with Node(plant, DataFolder(folder), Environment()) as node:
        ready = await node.start("127.0.0.1", 0)
        headers = {"Authorization": f"Bearer {ready.token}"}
        async with httpx.AsyncClient(base_url=ready.url, headers=headers, timeout=60) as client:
            yield ready, client


@asynccontextmanager
async def foreign_server(registers: list[int]) -> AsyncIterator[int]:
    """pymodbus' server with holding registers from 100 on; yields its port."""
    device = SimDevice(1, simdata=[SimData(100, values=registers, datatype=DataType.REGISTERS)])
    server = ModbusTcpServer(device, address=("127.0.0.1", 0))
    await server.listen()
    assert server.transport is not None
    try:
        yield server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
    finally:
        await server.shutdown()


async def values(client: httpx.AsyncClient, glob: str = "*") -> dict[str, dict[str, Any]]:
    answer = (await client.get("/api/v1/values", params={"tag": glob})).raise_for_status().json()
    return {v["tag"]: v for v in answer["values"]}


async def eventually(check: Callable[[], Awaitable[bool]], what: str) -> None:
    for _ in range(2400):
        if await check():
            return
        await asyncio.sleep(0.025)
    pytest.fail(f"never: {what}")


def first_plant_of_the_readme() -> str:
    found = re.search(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


async def test_ten_lines_of_the_readme_read_a_foreign_server(tmp_path: Path) -> None:
    text = first_plant_of_the_readme()
    assert sum(bool(line.strip()) for line in text.splitlines()) <= 10
    async with foreign_server(list(struct.unpack(">HH", struct.pack(">f", 4.25)))) as port:
        (tmp_path / "plant.toml").write_text(text.replace(":5020", f":{port}"), encoding="utf-8")
        async with running(load_plant(tmp_path / "plant.toml"), tmp_path / "data") as (_, client):

            async def arrived() -> bool:
                return (await values(client))["mill/plc1/level"]["quality"] == "good"

            await eventually(arrived, "a good value")
            assert (await values(client))["mill/plc1/level"]["value"] == 4.25


async def test_the_total_of_a_counter_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def total(client: httpx.AsyncClient) -> tuple[Any, str]:
        found = (await values(client))["plc/n_total"]
        return found["value"], found["quality"]

    async def seen(port: int, wanted: int) -> None:
        tag = 'name = "n"\naddress = "holding:100"\ntype = "uint16"\ncounter = { max_step = 1000 }'
        head = f'[[device]]\nname = "plc"\ndriver = "modbus"\nurl = "tcp://127.0.0.1:{port}"\nscan = "50ms"'
        (tmp_path / "plant.toml").write_text(f"{head}\n[[device.tag]]\n{tag}\n", encoding="utf-8")
        async with running(load_plant(tmp_path / "plant.toml"), tmp_path / "data") as (_, client):

            async def there() -> bool:
                return await total(client) == (wanted, "good")

            await eventually(there, f"a total of {wanted}")

    async with foreign_server([65_500]) as port:
        await seen(port, 0)
    async with foreign_server([64]) as port:
        await seen(port, 100)


@asynccontextmanager
async def waterworks(folder: Path) -> AsyncIterator[tuple[RunningWaterworks, httpx.AsyncClient]]:
    async with run_waterworks(control_port=None, river_port=free_port(), seed=1) as sim:  # where it comes back
        plant = with_urls(load_plant(TEMPLATE), sim.urls)
        async with running(plant, folder) as (_, client):

            async def all_good() -> bool:
                found = (await values(client)).values()
                return all(v["quality"] == "good" or v["value"] is None for v in found)

            await eventually(all_good, "all tags good")
            yield sim, client


async def test_setpoint_is_done_when_the_plant_reads_back(tmp_path: Path) -> None:
    async with waterworks(tmp_path) as (sim, client):
        tag = "river/plc1/chlorine_setpoint"
        written = sim.servers["river/plc1"].counters["writes"]
        answer = (await client.put(f"/api/v1/values/{tag}", json={"value": 0.75})).json()
        assert answer["state"] == "done", answer
        assert answer["value"] == 0.75
        assert sim.servers["river/plc1"].counters["writes"] == written + 1
        assert (await values(client, tag))[tag]["value"] == 0.75
        refused = await client.put(f"/api/v1/values/{tag}", json={"value": 75})
        assert refused.status_code == 409
        assert "above the limit" in refused.json()["detail"]
        assert sim.servers["river/plc1"].counters["writes"] == written + 1


async def test_device_that_goes_is_stale_with_its_reason_and_comes_back(tmp_path: Path) -> None:
    async with waterworks(tmp_path) as (sim, client):
        server, port = sim.servers["river/plc1"], sim.servers["river/plc1"].port
        await server.close()

        async def stale() -> bool:
            found = await values(client, "river/plc1/*")
            return all(v["quality"] == "bad" for v in found.values())

        await eventually(stale, "every tag of the lost device bad")
        found = await values(client)
        level = found["river/plc1/tank_level"]
        assert "river/plc1" in level["reason"]
        assert level["value"] is not None

        async def others_are_good() -> bool:
            return (await values(client, "town/plc2/reservoir1_level"))["town/plc2/reservoir1_level"][
                "quality"
            ] == "good"

        await eventually(others_are_good, "values of the other device")
        await server.start(port=port)

        async def back() -> bool:
            return (await values(client, "river/plc1/tank_level"))["river/plc1/tank_level"]["quality"] == "good"

        await eventually(back, "values again without help")

        async def gap_is_kept() -> bool:
            query = {"tag": "river/plc1/tank_level", "from": "now-5min"}
            series = (await client.get("/api/v1/history", params=query)).raise_for_status().json()["series"][0]
            quality = series["quality"]
            return quality[0] == "good" and "bad" in quality and quality[-1] == "good"

        await eventually(gap_is_kept, "the gap in the history")


async def test_second_node_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with waterworks(tmp_path):
        with pytest.raises(SerenoError, match=r"another|in use|running"):
            async with running(load_plant(TEMPLATE), tmp_path):
                pass


async def test_password_is_shown_once(tmp_path: Path) -> None:
    plant = load_plant(TEMPLATE)
    async with running(plant, tmp_path) as (first, _):
        assert first.password
    async with running(plant, tmp_path) as (second, _):
        assert second.password is None
        assert second.token != first.token
