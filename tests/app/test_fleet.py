"""The fleet of the demo on real HTTP: how many marbles there are, and that nobody can say so without everybody."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sereno.access.actor import ROLES, Actor
from sereno.app.datafolder import DataFolder
from sereno.app.demo_fleet import FLEET
from sereno.app.node import Node
from sereno.app.plant.load import load_plant
from sereno.app.simulators.placing import with_urls
from sereno.client import JobDetail, Reading
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


async def test_the_job_of_the_demo_tells_every_gateway_and_nobody_while_one_is_missing(tmp_path: Path) -> None:
    async with run_gateways(12, marbles=20, seed=3) as fleet:
        url = f"http://127.0.0.1:{fleet.inventory_port}/inventory"
        plant = with_urls(load_plant(FLEET.plant), {"fleet/gateways": url})
        async with Node(plant, DataFolder(tmp_path), Environment()) as node:
            await node.start("127.0.0.1", 0)

            async def after(number: int) -> JobDetail:
                while (detail := await node.parts.jobs.job("watch", VIEWER)).status.runs < number:
                    await asyncio.sleep(0.05)
                return detail

            async def run() -> JobDetail:
                before = (await node.parts.jobs.job("watch", VIEWER)).status.runs
                await job.call("run", ())
                return await after(before + 1)

            job = node.parts.jobs.handlers["jobs/watch"]
            detail = await after(1)
            await job.call("pause", ())
            if detail.status.last is not None and detail.status.last.outcome != "done":
                detail = await run()
            assert fleet.circuit.totals == [[20, 20, 20]] * 12
            last = detail.status.last
            assert last is not None
            assert [step.state for step in last.steps if step.do != "check"] == ["ok"] * 5
            table = {column.title: column for column in detail.table}
            assert set(table["Total taken"].by_member.values()) == {"ok"}
            assert len(table["Marbles"].by_member) == 12
            assert table["Marbles"].value == [20.0, 20.0, 20.0]
            told = list(fleet.circuit.told)

            fleet.down.add(3)
            last = (await run()).status.last
            assert last is not None
            steps = {step.do: step for step in last.steps}
            assert (last.outcome, steps["write_back"].state) == ("warned", "warned")
            assert "nothing is written" in steps["write_back"].words
            assert "connection error" in steps["connections"].words
            assert fleet.circuit.told == told
            fleet.down.clear()
            last = (await run()).status.last
            assert last is not None
            assert fleet.circuit.told == [count + 3 for count in told]
            records = [r for r in await node.parts.accounts.audit.entries() if r.target == "fleet/gateways/total"]
            assert {r.actor for r in records} == {"job/watch"}
            assert all(r.comment.startswith("fleet/gateways/marbles of the sweep at 20") for r in records if r.comment)
            assert any(r.outcome == "done" for r in records)
