"""The fleet of the demo on real HTTP: how many marbles there are, and that nobody can say so without everybody."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sereno.access.actor import ROLES, Actor
from sereno.app.datafolder import DataFolder
from sereno.app.demo import with_urls
from sereno.app.demo_fleet import FLEET
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.client import Reading
from sereno.device import Environment
from sereno.model import severity
from sereno.sim.gateways.server import run_gateways

VIEWER = Actor("viewer", (ROLES["viewer"],))


async def test_the_marbles_are_all_there_or_nobody_knows(tmp_path: Path) -> None:
    async with run_gateways(12, marbles=20, seed=3) as fleet:
        url = f"http://127.0.0.1:{fleet.inventory_port}/inventory"
        plant = with_urls(load_plant(FLEET.plant), {"fleet/gateways": url})
        async with Node(plant, DataFolder(tmp_path), Environment()) as node:
            await node.start("127.0.0.1", 0)

            async def get(name: str) -> Reading:
                (reading,) = await node.parts.hub.read((f"fleet/gateways/{name}",), VIEWER)
                return reading

            async def until(connected: int) -> Reading:
                while (await get("connected")).value != connected:
                    await asyncio.sleep(0.02)
                return await get("marbles")

            assert (await until(12)).value == (20.0, 20.0, 20.0)
            fleet.down.add(3)
            marbles = await until(11)
            assert severity(marbles.quality) == "bad"
            assert "1 of 12 did not answer: gw04" in marbles.reason
            assert (await get("missing")).value == 1
            fleet.down.clear()
            assert (await until(12)).value == (20.0, 20.0, 20.0)
